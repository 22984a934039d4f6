/* Endpoint 0 of a serial port: standard requests [USB 2.0, 9.4] and those of a CDC-ACM function [PSTN 1.2, 6.3].
   Full speed only, powered by the bus, no remote wake-up. What is not understood is refused by a stall [9.2.7]. */
#include "usb.h"

enum { HOST_IN = 0x80, TYPE = 0x60, STANDARD = 0x00, CLASS = 0x20, RECIPIENT = 0x1F };
enum recipient { TO_DEVICE, TO_INTERFACE, TO_ENDPOINT };
enum {
    GET_STATUS = 0,
    CLEAR_FEATURE = 1,
    SET_FEATURE = 3,
    SET_ADDRESS = 5,
    GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8,
    SET_CONFIGURATION = 9,
    GET_INTERFACE = 10,
    SET_INTERFACE = 11
};
enum { SET_LINE_CODING = 0x20, GET_LINE_CODING = 0x21, SET_CONTROL_LINE_STATE = 0x22, SEND_BREAK = 0x23 };
enum { DEVICE = 1, CONFIGURATION = 2, STRING = 3, ENDPOINT_HALT = 0, INTERFACES = 2, MOST_LETTERS = 63 };
enum { TOUCH_BAUD = 1200, DTR = 1, CODING_BYTES = 7 };
enum { LANGUAGES, MAKER, PRODUCT, SERIAL, TEXTS };

#define LOW(word) ((word) & 0xFF)
#define HIGH(word) ((word) >> 8 & 0xFF)

/* clang-format off */
static const uint8_t device_descriptor[18] = {
    18, DEVICE, 0x00, 0x02, /* USB 2.0 */
    2, 0, 0,                /* communications device */
    USB_PACKET, LOW(USB_VENDOR), HIGH(USB_VENDOR), LOW(USB_PRODUCT), HIGH(USB_PRODUCT),
    0x00, 0x01, MAKER, PRODUCT, SERIAL, 1,
};

enum { CONFIGURATION_BYTES = 67 };
static const uint8_t configuration_descriptor[CONFIGURATION_BYTES] = {
    9, CONFIGURATION, CONFIGURATION_BYTES, 0, INTERFACES, 1, 0, 0x80, 250, /* from the bus, 500 mA at most */
    9, 4, 0, 0, 1, 2, 2, 0, 0,                                            /* interface 0: control, abstract model */
    5, 0x24, 0, 0x10, 0x01,                                               /* CDC 1.10 */
    5, 0x24, 1, 0, 1,                                                     /* calls: none; data on interface 1 */
    4, 0x24, 2, 2,                                                        /* line coding, line state */
    5, 0x24, 6, 0, 1,                                                     /* union of 0 and 1 */
    7, 5, USB_IN | USB_NOTIFY, 3, 16, 0, 16,                              /* interrupt, every 16 ms; never sent */
    9, 4, 1, 0, 2, 10, 0, 0, 0,                                           /* interface 1: data */
    7, 5, USB_DATA, 2, USB_PACKET, 0, 0,                                  /* bulk OUT */
    7, 5, USB_IN | USB_DATA, 2, USB_PACKET, 0, 0,                         /* bulk IN */
};
/* clang-format on */

/* What the stage after the present one is. */
enum stage { IDLE, SENDING, RECEIVING, STATUS };

static struct {
    enum stage stage;
    const uint8_t *from;
    int32_t left, end_short; /* a packet that is not full must still tell the end */
    uint8_t address, configuration, dtr, suspended, touched;
    uint32_t halted; /* bit mask of the data endpoints: 1 OUT, 2 IN, 4 notices */
} now;

static uint8_t coding[CODING_BYTES]; /* rate, stop bits, parity, bits: kept for the host, nothing depends on it */
static uint8_t answer[2 + 2 * MOST_LETTERS]; /* what is made for one request */

static uint32_t baud(void)
{
    return (uint32_t)coding[0] | (uint32_t)coding[1] << 8 | (uint32_t)coding[2] << 16;
}

int32_t usb_configured(void)
{
    return now.configuration != 0;
}

int32_t usb_open(void)
{
    return usb_configured() && now.dtr && !now.suspended;
}

int32_t usb_in_halted(void)
{
    return (now.halted & 2) != 0;
}

int32_t usb_touched(void)
{
    const int32_t touched = now.touched;
    now.touched = 0;
    return touched;
}

void usb_on_reset(void)
{
    static const uint8_t usual[CODING_BYTES] = {0x00, 0xC2, 0x01, 0x00, 0, 0, 8}; /* 115200 8N1 */
    for (int32_t i = 0; i < CODING_BYTES; i++)
        coding[i] = usual[i];
    if (now.configuration)
        usb_data_open(0);
    now.stage = IDLE;
    now.address = now.configuration = now.dtr = now.suspended = now.touched = 0;
    now.halted = 0;
}

void usb_on_suspend(int32_t suspended)
{
    now.suspended = suspended != 0;
}

static void accept(void)
{
    now.stage = STATUS;
    usb_ep0_status(1);
}

static void refuse(void)
{
    now.stage = IDLE;
    usb_ep0_stall();
}

static void send_packet(void)
{
    const int32_t n = now.left < USB_PACKET ? now.left : USB_PACKET;
    const uint8_t *from = now.from;
    now.from += n;
    now.left -= n;
    if (n < USB_PACKET)
        now.end_short = 0;
    usb_ep0_send(from, n);
}

/* At most as much as the host wants; when that is more, a packet that is not full ends the stage [8.5.3.2]. */
static void send(const uint8_t *bytes, int32_t n, uint16_t wanted)
{
    if (wanted == 0) { /* no data stage at all */
        accept();
        return;
    }
    now.from = bytes;
    now.left = n < wanted ? n : wanted;
    now.end_short = n < wanted;
    now.stage = SENDING;
    send_packet();
}

/* Texts travel as UTF-16; what there is to say is ASCII. */
static int32_t put_text(const char *text)
{
    int32_t n = 0;
    for (; text[n] && n < MOST_LETTERS; n++) {
        answer[2 + 2 * n] = (uint8_t)text[n];
        answer[3 + 2 * n] = 0;
    }
    answer[0] = (uint8_t)(2 + 2 * n);
    answer[1] = STRING;
    return answer[0];
}

static void send_text(uint8_t which, uint16_t wanted)
{
    static const uint8_t languages[] = {4, STRING, 0x09, 0x04};
    static const char *const texts[TEXTS] = {"", "Sensorsmith", USB_TITLE, BOARD_ID};
    if (which == LANGUAGES)
        send(languages, sizeof languages, wanted);
    else if (which < TEXTS)
        send(answer, put_text(texts[which]), wanted);
    else
        refuse();
}

static void get_descriptor(uint8_t kind, uint8_t index, uint16_t wanted)
{
    if (kind == DEVICE && index == 0)
        send(device_descriptor, sizeof device_descriptor, wanted);
    else if (kind == CONFIGURATION && index == 0)
        send(configuration_descriptor, sizeof configuration_descriptor, wanted);
    else if (kind == STRING)
        send_text(index, wanted);
    else
        refuse(); /* a qualifier too: there is no other speed */
}

/* The bit of an endpoint in `halted`, 0 when there is no such endpoint. */
static uint32_t bit_of(uint16_t endpoint)
{
    return endpoint == USB_DATA                ? 1u
           : endpoint == (USB_IN | USB_DATA)   ? 2u
           : endpoint == (USB_IN | USB_NOTIFY) ? 4u
                                               : 0u;
}

static void get_status(uint8_t recipient, uint16_t index, uint16_t wanted)
{
    const uint32_t bit = bit_of(index);
    const int32_t known = recipient == TO_DEVICE      ? index == 0
                          : recipient == TO_INTERFACE ? usb_configured() && index < INTERFACES
                                                      : (index & 0x7F) == 0 || (usb_configured() && bit);
    if (recipient > TO_ENDPOINT || !known) {
        refuse();
        return;
    }
    answer[0] = recipient == TO_ENDPOINT && (now.halted & bit) != 0;
    answer[1] = 0;
    send(answer, 2, wanted);
}

static void set_halt(uint8_t recipient, uint16_t feature, uint16_t endpoint, int32_t halted)
{
    const uint32_t bit = bit_of(endpoint);
    if (recipient != TO_ENDPOINT || feature != ENDPOINT_HALT || !usb_configured() || !bit) {
        refuse();
        return;
    }
    now.halted = halted ? now.halted | bit : now.halted & ~bit;
    usb_halt((uint8_t)endpoint, halted);
    accept();
}

static void set_configuration(uint8_t which)
{
    if (which > 1) {
        refuse();
        return;
    }
    now.halted = 0;
    now.configuration = which;
    now.dtr = 0;
    usb_data_open(which);
    accept();
}

static void for_device(const uint8_t *setup, uint16_t value, uint16_t wanted)
{
    const uint8_t request = setup[1];
    if (request == GET_DESCRIPTOR)
        get_descriptor(HIGH(value), LOW(value), wanted);
    else if (request == GET_CONFIGURATION)
        send(&now.configuration, 1, wanted);
    else if (request == SET_CONFIGURATION && !wanted)
        set_configuration(LOW(value));
    else if (request == SET_ADDRESS && value < 128 && !wanted) {
        now.address = (uint8_t)value | 0x80; /* to be taken when the host has the answer */
        accept();
    } else
        refuse();
}

static void for_interface(const uint8_t *setup, uint16_t value, uint16_t index, uint16_t wanted)
{
    static const uint8_t first;
    const int32_t known = usb_configured() && index < INTERFACES;
    if (known && setup[1] == GET_INTERFACE)
        send(&first, 1, wanted);
    else if (known && setup[1] == SET_INTERFACE && value == 0 && !wanted)
        accept();
    else
        refuse();
}

/* Closing at 1200 baud is the touch. */
static void set_line_state(uint16_t state)
{
    now.dtr = state & DTR;
    if (!now.dtr && baud() == TOUCH_BAUD && coding[3] == 0)
        now.touched = 1;
    accept();
}

static void for_port(const uint8_t *setup, uint16_t value, uint16_t wanted)
{
    const uint8_t request = setup[1];
    if (request == GET_LINE_CODING && setup[0] & HOST_IN)
        send(coding, sizeof coding, wanted);
    else if (setup[0] & HOST_IN)
        refuse();
    else if (request == SET_LINE_CODING && wanted == sizeof coding) {
        now.stage = RECEIVING;
        usb_ep0_receive();
    } else if (request == SET_CONTROL_LINE_STATE && !wanted)
        set_line_state(value);
    else if (request == SEND_BREAK && !wanted)
        accept();
    else
        refuse();
}

/* The direction that a standard request must have: only the four GETs bring something to the host. */
static int32_t direction_fits(const uint8_t *setup)
{
    const uint8_t r = setup[1];
    const int32_t gets = r == GET_STATUS || r == GET_DESCRIPTOR || r == GET_CONFIGURATION || r == GET_INTERFACE;
    return gets == ((setup[0] & HOST_IN) != 0);
}

static void standard(const uint8_t *setup, uint16_t value, uint16_t index, uint16_t wanted)
{
    const uint8_t recipient = setup[0] & RECIPIENT, request = setup[1];
    if (!direction_fits(setup))
        refuse();
    else if (request == GET_STATUS)
        get_status(recipient, index, wanted);
    else if ((request == CLEAR_FEATURE || request == SET_FEATURE) && !wanted)
        set_halt(recipient, value, index, request == SET_FEATURE);
    else if (recipient == TO_DEVICE)
        for_device(setup, value, wanted);
    else if (recipient == TO_INTERFACE)
        for_interface(setup, value, index, wanted);
    else
        refuse();
}

/* A new request ends whatever the one before was at [8.5.3]. */
void usb_on_setup(const uint8_t *setup)
{
    const uint16_t value = (uint16_t)(setup[2] | setup[3] << 8), index = (uint16_t)(setup[4] | setup[5] << 8);
    const uint16_t wanted = (uint16_t)(setup[6] | setup[7] << 8);
    now.address &= 0x7F;
    now.stage = IDLE;
    if ((setup[0] & TYPE) == STANDARD)
        standard(setup, value, index, wanted);
    else if ((setup[0] & TYPE) == CLASS && (setup[0] & RECIPIENT) == TO_INTERFACE && index == 0 && usb_configured())
        for_port(setup, value, wanted);
    else
        refuse();
}

void usb_on_ep0_sent(void)
{
    if (now.stage != SENDING)
        return;
    if (now.left > 0 || now.end_short) {
        send_packet();
    } else {
        now.stage = STATUS;
        usb_ep0_status(0);
    }
}

void usb_on_ep0_done(void)
{
    if (now.stage != STATUS)
        return;
    now.stage = IDLE;
    if (now.address & 0x80)
        usb_set_address(now.address & 0x7F);
    now.address &= 0x7F;
}

/* The one request with data is SET_LINE_CODING, in one packet. */
void usb_on_ep0_received(const uint8_t *bytes, int32_t n)
{
    if (now.stage != RECEIVING)
        return;
    if (n != CODING_BYTES) {
        refuse();
        return;
    }
    for (int32_t i = 0; i < n; i++)
        coding[i] = bytes[i];
    accept();
}
