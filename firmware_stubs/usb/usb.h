/* A serial port over USB (CDC-ACM, full speed) on a chip's own device controller.
   device.c answers the host's requests, link.c makes a link of the two bulk endpoints, and one file per controller
   moves packets. No interrupt is served: everything happens in usb_controller_poll, and nothing waits for the host. */
#pragma once
#include <stdint.h>

enum { USB_PACKET = 64, USB_SETUP = 8 };
enum { USB_NOTIFY = 1, USB_DATA = 2 }; /* numbers of the endpoints: one IN for notices, one IN and one OUT for data */
enum { USB_IN = 0x80 };                /* in an endpoint's address */

/* What a controller brings. */
void usb_controller_start(void);
/* Leave the bus: the host sees the device unplugged. */
void usb_controller_stop(void);
/* Look at what has happened and tell it below. */
void usb_controller_poll(void);
/* Endpoint 0: the next packet of a data stage, to the host or from it; the status stage, an empty packet to the host or
   from it; a refusal. A new SETUP ends all of them. */
void usb_ep0_send(const uint8_t *bytes, int32_t n);
void usb_ep0_receive(void);
void usb_ep0_status(int32_t to_host);
void usb_ep0_stall(void);
/* Called when the status stage of SET_ADDRESS is over; does nothing where the controller took the address by itself. */
void usb_set_address(uint8_t address);
/* The data endpoints, from a fresh start: nothing in them, toggles at DATA0. */
void usb_data_open(int32_t open);
/* Halt an endpoint, or let it go on at DATA0. */
void usb_halt(uint8_t endpoint, int32_t halted);
/* 1 when the last packet has been taken by the host; usb_send then takes the next, 0 to USB_PACKET bytes, copied. */
int32_t usb_can_send(void);
void usb_send(const uint8_t *bytes, int32_t n);
/* The packet that has come, at most USB_PACKET bytes, or -1. What is not taken is held: the host is told to wait. */
int32_t usb_receive(uint8_t *packet);

/* What device.c wants to hear of the controller. */
void usb_on_reset(void);
void usb_on_suspend(int32_t suspended);
void usb_on_setup(const uint8_t *setup);
void usb_on_ep0_sent(void); /* a packet of the data stage to the host */
void usb_on_ep0_received(const uint8_t *bytes, int32_t n);
void usb_on_ep0_done(void); /* the status stage; a controller that does not hear of it says so at once */

/* What link.c wants to know of the device: the host has configured it, holds the port open (DTR), lets IN go. */
int32_t usb_configured(void);
int32_t usb_open(void);
int32_t usb_in_halted(void);
/* Whether the host has asked for the loader, by the custom of Arduino: open at 1200 baud, then close. */
int32_t usb_touched(void);

/* What follows a touch: another file in a boot loader than in an app. */
void usb_touch(void);
