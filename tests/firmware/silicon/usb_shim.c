/* The part of libusb 1.0 that pyusb and dfu-util use, with one device behind a TCP port: USB_MODEL=PORT.
 *
 * So both run unchanged against a model of an STM32 in its boot loader. Layouts of the structures: libusb.h 1.0.26.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct device_descriptor {
    uint8_t length, type;
    uint16_t usb;
    uint8_t class_, subclass, protocol, packet;
    uint16_t vendor, product, device;
    uint8_t i_manufacturer, i_product, i_serial, configurations;
};
struct interface_descriptor {
    uint8_t length, type, number, alternate, endpoints, class_, subclass, protocol, name;
    const void *endpoint;
    const uint8_t *extra;
    int extra_length;
};
struct interface {
    const struct interface_descriptor *alternate;
    int n;
};
struct config_descriptor {
    uint8_t length, type;
    uint16_t total;
    uint8_t interfaces, value, name, attributes, power;
    const struct interface *interface;
    const uint8_t *extra;
    int extra_length;
};
struct version {
    uint16_t major, minor, micro, nano;
    const char *rc, *describe;
};

static const uint8_t functional[9] = {9, 0x21, 0x0B, 255, 0, 0x00, 0x08, 0x1A, 0x01};
static const struct interface_descriptor setting = {9, 4, 0, 0, 0, 0xFE, 1, 2, 4, NULL, functional, 9};
static const struct interface interface = {&setting, 1};
static const struct config_descriptor config = {9, 2, 27, 1, 1, 0, 0xC0, 50, &interface, NULL, 0};
static const struct version version = {1, 0, 26, 0, "", ""};
static int device, connection = -1;

static int all(int (*move)(int, void *, size_t), void *data, int n) {
    for (int done = 0, k; done < n; done += k) {
        k = move(connection, (uint8_t *)data + done, (size_t)(n - done));
        if (k <= 0) {
            return -1;
        }
    }
    return 0;
}
static int give(int to, void *data, size_t n) { return (int)send(to, data, n, 0); }
static int take(int from, void *data, size_t n) { return (int)recv(from, data, n, 0); }

int libusb_init(void **context) {
    if (context) {
        *context = &device;
    }
    return 0;
}
void libusb_exit(void *context) { (void)context; }
void libusb_set_debug(void *context, int level) { (void)context, (void)level; }
int libusb_set_option(void *context, int option, ...) { return (void)context, (void)option, 0; }
const struct version *libusb_get_version(void) { return &version; }
const char *libusb_error_name(int code) { return code == -9 ? "LIBUSB_ERROR_PIPE" : "LIBUSB_ERROR"; }
const char *libusb_strerror(int code) { return code == -9 ? "Pipe error" : "No such device"; }

long libusb_get_device_list(void *context, void ***list) {
    (void)context;
    *list = calloc(2, sizeof **list);
    (*list)[0] = &device;
    return 1;
}
void libusb_free_device_list(void **list, int unref) { (void)unref, free(list); }
void *libusb_ref_device(void *d) { return d; }
void libusb_unref_device(void *d) { (void)d; }
void *libusb_get_parent(void *d) { return (void)d, NULL; }
uint8_t libusb_get_bus_number(void *d) { return (void)d, 1; }
uint8_t libusb_get_device_address(void *d) { return (void)d, 7; }
uint8_t libusb_get_port_number(void *d) { return (void)d, 1; }
int libusb_get_device_speed(void *d) { return (void)d, 2; }
int libusb_get_port_numbers(void *d, uint8_t *ports, int n) {
    (void)d, (void)n;
    ports[0] = 1;
    return 1;
}
int libusb_get_device_descriptor(void *d, struct device_descriptor *found) {
    (void)d;
    *found = (struct device_descriptor){18, 1, 0x0110, 0, 0, 0, 64, 0x0483, 0xDF11, 0x2200, 1, 2, 3, 1};
    return 0;
}
int libusb_get_config_descriptor(void *d, uint8_t index, const struct config_descriptor **found) {
    (void)d;
    *found = &config;
    return index ? -5 : 0;
}
int libusb_get_active_config_descriptor(void *d, const struct config_descriptor **found) {
    return libusb_get_config_descriptor(d, 0, found);
}
void libusb_free_config_descriptor(struct config_descriptor *c) { (void)c; }

int libusb_open(void *d, void **handle) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *port = getenv("USB_MODEL");
    to.sin_port = htons((uint16_t)atoi(port ? port : "0"));
    *handle = d;
    if (connection >= 0) {
        return 0;
    }
    connection = socket(AF_INET, SOCK_STREAM, 0);
    return connect(connection, (struct sockaddr *)&to, sizeof to) ? -4 : 0;
}
void libusb_close(void *handle) {
    (void)handle;
    close(connection);
    connection = -1;
}
void *libusb_get_device(void *handle) { return (void)handle, &device; }
int libusb_set_configuration(void *h, int value) { return (void)h, (void)value, 0; }
int libusb_get_configuration(void *h, int *value) { return (void)h, *value = 1, 0; }
int libusb_claim_interface(void *h, int number) { return (void)h, (void)number, 0; }
int libusb_release_interface(void *h, int number) { return (void)h, (void)number, 0; }
int libusb_set_interface_alt_setting(void *h, int n, int a) { return (void)h, (void)n, (void)a, 0; }
int libusb_kernel_driver_active(void *h, int n) { return (void)h, (void)n, 0; }
int libusb_detach_kernel_driver(void *h, int n) { return (void)h, (void)n, 0; }
int libusb_attach_kernel_driver(void *h, int n) { return (void)h, (void)n, 0; }
int libusb_reset_device(void *h) { return (void)h, 0; }
int libusb_clear_halt(void *h, uint8_t e) { return (void)h, (void)e, 0; }
int libusb_get_max_iso_packet_size(void *d, uint8_t e) { return (void)d, (void)e, -12; }
int libusb_bulk_transfer(void) { return -12; }
int libusb_interrupt_transfer(void) { return -12; }
void *libusb_alloc_transfer(int n) { return (void)n, NULL; }
void libusb_free_transfer(void *t) { (void)t; }
int libusb_submit_transfer(void *t) { return (void)t, -12; }
int libusb_cancel_transfer(void *t) { return (void)t, -12; }
int libusb_handle_events(void *c) { return (void)c, -12; }

int libusb_control_transfer(void *h, uint8_t kind, uint8_t request, uint16_t value, uint16_t index, uint8_t *data,
                            uint16_t n, unsigned timeout) {
    uint8_t setup[8] = {kind, request, value & 0xFF, value >> 8, index & 0xFF, index >> 8, n & 0xFF, n >> 8};
    uint8_t whole[8 + 4096];
    int32_t length = 0;
    (void)h, (void)timeout;
    if (n > 4096) {
        return -8;
    }
    memcpy(whole, setup, 8);
    memcpy(whole + 8, data, n);
    if (all(give, whole, kind & 0x80 ? 8 : 8 + n) || all(take, &length, 4)) {
        return -4;
    }
    if (kind & 0x80 && length > 0 && all(take, data, length)) {
        return -4;
    }
    return length;
}
int libusb_get_string_descriptor_ascii(void *h, uint8_t index, uint8_t *text, int n) {
    uint8_t wide[255];
    int got = libusb_control_transfer(h, 0x80, 6, (uint16_t)(0x0300 | index), 0x0409, wide, sizeof wide, 1000), i = 0;
    for (int at = 2; at < got && i < n - 1; at += 2) {
        text[i++] = wide[at];
    }
    text[i] = 0;
    return got < 0 ? got : i;
}
