/* The USB device controller of nRF52840 [product specification, USBD]. Packets lie in the controller's own memory;
   EasyDMA moves them from and to RAM, one at a time. It takes SET_ADDRESS by itself.
   Errata of nRF52840: 171 and 187 (it may not start), 199 (no task while EasyDMA runs) are worked around as Nordic's
   driver does; for 211 (it stays in suspend too long) the word of 187 stays while the controller is on. 166 concerns
   isochronous transfers and 223 other chips. */
#include "nrf52840.h"
#include "chip.h"
#include "usb.h"

enum { VBUS = 1, SUPPLY_READY = 2, SUSPEND = 1 << 8, RESUME = 1 << 9, READY = 1 << 11, UNLOCK = 0x9375 };
enum { CONTROL = 1 << 0, DATA = 1 << USB_DATA, OUT_SHIFT = 16, PATIENCE_US = 1000, USB_IRQ = 39 };
enum { STALL = 1 << 8, DATA0 = 1 << 8, IN_BIT = 1 << 7, SET_ADDRESS = 5 };
enum { ON_RESET = 1 << 0, ON_DONE = 1 << 10, ON_EVENT = 1 << 22, ON_SETUP = 1 << 23, ON_DATA = 1 << 24 };

static enum { OFF, STARTING, ON } state;
static int32_t in_busy, out_waits, to_host;
static _Alignas(4) uint8_t block[USB_PACKET];

/* Errata 171 and 187: these registers take a value only between two words that unlock and lock them. */
static void patch(volatile uint32_t *where, uint32_t value)
{
    const int32_t locked = ERRATA_LOCK == 0;
    if (locked)
        ERRATA_LOCK = UNLOCK;
    *where = value;
    if (locked)
        ERRATA_LOCK = UNLOCK;
}

/* Some microseconds; erratum 199: meanwhile the controller must be told to take no other task. */
static void move(volatile uint32_t *task, volatile uint32_t *ended)
{
    const uint32_t since = chip_time_us();
    *ended = 0;
    ERRATUM_199 = 0x82;
    *task = 1;
    while (!*ended && chip_time_us() - since < PATIENCE_US) {
    }
    ERRATUM_199 = 0;
    *ended = 0;
}

static void forget(void)
{
    in_busy = out_waits = 0;
}

/* A maker's boot loader may have left it on. */
void usb_controller_start(void)
{
    USBD_USBPULLUP = 0;
    USBD_ENABLE = 0;
    state = OFF;
    forget();
}

void usb_controller_stop(void)
{
    USBD_USBPULLUP = 0;
    USBD_INTENCLR = ~0u;
    NVIC_ICER(USB_IRQ / 32) = 1u << USB_IRQ % 32;
    NVIC_ICPR(USB_IRQ / 32) = 1u << USB_IRQ % 32;
    USBD_ENABLE = 0;
    patch(&ERRATUM_187, 0);
    state = OFF;
    usb_on_reset();
    forget();
}

static void enable(void)
{
    USBD_EVENTCAUSE = READY;
    patch(&ERRATUM_187, 3);
    patch(&ERRATUM_171, 0xC0);
    USBD_ENABLE = 1;
    state = STARTING;
}

/* On the bus as soon as the controller and the regulator of its lines are ready. The interrupt wakes, nothing more. */
static void connect(void)
{
    if (!(USBD_EVENTCAUSE & READY) || !(POWER_USBREGSTATUS & SUPPLY_READY))
        return;
    USBD_EVENTCAUSE = READY;
    patch(&ERRATUM_171, 0);
    USBD_INTENSET = ON_RESET | ON_DONE | ON_EVENT | ON_SETUP | ON_DATA;
    NVIC_ISER(USB_IRQ / 32) = 1u << USB_IRQ % 32;
    USBD_USBPULLUP = 1;
    state = ON;
}

static int32_t came(volatile uint32_t *event)
{
    if (!*event)
        return 0;
    *event = 0;
    return 1;
}

static void take_setup(void)
{
    uint8_t setup[USB_SETUP];
    for (int32_t i = 0; i < USB_SETUP; i++)
        setup[i] = (uint8_t)(&USBD_BMREQUESTTYPE)[i];
    to_host = setup[0] >> 7;
    if (setup[0] != 0 || setup[1] != SET_ADDRESS)
        usb_on_setup(setup);
}

static void take_control_packet(void)
{
    const int32_t n = (int32_t)(USBD_SIZE_EPOUT_0 & 0x7F);
    if (to_host) {
        usb_on_ep0_sent();
        return;
    }
    USBD_EPOUT_0_PTR = (uint32_t)(uintptr_t)block;
    USBD_EPOUT_0_MAXCNT = (uint32_t)n;
    move(&USBD_TASKS_STARTEPOUT_0, &USBD_EVENTS_ENDEPOUT_0);
    usb_on_ep0_received(block, n);
}

static void take_bus_event(void)
{
    const uint32_t cause = USBD_EVENTCAUSE;
    USBD_EVENTCAUSE = cause;
    if (cause & (SUSPEND | RESUME))
        usb_on_suspend(!(cause & RESUME));
}

static void take_data_event(void)
{
    const uint32_t status = USBD_EPDATASTATUS;
    USBD_EPDATASTATUS = status;
    if (status & DATA)
        in_busy = 0;
    if (status & (uint32_t)DATA << OUT_SHIFT)
        out_waits = 1;
}

/* A SETUP that has come ends what was under way, so the packet before it is not answered any more. */
static void take_events(void)
{
    if (came(&USBD_EVENTS_USBRESET)) {
        forget();
        usb_on_reset();
    }
    if (came(&USBD_EVENTS_USBEVENT))
        take_bus_event();
    if (came(&USBD_EVENTS_EP0DATADONE) && !USBD_EVENTS_EP0SETUP)
        take_control_packet();
    if (came(&USBD_EVENTS_EP0SETUP))
        take_setup();
    if (came(&USBD_EVENTS_EPDATA))
        take_data_event();
}

void usb_controller_poll(void)
{
    if (!(POWER_USBREGSTATUS & VBUS)) {
        if (state != OFF)
            usb_controller_stop();
    } else if (state == OFF) {
        enable();
    } else if (state == STARTING) {
        connect();
    } else {
        NVIC_ICPR(USB_IRQ / 32) = 1u << USB_IRQ % 32; /* first, so that what comes now wakes again */
        take_events();
    }
}

/* EasyDMA reads RAM only, and what is sent may lie in flash. */
static void load(volatile uint32_t *pointer, volatile uint32_t *count, const uint8_t *bytes, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        block[i] = bytes[i];
    *pointer = (uint32_t)(uintptr_t)block;
    *count = (uint32_t)n;
}

void usb_ep0_send(const uint8_t *bytes, int32_t n)
{
    load(&USBD_EPIN_0_PTR, &USBD_EPIN_0_MAXCNT, bytes, n);
    move(&USBD_TASKS_STARTEPIN_0, &USBD_EVENTS_ENDEPIN_0);
}

void usb_ep0_receive(void)
{
    USBD_TASKS_EP0RCVOUT = 1;
}

/* One task for both directions, and no event when it is over. */
void usb_ep0_status(int32_t to_host_)
{
    (void)to_host_;
    USBD_TASKS_EP0STATUS = 1;
    usb_on_ep0_done();
}

void usb_ep0_stall(void)
{
    USBD_TASKS_EP0STALL = 1;
}

void usb_set_address(uint8_t address)
{
    (void)address;
}

/* Any word in SIZE lets the controller take a packet. */
static void fresh(uint8_t endpoint)
{
    USBD_DTOGGLE = endpoint; /* which one, then what */
    USBD_DTOGGLE = DATA0 | endpoint;
    if (!(endpoint & IN_BIT)) {
        out_waits = 0;
        USBD_SIZE_EPOUT_2 = 0;
    }
}

void usb_data_open(int32_t open)
{
    const uint32_t with = open ? DATA : 0;
    forget();
    USBD_EPINEN = CONTROL | with | (open ? 1u << USB_NOTIFY : 0);
    USBD_EPOUTEN = CONTROL | with;
    if (!open)
        return;
    usb_halt(USB_DATA, 0);
    usb_halt(USB_IN | USB_DATA, 0);
    usb_halt(USB_IN | USB_NOTIFY, 0);
}

void usb_halt(uint8_t endpoint, int32_t halted)
{
    USBD_EPSTALL = (halted ? STALL : 0u) | endpoint;
    if (!halted)
        fresh(endpoint);
}

int32_t usb_can_send(void)
{
    return state == ON && !in_busy;
}

void usb_send(const uint8_t *bytes, int32_t n)
{
    in_busy = 1;
    load(&USBD_EPIN_2_PTR, &USBD_EPIN_2_MAXCNT, bytes, n);
    move(&USBD_TASKS_STARTEPIN_2, &USBD_EVENTS_ENDEPIN_2);
}

/* The controller takes the next packet when EasyDMA has fetched this one. */
int32_t usb_receive(uint8_t *packet)
{
    if (state != ON || !out_waits)
        return -1;
    const int32_t n = (int32_t)(USBD_SIZE_EPOUT_2 & 0x7F);
    out_waits = 0;
    USBD_EPOUT_2_PTR = (uint32_t)(uintptr_t)block;
    USBD_EPOUT_2_MAXCNT = (uint32_t)n;
    move(&USBD_TASKS_STARTEPOUT_2, &USBD_EVENTS_ENDEPOUT_2);
    for (int32_t i = 0; i < n; i++)
        packet[i] = block[i];
    return n;
}
