/* The USB device controller of RP2040 and RP2350 [RP2040 datasheet, 4.1]: packets lie in its own memory (DPRAM), and a
   word per endpoint and direction hands a buffer over. Whether a cable is plugged in is not known: VBUS counts as on.
   Erratum RP2040-E5 (stepping B0 and B1 may not see the end of a reset on a busy bus) and E15 (a bulk IN beside a
   hub's traffic may hang) are not worked around. */
#include "rp2.h"
#include "chip.h"
#include "parts.h"
#include "registers.h"
#include "usb.h"

enum { FULL = 1 << 15, DATA1 = 1 << 13, STALL = 1 << 11, AVAILABLE = 1 << 10, LENGTH = 0x3FF };
enum { PER_BUFFER = 1 << 29, BULK = 2 << 26, INTERRUPT = 3 << 26, AT_IN = 0x180, AT_OUT = 0x1C0, AT_NOTIFY = 0x200 };
enum { EP0_IN = 1 << 0, EP0_OUT = 1 << 1, DATA_IN = 1 << 4, DATA_OUT = 1 << 5 };
enum { BUS_RESET = 1 << 19, SETUP_REC = 1 << 17, RESUME = 1 << 11, SUSPENDED = 1 << 4 };
enum { ON_SETUP = 1 << 16, ON_RESUME = 1 << 15, ON_SUSPEND = 1 << 14, ON_RESET = 1 << 12, ON_BUFFER = 1 << 4 };
enum { TO_PHY = 1, SOFT_CONNECT = 1 << 3, VBUS_DETECT = 1 << 2, VBUS_OVERRIDE = 1 << 3 };
enum { EP0_EACH_BUFFER = 1 << 29, PULL_UP = 1 << 16, CONTROLLER_ON = 1 };
#define ENABLED (1u << 31)

/* What endpoint 0 waits for. */
static enum { NOTHING, SENT, RECEIVED, STATUS_SENT, STATUS_RECEIVED } waits;
static uint32_t control_toggle, in_toggle, out_toggle;
static int32_t on, in_busy, out_waits;

/* 12 MHz * 40 / 5 / 2 = 48 MHz [2.18.2.1]. */
static void start_clock(void)
{
    const uint32_t wanted = 1u << RESET_PLL_USB;
    RESETS_RESET &= ~wanted;
    while (!(RESETS_RESET_DONE & wanted)) {
    }
    PLL_USB_CS = 1;
    PLL_USB_FBDIV_INT = 40;
    PLL_USB_PWR &= ~(1u | 1u << 5);
    while (!(PLL_USB_CS >> 31)) {
    }
    PLL_USB_PRIM = 5u << 16 | 2u << 12;
    PLL_USB_PWR &= ~(1u << 3);
    CLOCKS_CLK_USB_CTRL = 1u << 11;
}

static void restart_block(void)
{
    const uint32_t wanted = 1u << RESET_USBCTRL;
    RESETS_RESET |= wanted;
    RESETS_RESET &= ~wanted;
    while (!(RESETS_RESET_DONE & wanted)) {
    }
    for (int32_t i = 0; i < 4096 / 4; i++)
        (&DPRAM_SETUP_LOW)[i] = 0;
}

static void forget(void)
{
    waits = NOTHING;
    in_busy = out_waits = 0;
}

void usb_controller_start(void)
{
    start_clock();
    restart_block();
    forget();
    USB_USB_MUXING = TO_PHY | SOFT_CONNECT;
    USB_USB_PWR = VBUS_DETECT | VBUS_OVERRIDE;
    USB_MAIN_CTRL = CONTROLLER_ON; /* and on RP2350 the lines are not cut off any more */
    USB_INTE = ON_SETUP | ON_RESUME | ON_SUSPEND | ON_RESET | ON_BUFFER;
    NVIC_ISER(0) = 1u << USB_IRQ; /* wakes, nothing more */
    USB_SIE_CTRL = EP0_EACH_BUFFER | PULL_UP;
    on = 1;
}

void usb_controller_stop(void)
{
    USB_SIE_CTRL = EP0_EACH_BUFFER;
    USB_INTE = 0;
    NVIC_ICER(0) = 1u << USB_IRQ;
    NVIC_ICPR(0) = 1u << USB_IRQ;
    on = 0;
    usb_on_reset();
    forget();
}

/* The controller looks at AVAILABLE at its own pace of 48 MHz: the rest must stand there before [4.1.2.5.1]. */
static void hand_over(volatile uint32_t *buffer, uint32_t what)
{
    *buffer = what;
    for (int32_t i = 0; i < 12; i++)
        __asm volatile("nop");
    *buffer = what | AVAILABLE;
}

static void copy_in(volatile uint32_t *to, const uint8_t *from, int32_t n)
{
    for (int32_t i = 0; i < n; i += 4) {
        uint32_t word = 0;
        for (int32_t j = 0; j < 4 && i + j < n; j++)
            word |= (uint32_t)from[i + j] << 8 * j;
        to[i / 4] = word;
    }
}

static void copy_out(uint8_t *to, const volatile uint32_t *from, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        to[i] = (uint8_t)(from[i / 4] >> 8 * (i % 4));
}

static uint32_t toggled(uint32_t *toggle)
{
    const uint32_t now = *toggle;
    *toggle ^= DATA1;
    return now;
}

/* The stage after a SETUP begins with DATA1, the status stage always is. */
static void take_setup(void)
{
    uint8_t setup[USB_SETUP];
    USB_SIE_STATUS_CLEAR = SETUP_REC;
    DPRAM_EP0_IN_BUFFER_CONTROL = 0;
    DPRAM_EP0_OUT_BUFFER_CONTROL = 0;
    waits = NOTHING;
    control_toggle = DATA1;
    copy_out(setup, &DPRAM_SETUP_LOW, USB_SETUP);
    usb_on_setup(setup);
}

static void take_control_packet(void)
{
    uint8_t packet[USB_PACKET];
    const int32_t n = (int32_t)(DPRAM_EP0_OUT_BUFFER_CONTROL & LENGTH);
    const int32_t what = waits;
    waits = NOTHING;
    copy_out(packet, &DPRAM_EP0_BUFFER, n < USB_PACKET ? n : USB_PACKET);
    if (what == SENT)
        usb_on_ep0_sent();
    else if (what == RECEIVED)
        usb_on_ep0_received(packet, n);
    else if (what != NOTHING)
        usb_on_ep0_done();
}

static void take_buffers(void)
{
    const uint32_t status = USB_BUFF_STATUS;
    USB_BUFF_STATUS_CLEAR = status;
    if (status & (EP0_IN | EP0_OUT))
        take_control_packet();
    if (status & DATA_IN)
        in_busy = 0;
    if (status & DATA_OUT)
        out_waits = 1;
}

static void take_bus_events(uint32_t status)
{
    USB_SIE_STATUS_CLEAR = status & (BUS_RESET | SUSPENDED | RESUME);
    if (status & BUS_RESET) {
        USB_ADDR_ENDP = 0;
        forget();
        usb_on_reset();
    }
    if (status & (SUSPENDED | RESUME))
        usb_on_suspend(!(status & RESUME));
}

void usb_controller_poll(void)
{
    if (!on)
        return;
    NVIC_ICPR(0) = 1u << USB_IRQ; /* first, so that what comes now wakes again */
    const uint32_t status = USB_SIE_STATUS;
    if (status & (BUS_RESET | SUSPENDED | RESUME))
        take_bus_events(status);
    if (USB_BUFF_STATUS)
        take_buffers();
    if (status & SETUP_REC)
        take_setup();
}

void usb_ep0_send(const uint8_t *bytes, int32_t n)
{
    copy_in(&DPRAM_EP0_BUFFER, bytes, n);
    waits = SENT;
    hand_over(&DPRAM_EP0_IN_BUFFER_CONTROL, FULL | toggled(&control_toggle) | (uint32_t)n);
}

void usb_ep0_receive(void)
{
    waits = RECEIVED;
    hand_over(&DPRAM_EP0_OUT_BUFFER_CONTROL, toggled(&control_toggle) | USB_PACKET);
}

void usb_ep0_status(int32_t to_host)
{
    waits = to_host ? STATUS_SENT : STATUS_RECEIVED;
    if (to_host)
        hand_over(&DPRAM_EP0_IN_BUFFER_CONTROL, FULL | DATA1);
    else
        hand_over(&DPRAM_EP0_OUT_BUFFER_CONTROL, DATA1 | USB_PACKET);
}

void usb_ep0_stall(void)
{
    waits = NOTHING;
    USB_EP_STALL_ARM = EP0_IN | EP0_OUT;
    DPRAM_EP0_IN_BUFFER_CONTROL = STALL;
    DPRAM_EP0_OUT_BUFFER_CONTROL = STALL;
}

void usb_set_address(uint8_t address)
{
    USB_ADDR_ENDP = address;
}

static void listen(void)
{
    hand_over(&DPRAM_EP2_OUT_BUFFER_CONTROL, toggled(&out_toggle) | USB_PACKET);
}

void usb_data_open(int32_t open)
{
    in_busy = out_waits = 0;
    DPRAM_EP1_IN_CONTROL = open ? ENABLED | PER_BUFFER | INTERRUPT | AT_NOTIFY : 0;
    DPRAM_EP2_IN_CONTROL = open ? ENABLED | PER_BUFFER | BULK | AT_IN : 0;
    DPRAM_EP2_OUT_CONTROL = open ? ENABLED | PER_BUFFER | BULK | AT_OUT : 0;
    DPRAM_EP1_IN_BUFFER_CONTROL = 0;
    usb_halt(USB_IN | USB_DATA, !open);
    usb_halt(USB_DATA, !open);
}

static volatile uint32_t *control_of(uint8_t endpoint)
{
    return endpoint == USB_DATA              ? &DPRAM_EP2_OUT_BUFFER_CONTROL
           : endpoint == (USB_IN | USB_DATA) ? &DPRAM_EP2_IN_BUFFER_CONTROL
                                             : &DPRAM_EP1_IN_BUFFER_CONTROL;
}

/* What lay in it is forgotten. */
void usb_halt(uint8_t endpoint, int32_t halted)
{
    *control_of(endpoint) = halted ? STALL : 0;
    if (endpoint == (USB_IN | USB_DATA))
        in_toggle = 0, in_busy = 0;
    if (endpoint != USB_DATA)
        return;
    out_toggle = 0;
    out_waits = 0;
    if (!halted)
        listen();
}

int32_t usb_can_send(void)
{
    return on && !in_busy;
}

void usb_send(const uint8_t *bytes, int32_t n)
{
    in_busy = 1;
    copy_in(&DPRAM_EP2_IN_BUFFER, bytes, n);
    hand_over(&DPRAM_EP2_IN_BUFFER_CONTROL, FULL | toggled(&in_toggle) | (uint32_t)n);
}

int32_t usb_receive(uint8_t *packet)
{
    if (!on || !out_waits)
        return -1;
    const int32_t n = (int32_t)(DPRAM_EP2_OUT_BUFFER_CONTROL & LENGTH);
    out_waits = 0;
    copy_out(packet, &DPRAM_EP2_OUT_BUFFER, n < USB_PACKET ? n : USB_PACKET);
    listen();
    return n < USB_PACKET ? n : USB_PACKET;
}
