"""The stack (firmware_stubs/usb) on this computer over a controller that is a few variables."""

import ctypes
import zlib
from functools import cache

from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS
from tests.firmware.usb.host import Stalled

BOARD_ID = "a-board-whose-name-has-31-chars"  # 64 bytes as a string descriptor: a whole packet
NAK, STALL = -1, -2

DOOR = f"""#include "board.h"
#include "chip.h"
#include "usb.h"
{EXPORT}
static struct {{
    uint8_t sent[USB_PACKET], in[USB_PACKET], out[USB_PACKET];
    int32_t n_sent, wants, status, refuses, n_in, n_out, open, address, on;
    uint32_t halted;
}} bus;
static uint32_t now_us, touches;

static void forget(void) {{ bus.n_sent = bus.n_in = bus.n_out = -1; bus.wants = bus.status = bus.refuses = 0; }}
uint32_t chip_time_us(void) {{ return now_us += 10; }}
void usb_controller_start(void) {{ forget(); bus.on = 1; bus.address = bus.open = 0; }}
void usb_controller_stop(void) {{ usb_on_reset(); forget(); bus.on = 0; }}
void usb_controller_poll(void) {{}}
void usb_ep0_send(const uint8_t *bytes, int32_t n) {{ __builtin_memcpy(bus.sent, bytes, (uint32_t)n); bus.n_sent = n; }}
void usb_ep0_receive(void) {{ bus.wants = 1; }}
void usb_ep0_status(int32_t to_host) {{ bus.status = to_host ? 1 : 2; }}
void usb_ep0_stall(void) {{ bus.refuses = 1; }}
void usb_set_address(uint8_t address) {{ bus.address = address; }}
void usb_data_open(int32_t open) {{ bus.open = open; bus.halted = 0; bus.n_in = bus.n_out = -1; }}
void usb_halt(uint8_t endpoint, int32_t halted)
{{
    const uint32_t bit = endpoint & USB_IN ? 2u : 1u;
    bus.halted = halted ? bus.halted | bit : bus.halted & ~bit;
    if (!halted)
        *(endpoint & USB_IN ? &bus.n_in : &bus.n_out) = -1;
}}
int32_t usb_can_send(void) {{ return bus.open && bus.n_in < 0; }}
void usb_send(const uint8_t *bytes, int32_t n) {{ __builtin_memcpy(bus.in, bytes, (uint32_t)n); bus.n_in = n; }}
int32_t usb_receive(uint8_t *packet)
{{
    const int32_t n = bus.n_out;
    if (n > 0)
        __builtin_memcpy(packet, bus.out, (uint32_t)n);
    bus.n_out = -1;
    return n;
}}
void usb_touch(void) {{ touches++; }}

API void c_stop(void) {{ chip_sent(); }}
API void c_later(uint32_t us) {{ now_us += us; }}
API uint32_t c_touches(void) {{ return touches; }}
API int32_t c_on(void) {{ return bus.on; }}
API int32_t c_address(void) {{ return bus.address; }}
API void c_reset(void) {{ forget(); bus.address = 0; usb_on_reset(); }}
API void c_suspend(int32_t suspended) {{ usb_on_suspend(suspended); }}
API void c_setup(const uint8_t *setup) {{ const int32_t n_in = bus.n_in, n_out = bus.n_out; forget();
    bus.n_in = n_in; bus.n_out = n_out; usb_on_setup(setup); }}
API int32_t c_in(int32_t endpoint, uint8_t *bytes)
{{
    int32_t *n = endpoint ? &bus.n_in : &bus.n_sent, told;
    if (endpoint ? (bus.halted & 2) != 0 || !bus.open : bus.refuses)
        return {STALL};
    if (!endpoint && *n < 0 && bus.status == 1) {{
        bus.status = 0;
        usb_on_ep0_done();
        return 0;
    }}
    told = *n;
    if (told < 0)
        return {NAK};
    __builtin_memcpy(bytes, endpoint ? bus.in : bus.sent, (uint32_t)told);
    *n = -1;
    if (!endpoint)
        usb_on_ep0_sent();
    return told;
}}
API int32_t c_out(int32_t endpoint, const uint8_t *bytes, int32_t size)
{{
    if (endpoint ? (bus.halted & 1) != 0 || !bus.open : bus.refuses)
        return {STALL};
    if (endpoint && bus.n_out < 0) {{
        __builtin_memcpy(bus.out, bytes, (uint32_t)size);
        bus.n_out = size;
        return 1;
    }}
    if (!endpoint && bus.status == 2) {{
        bus.status = 0;
        usb_on_ep0_done();
        return 1;
    }}
    if (endpoint || !bus.wants)
        return {NAK};
    bus.wants = 0;
    usb_on_ep0_received(bytes, size);
    return 1;
}}
API int32_t c_write(const uint8_t *bytes, int32_t n) {{ return board_write(bytes, n); }}
API int32_t c_read(uint8_t *bytes, int32_t n) {{ return board_read(bytes, n); }}
"""


@cache
def library() -> ctypes.CDLL:
    """Compiled once; its variables are the device's, so `Fake` begins with a reset."""
    device, link = (STUBS / "usb" / name for name in ("device.c", "link.c"))
    files = [link, STUBS / "kernels" / "freestanding.c"]
    named = f'#define BOARD_ID "{BOARD_ID}"\n#define USB_TITLE "A board"\n#define USB_VENDOR 0x1209\n'
    named += f'#define USB_PRODUCT 3\n#include "device.c"\n/* {zlib.crc32(device.read_bytes())} */\n'
    rooms = [STUBS / "usb", STUBS / "runtime", STUBS / "boards" / "cortex-m"]
    return ctypes.CDLL(str(compile_shared("usb", files, {"door.c": DOOR, "named.c": named}, rooms)))


class Fake:
    """A `Bus`; the board behind it writes and reads by `say` and `hear`."""

    def __init__(self) -> None:
        self.c, self.wrongs = library(), list[str]()
        self.c.c_stop()
        self.hear(0)  # the first look starts the controller
        self.reset()

    def reset(self) -> None:
        self.c.c_reset()

    def suspend(self, suspended: bool) -> None:
        self.c.c_suspend(int(suspended))

    def address(self) -> int:
        return int(self.c.c_address())

    def setup(self, packet: bytes) -> None:
        self.c.c_setup(packet)

    def token_in(self, endpoint: int, _toggle: int) -> bytes | None:
        room = ctypes.create_string_buffer(64)
        n = self.c.c_in(endpoint, room)
        if n == STALL:
            raise Stalled(f"IN of endpoint {endpoint}")
        return None if n == NAK else room.raw[:n]

    def token_out(self, endpoint: int, _toggle: int, data: bytes) -> bool:
        took = self.c.c_out(endpoint, data, len(data))
        if took == STALL:
            raise Stalled(f"OUT of endpoint {endpoint}")
        return bool(took == 1)

    def step(self) -> None:
        self.c.c_write(b"", 0)

    def say(self, data: bytes) -> int:
        """The board's board_write."""
        return int(self.c.c_write(data, len(data)))

    def hear(self, n: int) -> bytes:
        """The board's board_read."""
        room = ctypes.create_string_buffer(max(n, 1))
        got = self.c.c_read(room, n)
        return room.raw[:got]
