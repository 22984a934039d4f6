"""runtime/parameters.c itself over a flash that Python holds: power cuts at every write, and odd verbs."""

import ctypes
import zlib
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.talk import Refused
from studio.data.wire import Status, Verb
from studio.firmware.image import HEADER_BYTES, Header
from studio.firmware.parameters import block_header
from studio.firmware.swap import Numbers, _written
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS

APP, PAGE, SLOT, IMAGE = 512, 256, 2560, 700
AREA, SCHEMA, BUILD = 2 * SLOT, bytes(range(16)), b"the-build-inside"
BUILT_IN, CONFIRMED, TRIAL = range(3)

DOOR = f"""#include "answer.h"
#include "board.h"
#include "firmware.h"
#include "model_parameters.h"
#include "parameters.c"
{EXPORT}
static uint8_t *flash;
static struct parameter_block block = {{{{{", ".join(map(str, SCHEMA))}}}, 0, 0}};
static uint8_t numbers[300];
static const uint8_t *in_use;
const void *const model_built_in = numbers;
const uint32_t model_block_bytes = sizeof numbers;
const uint8_t firmware_hello[] = "...{BUILD.decode()}...";
const int32_t firmware_hello_build = 3;
void model_use(const void *given) {{ in_use = given; }}
void answer_clear(void) {{}}
const uint8_t *board_flash(uint32_t offset) {{ return flash + offset; }}
void board_flash_erase(uint32_t offset) {{ __builtin_memset(flash + offset, 0xFF, PAGE_BYTES); }}
void board_flash_write(uint32_t offset, const uint8_t *bytes, int32_t n)
{{ for (int32_t i = 0; i < n; i++) flash[offset + (uint32_t)i] &= bytes[i]; }}
API void c_start(uint8_t *bytes)
{{
    flash = bytes;
    block.bytes = sizeof numbers;
    __builtin_memcpy(numbers, &block, sizeof block);
    for (uint32_t i = sizeof block; i < sizeof numbers; i++)
        numbers[i] = (uint8_t)(i * 3);
    parameters_start();
}}
API int32_t c_byte(void) {{ return in_use[100]; }}
API const uint8_t *c_build(void) {{ return parameters_build(); }}
API int32_t c_obey(int64_t verb, const uint8_t *payload, int32_t n, uint8_t *result, int32_t *size)
{{
    const struct wire_packet packet = {{.payload = payload, .bytes = n}};
    struct parameter_answer answer = {{.result = {{result, 128, 0}}}};
    if (!parameters_obey(verb, &packet, &answer))
        return -1;
    *size = answer.result.n;
    return (int32_t)answer.status;
}}
"""
DEFINED = f"""#define APP_OFFSET {APP}u
#define APP_BYTES {AREA}
#define PAGE_BYTES {PAGE}
#define SLOT_BYTES {SLOT}u
#define BOARD_ID "toy"
"""


@pytest.fixture(scope="module")
def runtime() -> ctypes.CDLL:
    """The runtime's own part, with the boot loader's view of slots beside it."""
    rooms = [STUBS / "boot", STUBS / "runtime"]
    files = [STUBS / "runtime" / name for name in ("wire.c", "cbor.c")] + [STUBS / "kernels" / "freestanding.c"]
    parts = [STUBS / "boot" / "image.c", STUBS / "runtime" / "parameters.c"]
    made_of = "".join(f"/* {zlib.crc32(p.read_bytes())} */\n" for p in parts)
    header = (
        '#include "parameters.h"\nextern const void *const model_built_in;\nextern const uint32_t model_block_bytes;\n'
    )
    texts = {
        "door.c": DEFINED + made_of + DOOR,
        "image_named.c": DEFINED + made_of + '#include "image.c"\n',
        "model_parameters.h": "#pragma once\n" + header + "void model_use(const void *block);\n",
    }
    library = ctypes.CDLL(str(compile_shared("parameters", files, texts, rooms)))
    library.c_build.restype = ctypes.c_void_p
    library.c_obey.argtypes = [ctypes.c_int64, ctypes.c_char_p, ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p]
    return library


class Device:
    """A board with an image in its second slot; a change of the flash may be the last one before the power fails."""

    def __init__(self, c: ctypes.CDLL, flash: bytearray | None = None) -> None:
        self.c, self.flash = c, flash or self._shipped()
        self.before, self.cut, self.share, self.n = bytes(self.flash), -1, 1.0, 0
        self.restart()

    @staticmethod
    def _shipped() -> bytearray:
        payload = bytes(i % 251 for i in range(IMAGE))
        header = Header("toy", BUILD, IMAGE, zlib.crc32(payload), counter=7).pack()
        flash = bytearray(b"\xff" * (APP + AREA))
        flash[APP + SLOT : APP + SLOT + HEADER_BYTES + IMAGE] = header + payload
        return flash

    def restart(self) -> None:
        self._held = (ctypes.c_uint8 * len(self.flash)).from_buffer(self.flash)
        self.c.c_start(self._held)

    def request(self, verb: int, args: dict[int, Any] | None = None, *_: Any) -> Any:
        """As `Talk.request`. The change that is cut happens to a share of its bytes, then nothing does any more."""
        before = bytes(self.flash)
        payload, result, size = (
            cbor2.dumps({0: int(verb), **(args or {})}),
            ctypes.create_string_buffer(128),
            ctypes.c_int32(),
        )
        status = self.c.c_obey(int(verb), payload, len(payload), result, ctypes.byref(size))
        if bytes(self.flash) != before:
            self._count(before)
        if status:
            raise Refused("toy", str(status), "", Status(status) if status > 0 else Status.UNKNOWN_VERB)
        return cbor2.loads(result.raw[: size.value]) if size.value else None

    def _count(self, before: bytes) -> None:
        self.n += 1
        if self.n - 1 != self.cut:
            return
        changed = [i for i, (a, b) in enumerate(zip(before, self.flash, strict=True)) if a != b]
        for i in changed[int(len(changed) * self.share) :]:
            self.flash[i] = before[i]
        raise PowerCut

    def numbers(self) -> Numbers:
        told = self.request(Verb.PARAMETERS)
        return Numbers(*(told[key] for key in range(9)))

    def running(self) -> tuple[int, bytes]:
        """A byte of the numbers in use, and the build that they stand for."""
        at = self.c.c_build()
        return self.c.c_byte(), ctypes.string_at(at, 16) if at else BUILD


class PowerCut(Exception):
    """Nothing goes on."""


def block(byte: int) -> bytes:
    return (SCHEMA + (300).to_bytes(4, "little")).ljust(300, bytes([byte]))


def name(byte: int) -> bytes:
    return f"build-{byte:03}".encode().ljust(16, b".")


def swap_in(device: Device, byte: int, confirm: bool = True) -> None:
    """As studio/firmware/swap.py does it."""
    told = device.numbers()
    head = block_header(block(byte), name(byte), told.counter, told.next_counter)
    for _ in _written(device, told, head, block(byte)):  # type: ignore[arg-type]
        pass
    device.request(Verb.USE)
    if confirm:
        device.request(Verb.CONFIRM)


@pytest.mark.parametrize("rounds", [0, 1, 2, 3])
@pytest.mark.parametrize("share", [0.0, 0.04, 0.5, 0.97])
def test_a_power_cut_at_every_write_leaves_whole_numbers(runtime: ctypes.CDLL, rounds: int, share: float) -> None:
    """Those before, or once they are confirmed the new ones; and the next swap goes through."""
    old = Device(runtime)
    for i in range(rounds):
        swap_in(old, 10 + i)
    before = old.running()
    assert before[1] == (name(9 + rounds) if rounds else BUILD)
    whole = Device(runtime, bytearray(old.flash))
    swap_in(whole, 77)
    assert whole.running() == (77, name(77)) and whole.n >= 4
    for cut in range(whole.n):
        torn = Device(runtime, bytearray(old.flash))
        torn.cut, torn.share = cut, share
        with pytest.raises(PowerCut):
            swap_in(torn, 77)
        again = Device(runtime, bytearray(torn.flash))
        confirmed = cut == whole.n - 1 and int(8 * share) > 0  # the mark of eight bytes
        assert again.running() == ((77, name(77)) if confirmed else before), f"cut at change {cut} of {whole.n}"
        swap_in(again, 78)
        again.restart()
        assert again.running() == (78, name(78))


def test_going_back_one_by_one(runtime: ctypes.CDLL) -> None:
    device = Device(runtime)
    inside = device.running()
    swap_in(device, 11)
    swap_in(device, 12)
    for want in ((11, name(11)), inside):
        device.request(Verb.REVERT)
        assert device.running() == want
        device.restart()
        assert device.running() == want
    with pytest.raises(Refused):
        device.request(Verb.REVERT)


def test_what_is_on_trial_must_be_settled_first(runtime: ctypes.CDLL) -> None:
    device = Device(runtime)
    inside = device.running()
    swap_in(device, 11, confirm=False)
    assert device.running() == (11, name(11)) and device.numbers().state == TRIAL
    told = device.numbers()
    for verb, args in (
        (Verb.ERASE, {1: told.offset, 2: PAGE}),
        (Verb.WRITE, {1: told.offset, 2: bytes(8)}),
        (Verb.USE, {}),
    ):
        with pytest.raises(Refused) as e:
            device.request(verb, args)
        assert e.value.status == Status.BUSY
    device.restart()
    assert device.running() == inside


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda b, h: (b, block_header(b, name(1), 8, 1)), Status.IMAGE_BAD),  # another image's
        (lambda b, h: (b[:200] + b"\0" + b[201:], h), Status.IMAGE_BAD),
        (lambda b, h: (b, h[:40] + b"\x01" + h[41:]), Status.IMAGE_BAD),
        (lambda b, h: (b, b"SPR2" + h[4:]), Status.IMAGE_BAD),
        (lambda b, h: _other_schema(b), Status.IMAGE_FOR_ANOTHER_BOARD),
    ],
)
def test_numbers_that_are_not_for_this_code_are_refused(
    runtime: ctypes.CDLL, change: Callable[[bytes, bytes], tuple[bytes, bytes]], status: Status
) -> None:
    device = Device(runtime)
    inside, told = device.running(), device.numbers()
    content, head = change(block(5), block_header(block(5), name(5), told.counter, told.next_counter))
    for _ in _written(device, told, head, content):  # type: ignore[arg-type]
        pass
    with pytest.raises(Refused) as e:
        device.request(Verb.USE)
    assert e.value.status == status and device.running() == inside


def _other_schema(content: bytes) -> tuple[bytes, bytes]:
    other = bytes(16) + content[16:]
    return other, block_header(other, name(1), 7, 1)


def test_without_room_there_is_none(runtime: ctypes.CDLL) -> None:
    """An image that nearly fills its slot."""
    payload = bytes(SLOT - 600)
    flash = bytearray(b"\xff" * (APP + AREA))
    header = Header("toy", BUILD, len(payload), zlib.crc32(payload), counter=1).pack()
    flash[APP : APP + len(header) + len(payload)] = header + payload
    device = Device(runtime, flash)
    told = device.numbers()
    assert (told.room, told.offset, told.next_counter) == (0, 0, 0)
    for verb, args in ((Verb.ERASE, {1: APP, 2: PAGE}), (Verb.USE, {}), (Verb.WRITE, {1: APP, 2: bytes(4)})):
        with pytest.raises(Refused) as e:
            device.request(verb, args)
        assert e.value.status == Status.ADDRESS_NOT_ALLOWED


VERBS = st.sampled_from([Verb.ERASE, Verb.WRITE, Verb.CHECK, Verb.USE, Verb.CONFIRM, Verb.REVERT, Verb.PARAMETERS])
PLACES = st.integers(-PAGE, APP + AREA + PAGE) | st.sampled_from([APP + SLOT + i * PAGE for i in range(11)])
ARGUMENTS = st.dictionaries(
    st.sampled_from([1, 2]), PLACES | st.binary(max_size=300).map(lambda b: b[: len(b) // 4 * 4]) | st.text(max_size=3)
)


@settings(max_examples=200, deadline=None)
@given(events=st.lists(st.tuples(VERBS, ARGUMENTS) | st.integers(1, 99) | st.just("restart"), max_size=25))
def test_no_order_of_verbs_harms_what_runs(runtime: ctypes.CDLL, events: list[Any]) -> None:
    """Image and other slot keep every byte; the numbers in use are always a whole block that somebody has put there."""
    device = Device(runtime)
    behind = APP + SLOT + -(-(HEADER_BYTES + IMAGE) // PAGE) * PAGE
    image, known = bytes(device.flash[:behind]), {device.running()}
    for event in events:
        try:
            if event == "restart":
                device.restart()
            elif isinstance(event, int):
                swap_in(device, event)
                known.add((event, name(event)))
            else:
                device.request(*event)
        except Refused:
            pass
        assert bytes(device.flash[:behind]) == image
        assert device.running() in known
