/* The link of a board (runtime/board.h) over the two bulk endpoints. Both ways are bounded: what the host sends stays
   in the controller, which lets it wait, until there is room; what the board says waits in a ring, and board_write
   takes only what fits. With nobody at the other end (no host, or the port is closed) words go nowhere, as on a
   wire. */
#include "board.h"
#include "chip.h"
#include "usb.h"

enum { QUEUE = 1024, LEAVE_US = 20000, GONE_US = 20000, TOUCH_US = 10000 };

static uint8_t queue[QUEUE]; /* bytes put - taken wait */
static uint32_t put, taken;
static int32_t started, last_full, touched;
static uint32_t touched_us;
static uint8_t packet[USB_PACKET];
static int32_t packet_at, packet_bytes;

/* What nobody will hear. */
static void forget(void)
{
    put = taken = 0;
    last_full = 0;
}

/* Hand the controller the next packet. After a full one that was the last an empty one says so, else the host's driver
   waits for more before it tells what it has. */
static void pump(void)
{
    uint8_t next[USB_PACKET];
    const uint32_t waiting = put - taken;
    if (!usb_open()) {
        forget();
        return;
    }
    if (usb_in_halted() || !usb_can_send() || (waiting == 0 && !last_full))
        return;
    const uint32_t n = waiting < USB_PACKET ? waiting : USB_PACKET;
    for (uint32_t i = 0; i < n; i++)
        next[i] = queue[(taken + i) % QUEUE];
    taken += n;
    last_full = n == USB_PACKET;
    usb_send(next, (int32_t)n);
}

/* A while after the touch, so that the host has its answer. */
static void obey_touch(void)
{
    if (usb_touched()) {
        touched = 1;
        touched_us = chip_time_us();
    }
    if (touched && chip_time_us() - touched_us >= TOUCH_US) {
        touched = 0;
        usb_touch();
    }
}

static void poll(void)
{
    if (!started) {
        started = 1;
        usb_controller_start();
    }
    usb_controller_poll();
    pump();
    obey_touch();
}

int32_t board_write(const uint8_t *bytes, int32_t n)
{
    poll();
    if (!usb_open())
        return n;
    const uint32_t room = QUEUE - (put - taken);
    const uint32_t fits = (uint32_t)n < room ? (uint32_t)n : room;
    for (uint32_t i = 0; i < fits; i++)
        queue[(put + i) % QUEUE] = bytes[i];
    put += fits;
    pump();
    return (int32_t)fits;
}

int32_t board_read(uint8_t *bytes, int32_t n)
{
    int32_t got = 0;
    poll();
    while (got < n) {
        if (packet_at == packet_bytes) {
            packet_at = 0;
            packet_bytes = usb_receive(packet);
            if (packet_bytes <= 0) {
                packet_bytes = 0;
                break;
            }
        }
        bytes[got++] = packet[packet_at++];
    }
    return got;
}

/* Nothing to set up before the first word: a boot loader that only hands over must not show itself to the host. */
void chip_link_start(void)
{
}

/* Until the host has taken what waits, but not for long; then off the bus, for long enough that the host notices. */
void chip_sent(void)
{
    if (!started)
        return;
    uint32_t since = chip_time_us();
    while (usb_open() && (put != taken || last_full || !usb_can_send()) && chip_time_us() - since < LEAVE_US) {
        usb_controller_poll();
        pump();
    }
    usb_controller_stop();
    forget();
    started = touched = packet_at = packet_bytes = 0;
    for (since = chip_time_us(); chip_time_us() - since < GONE_US;) {
    }
}
