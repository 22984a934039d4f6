"""Which C makes up a firmware, and what of it differs from build to build: the stream table and HELLO.

The build hash covers every source text, the flags and the board, so it is known before compiling; the firmware tells
it in HELLO, and `flash` insists on it.
"""

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

import studio
from studio import zig
from studio.data.stream import Stream
from studio.data.wire import MAX_PAYLOAD, BoardModel, BoardStream, Hello
from studio.errors import BuildError
from studio.firmware.board import DRIVERS, MOST_SENSORS, USB, Board
from studio.firmware.parameters import HEADER, movable, schema_of, with_header
from studio.firmware.render import render
from studio.firmware.supplies import supplies_for
from studio.graph.graph import Graph
from studio.graph.rows import stages_on_board
from studio.paths import STUBS

WARNINGS = ("-Wall", "-Wextra", "-Wdouble-promotion", "-Werror")
FRAME_SECONDS = 0.05  # samples wait about this long for their frame to fill
MARKER = bytes(range(200, 216))  # no build's hash
DTYPE_NAMES = {"i16": "DTYPE_I16", "i32": "DTYPE_I32", "f32": "DTYPE_F32"}


@dataclass(frozen=True)
class Firmware:
    """What a board shall do: send `sensors` (by id) and, with a graph, run it on sensor number `listens`."""

    board: Board
    sensors: tuple[Stream, ...]
    graph: Graph | None = None
    listens: int = -1

    @property
    def input(self) -> Stream:
        """What the model listens to."""
        return self.sensors[self.listens]


def firmware_of(graph: Graph | None, stream: Stream | None, board: Board) -> Firmware:
    """The firmware of `board` with `graph` on `stream`; BuildError when the board has no such sensor."""
    sensors = board.streams_for(stream)
    if graph is None:
        return Firmware(board, sensors)
    if stream is None:
        raise BuildError("The build", "has a model but no stream for it", "Name the stream the model was trained on.")
    return Firmware(board, sensors, graph, sensors.index(stream))


def write_c(firmware: Firmware) -> tuple[dict[str, str], bytes]:
    """The C that differs from build to build, {file name: text}, and the 16 bytes of the build hash."""
    hello = hello_of(firmware)
    texts = render(firmware.graph, firmware.input) if firmware.graph is not None else {}
    texts |= {f"{supply.driver}_supply.c": supply.c_text() for supply in supplies_for(firmware.board)}
    texts["firmware.c"] = _firmware_c(firmware, hello)
    shipped = _shipped(firmware.board)
    build_hash = digest(firmware.board, shipped, texts)
    texts["firmware.c"] = _firmware_c(firmware, replace(hello, build=build_hash))
    if firmware.graph is not None:
        rest = hello.encode(), texts["model.h"], digest(firmware.board, shipped, {})
        source = with_header(texts["model.c"])
        texts["model.c"] = movable(source, schema_of(firmware.graph, source, rest))
        texts["model_parameters.h"] = HEADER
    return texts, build_hash


def schema(texts: dict[str, str]) -> bytes:
    """What the numbers of these texts are laid out for; b"" without a model."""
    found = re.search(r"\.head = \{\{([\d, ]+)\}", texts.get("model.c", ""))
    return bytes(map(int, found[1].split(","))) if found else b""


def app_sources(firmware: Firmware) -> list[Path]:
    """The shipped C files of an app."""
    board = firmware.board
    sources = [*runtime("wire", "cbor", "queue", "streams", "guard", "device"), *board.sources(), *board.drivers()]
    sources += board.usb_sources("touch_app")
    if firmware.graph is None:
        return [*sources, *runtime("silent"), *freestanding(board)]
    kernels = [p for p in sorted((STUBS / "kernels").glob("*.c")) if p.stem != "freestanding"]
    sources += [*runtime("answer", "model_push", "parameters"), STUBS / "boot" / "image.c"]
    return [*sources, *kernels, *freestanding(board)]


def boot_sources(board: Board) -> list[Path]:
    """The shipped C files of a boot loader."""
    boot = [*runtime("wire", "cbor"), *sorted((STUBS / "boot").glob("*.c"))]
    return [*boot, *board.sources(), *board.usb_sources("touch_boot"), *freestanding(board)]


def boot_hash(board: Board) -> str:
    """What a boot loader is made from, as a hash."""
    return digest(board, [*_shipped(board), *sorted((STUBS / "boot").iterdir())], {}).hex()


def runtime(*names: str) -> list[Path]:
    """Files of the runtime by name."""
    return [STUBS / "runtime" / f"{name}.c" for name in names]


def freestanding(board: Board) -> list[Path]:
    """memcpy and its like for a library; a chip's compiler brings faster ones along."""
    return [STUBS / "kernels" / "freestanding.c"] if board.form == "library" else []


def flags(board: Board) -> list[str]:
    """Everything the compiler is told besides files."""
    numbers = {"APP_OFFSET": board.app_offset, "APP_BYTES": board.app_bytes, "PAGE_BYTES": board.page_bytes}
    numbers |= {"SLOT_BYTES": board.slot_bytes}
    numbers |= {"CLOCK_HZ": board.clock_hz, "QUEUE_BYTES": board.queue_bytes}
    numbers |= {"FLASH_ADDRESS": board.flash_address, "BAUD": board.baud}
    texts = {"BOARD_ID": board.id, "FIRMWARE_VERSION": studio.__version__}
    if board.usb_controller:
        vendor, product = board.usb_device.split(":")
        numbers |= {"USB_LINK": 1, "USB_VENDOR": int(vendor, 16), "USB_PRODUCT": int(product, 16)}
        texts["USB_TITLE"] = board.title
    defined = [f"-D{name}={value}" for name, value in numbers.items()]
    defined += [f'-D{name}="{value}"' for name, value in texts.items()]
    rooms = [STUBS / "kernels", STUBS / "runtime", STUBS / "boot", DRIVERS, USB, *board.folders]
    if board.form == "elf":  # no C library, so no headers of one either
        rooms.append(STUBS / "kernels" / "inc")
    return [*zig.EXACT, *WARNINGS, *board.flags, *defined, *(f"-I{room}" for room in rooms)]


def digest(board: Board, shipped: list[Path], texts: dict[str, str]) -> bytes:
    """16 bytes over source texts, flags and board."""
    used = [(p.name, p.read_text(encoding="utf-8")) for p in shipped if p.is_file()]
    sizes = (board.flash_bytes, board.ram_bytes, board.app_offset, board.page_bytes, board.queue_bytes)
    link = (board.baud, board.usb_controller, board.usb_device, board.title)
    figures = (board.id, board.clock_hz, board.flash_address, board.ram_address, board.loader_offset, link, sizes)
    parts = repr((studio.__version__, figures, zig.EXACT, WARNINGS, board.flags, used, sorted(texts.items())))
    return hashlib.sha256(parts.encode()).digest()[:16]


def _shipped(board: Board) -> list[Path]:
    """Every shipped file that an image may depend on; a few too many do no harm."""
    rooms = [STUBS / "runtime", STUBS / "boot", STUBS / "kernels", STUBS / "kernels" / "inc", *board.folders]
    if board.sensors:
        rooms.append(DRIVERS)
    if board.usb_controller:
        rooms.append(USB)
    return sorted(p for room in rooms for p in room.iterdir() if p.suffix in (".c", ".h", ".ld"))


def rows_per_frame(stream: Stream) -> int:
    """How many samples travel together: about a twentieth of a second, never more than a frame holds."""
    row_bytes = stream.numpy_dtype.itemsize * len(stream.channels)
    if row_bytes > MAX_PAYLOAD:
        seen = f"one sample of {row_bytes} bytes where a frame holds {MAX_PAYLOAD}"
        raise BuildError(f"Stream {stream.name!r}", seen, "Use fewer channels or a smaller type.")
    return max(1, min(MAX_PAYLOAD // row_bytes, round(stream.rate_hz * FRAME_SECONDS)))


def hello_of(firmware: Firmware) -> Hello:
    """What the firmware will say about itself, still without its hash."""
    board, graph, n = firmware.board, firmware.graph, len(firmware.sensors)
    if n > MOST_SENSORS:
        raise BuildError(f"Board {board.id}", f"{n} streams", f"At most {MOST_SENSORS} fit.")
    streams = tuple(BoardStream(i, s, rows_per_frame(s)) for i, s in enumerate(firmware.sensors))
    hello = Hello(board.id, "app", bytes(16), board.clock_hz, MAX_PAYLOAD, streams, None, studio.__version__)
    if graph is None:
        return hello
    rate_hz = firmware.input.rate_hz / graph.stride
    scores = Stream("scores", rate_hz, graph.classes, "", "f32", 1.0, "scores")
    decision = Stream("decision", rate_hz, ("class",), "", "i16", 1.0, "decision")
    model = BoardModel(graph.length, graph.stride, graph.classes, stages_on_board(graph), firmware.listens, n, n + 1)
    return replace(hello, streams=(*streams, BoardStream(n, scores), BoardStream(n + 1, decision)), model=model)


def _firmware_c(firmware: Firmware, hello: Hello) -> str:
    """firmware.c as runtime/firmware.h declares it."""
    sensors, told = firmware.sensors, hello.encode()
    if len(told) > MAX_PAYLOAD:
        seen = f"its description takes {len(told)} bytes of a {MAX_PAYLOAD}-byte frame"
        raise BuildError(f"The firmware of {hello.board}", seen, "Shorten the names of classes, channels or stages.")
    sizes = [rows_per_frame(s) * len(s.channels) * s.numpy_dtype.itemsize for s in sensors]
    frames = "".join(f"static _Alignas(8) uint8_t frame_{i}[{size}];\n" for i, size in enumerate(sizes))
    rows = "".join(f"    {_stream_c(i, s)},\n" for i, s in enumerate(sensors))
    return (
        f'/* Written by studio/firmware/sources.py. */\n#include "firmware.h"\n\n{frames}\n'
        f"const struct stream firmware_streams[] = {{\n{rows}}};\n"
        f"const int32_t firmware_n_streams = {len(sensors)};\nconst int32_t firmware_input = {firmware.listens};\n"
        f"const uint8_t firmware_hello[] = {{{', '.join(map(str, told))}}};\n"
        f"const int32_t firmware_hello_bytes = {len(told)};\n"
        f"const int32_t firmware_hello_build = {replace(hello, build=MARKER).encode().index(MARKER)};\n"
        f"{_plugged_c(firmware.board, sensors)}"
    )


def _plugged_c(board: Board, streams: tuple[Stream, ...]) -> str:
    """Which driver reads which stream, as drivers/driver.h declares it; nothing for a board without drivers."""
    if not board.sensors:
        return ""
    includes = "".join(f'#include "{path.stem}.h"\n' for path in board.drivers())
    parts = [board.sensor_of(s) for s in streams]
    rows = ""
    for stream, part in zip(streams, parts, strict=True):
        others = [(i, len(s.channels)) for i, s in enumerate(streams) if parts[i].address == part.address]
        wider = next((i for i, n in others if n > len(stream.channels)), -1)
        narrower = next((i for i, n in others if n < len(stream.channels)), -1)
        rows += f"    {{&{part.driver}, {part.address:#x}, {wider}, {narrower}}},\n"
    return f"\n{includes}\nconst struct plugged firmware_sensors[] = {{\n{rows}}};\n"


def _stream_c(index: int, s: Stream) -> str:
    scale = float(s.scale).hex() + "f"
    rate_mhz = max(1, round(s.rate_hz * 1000))
    return f"{{{DTYPE_NAMES[s.dtype]}, {len(s.channels)}, {rows_per_frame(s)}, {rate_mhz}u, {scale}, frame_{index}}}"
