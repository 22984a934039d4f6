"""Compile the firmware of a board: runtime, kernels, the board's own C, and what differs from build to build.

The build hash covers every source text, the flags and the board, so it is known before compiling; the firmware tells
it in HELLO, and `flash` insists on it.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import studio
from studio import zig
from studio.data.stream import Stream
from studio.data.wire import MAX_PAYLOAD, BoardModel, BoardStream, Hello
from studio.errors import BuildError
from studio.firmware.board import MOST_SENSORS, Board
from studio.firmware.image import intel_hex, make_image
from studio.firmware.render import render
from studio.firmware.sections import Sections, read_sections
from studio.graph.graph import Graph
from studio.paths import STUBS, write_atomic
from studio.progress import Progress, Work

#: Flags that every board shares, besides zig.EXACT.
WARNINGS = ("-Wall", "-Wextra", "-Werror")
FRAME_SECONDS = 0.05  # samples wait at most this long for their frame to fill
DTYPE_NAMES = {"i16": "DTYPE_I16", "i32": "DTYPE_I32", "f32": "DTYPE_F32"}


@dataclass(frozen=True)
class Image:
    """What came out of a build. `bin` gets flashed; `flash_bytes` and `ram_bytes` are read from the linked file."""

    board: str
    bin: Path
    elf: Path | None
    hex: Path | None
    flash_bytes: int
    ram_bytes: int
    build_hash: str
    sha256: str
    files: tuple[Path, ...]


def build(graph: Graph | None, stream: Stream | None, board: Board, folder: Path) -> Work[Image]:
    """The firmware of `board` with `graph` listening to `stream`; without a graph it only streams.

    Raises BuildError when the board has no such sensor, when the C does not compile, or when the result does not fit.
    """
    yield Progress(0, 3, f"writing C for {board.title}")
    texts, build_hash = write_sources(graph, stream, board)
    _write(folder, texts)
    yield Progress(1, 3, f"compiling for {board.title}")
    linked = link(
        board, "app.ld", [*_app_sources(board, graph), *_c_files(folder, texts)], folder / _name(board, "firmware")
    )
    yield Progress(2, 3, "weighing")
    sections = read_sections(linked)
    image = make_image(board.id, build_hash, sections.payload)
    _check_fit(board, sections, image)
    result = _written(board, linked, image, build_hash, sections.ram_bytes)
    yield Progress(3, 3, f"{result.bin.name}: {len(image)} bytes of flash, {sections.ram_bytes} of RAM")
    return result


def build_boot_loader(board: Board, folder: Path) -> bytes:
    """The boot loader of `board`, as its flash holds it from offset 0 on."""
    _write(folder, {})
    sources = [*_runtime("wire", "cbor"), *sorted((STUBS / "boot").glob("*.c")), *board.sources()]
    if board.form == "library":
        sources += _freestanding()
    linked = link(board, "boot.ld", sources, folder / _name(board, "boot"))
    payload = read_sections(linked).payload
    loader = make_image(board.id, bytes(16), payload) if board.form == "library" else payload
    if len(loader) > board.app_offset:
        seen = f"{len(loader)} bytes in the {board.app_offset} bytes below the app"
        raise BuildError(f"The boot loader of {board.id}", seen, "Raise app_offset in its board.toml.")
    return loader


def boot_loader_hash(board: Board) -> str:
    """What a boot loader is made from, as a hash."""
    paths = [*_runtime("wire", "cbor"), *(STUBS / "boot").iterdir(), *(p for f in board.folders for p in f.iterdir())]
    return _digest(board, {p.name: p.read_text(encoding="utf-8") for p in sorted(paths) if p.is_file()}).hex()


def write_sources(graph: Graph | None, stream: Stream | None, board: Board) -> tuple[dict[str, str], bytes]:
    """The C that differs from build to build, {file name: text}, and the 16 bytes of the build hash."""
    if graph is not None and stream is None:
        raise BuildError("The build", "has a model but no stream for it", "Name the stream the model was trained on.")
    model = render(graph, stream) if graph is not None and stream is not None else {}
    hello = _hello(graph, stream, board)
    texts = model | {"firmware.c": _firmware_c(hello, graph, stream, board)}
    used = {str(p.relative_to(STUBS)): p.read_text(encoding="utf-8") for p in _everything(board)}
    build_hash = _digest(board, used | texts)
    texts["firmware.c"] = _firmware_c(replace(hello, build=build_hash), graph, stream, board)
    return texts, build_hash


def link(board: Board, script: str, sources: list[Path], out: Path) -> Path:
    """Compile and link `sources` for `board`."""
    scripted = _script(board, script, out)
    arguments = ["cc", *_flags(board), f"-I{out.parent}", *scripted, *map(str, sources), "-o", str(out)]
    zig.run(arguments, f"The firmware of {board.id}")
    return out


def _script(board: Board, name: str, out: Path) -> list[str]:
    """The linker script with the board's figures in it: zig hands no --defsym on to its linker."""
    script = board.script(name)
    if script is None:
        return []
    filled = out.with_suffix(".ld")
    filled.write_text(script.read_text(encoding="utf-8").replace("RAM_BYTES", str(board.ram_bytes)), encoding="utf-8")
    return ["-T", str(filled)]


def _flags(board: Board) -> list[str]:
    numbers = {"APP_OFFSET": board.app_offset, "APP_BYTES": board.app_bytes, "PAGE_BYTES": board.page_bytes}
    numbers |= {"CLOCK_HZ": board.clock_hz, "QUEUE_BYTES": board.queue_bytes}
    texts = {"BOARD_ID": board.id, "FIRMWARE_VERSION": studio.__version__}
    defined = [f"-D{name}={value}" for name, value in numbers.items()]
    defined += [f'-D{name}="{value}"' for name, value in texts.items()]
    rooms = [STUBS / "kernels", STUBS / "runtime", STUBS / "boot", *board.folders]
    own_headers = [] if board.form == "library" else [STUBS / "kernels" / "inc"]
    return [*zig.EXACT, *WARNINGS, *board.flags, *defined, *(f"-I{room}" for room in [*rooms, *own_headers])]


def _runtime(*names: str) -> list[Path]:
    return [STUBS / "runtime" / f"{name}.c" for name in names]


def _freestanding() -> list[Path]:
    return [STUBS / "kernels" / "freestanding.c"]


def _app_sources(board: Board, graph: Graph | None) -> list[Path]:
    sources = [*_runtime("wire", "cbor", "queue", "streams", "device"), *board.sources()]
    if graph is None:
        return [*sources, *_runtime("silent"), *(_freestanding() if board.form == "library" else [])]
    kernels = [
        p for p in sorted((STUBS / "kernels").glob("*.c")) if board.form == "library" or p not in _freestanding()
    ]
    return [*sources, *_runtime("answer", "model_push"), *kernels]


def _everything(board: Board) -> list[Path]:
    """Every shipped file that an image depends on; a few more do no harm."""
    rooms = [STUBS / "runtime", STUBS / "kernels", STUBS / "kernels" / "inc", *board.folders]
    return sorted(p for room in rooms for p in room.iterdir() if p.suffix in (".c", ".h", ".ld", ".toml"))


def _digest(board: Board, texts: dict[str, str]) -> bytes:
    parts = [board.id, repr((zig.EXACT, WARNINGS, board.flags)), repr(sorted(texts.items()))]
    return hashlib.sha256("\0".join(parts).encode()).digest()[:16]


def rows_per_frame(stream: Stream) -> int:
    """How many samples travel together: about a twentieth of a second, never more than a frame holds."""
    row_bytes = stream.numpy_dtype.itemsize * len(stream.channels)
    if row_bytes > MAX_PAYLOAD:
        seen = f"one sample of {row_bytes} bytes where a frame holds {MAX_PAYLOAD}"
        raise BuildError(f"Stream {stream.name!r}", seen, "Use fewer channels or a smaller type.")
    return max(1, min(MAX_PAYLOAD // row_bytes, round(stream.rate_hz * FRAME_SECONDS)))


def _hello(graph: Graph | None, stream: Stream | None, board: Board) -> Hello:
    """What the firmware will say about itself, still without its hash."""
    sensors = board.streams_for(stream)
    if len(sensors) > MOST_SENSORS:
        raise BuildError(f"Board {board.id}", f"{len(sensors)} streams", f"At most {MOST_SENSORS} fit.")
    streams = tuple(BoardStream(i, s, rows_per_frame(s)) for i, s in enumerate(sensors))
    hello = Hello(board.id, "app", bytes(16), board.clock_hz, MAX_PAYLOAD, streams, None, studio.__version__)
    if graph is None or stream is None:
        return hello
    n, rate_hz = len(sensors), stream.rate_hz / graph.stride
    scores = Stream("scores", rate_hz, graph.classes, "", "f32", 1.0, "scores")
    decision = Stream("decision", rate_hz, ("class",), "", "i16", 1.0, "decision")
    names = tuple(node.name for node in graph.nodes)
    model = BoardModel(graph.length, graph.stride, graph.classes, names, sensors.index(stream), n, n + 1)
    return replace(hello, streams=(*streams, BoardStream(n, scores), BoardStream(n + 1, decision)), model=model)


def _firmware_c(hello: Hello, graph: Graph | None, stream: Stream | None, board: Board) -> str:
    """firmware.c: the stream table and HELLO, ready to send (runtime/firmware.h)."""
    sensors = board.streams_for(stream)
    told = hello.encode()
    if len(told) > MAX_PAYLOAD:
        seen = f"its description takes {len(told)} bytes of a {MAX_PAYLOAD}-byte frame"
        raise BuildError(f"The firmware of {board.id}", seen, "Shorten the names of classes, channels or stages.")
    sizes = [rows_per_frame(s) * len(s.channels) * s.numpy_dtype.itemsize for s in sensors]
    frames = "".join(f"static _Alignas(8) uint8_t frame_{i}[{size}];\n" for i, size in enumerate(sizes))
    rows = "".join(f"    {_stream_c(i, s)}, /* {s.name.replace('*/', '')} */\n" for i, s in enumerate(sensors))
    listens = sensors.index(stream) if graph is not None and stream is not None else -1
    return (
        f'/* Written by studio/firmware/build.py for {board.id}. */\n#include "firmware.h"\n\n{frames}\n'
        f"const struct stream firmware_streams[] = {{\n{rows}}};\n"
        f"const int32_t firmware_n_streams = {len(sensors)};\nconst int32_t firmware_input = {listens};\n"
        f"const uint8_t firmware_hello[] = {{{', '.join(map(str, told))}}};\n"
        f"const int32_t firmware_hello_bytes = {len(told)};\n"
    )


def _stream_c(index: int, s: Stream) -> str:
    scale = float(s.scale).hex() + "f"
    rate_mhz = max(1, round(s.rate_hz * 1000))
    return f"{{{DTYPE_NAMES[s.dtype]}, {len(s.channels)}, {rows_per_frame(s)}, {rate_mhz}u, {scale}, frame_{index}}}"


def _name(board: Board, stem: str) -> str:
    return f"{stem}.elf" if board.form == "elf" else f"{stem}.lib"


def _write(folder: Path, texts: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as e:
        raise BuildError(str(folder), str(e), "Choose a folder that can be written to.") from e


def _c_files(folder: Path, texts: dict[str, str]) -> list[Path]:
    return [folder / name for name in sorted(texts) if name.endswith(".c")]


def _check_fit(board: Board, sections: Sections, image: bytes) -> None:
    """BuildError with the figures when the image does not fit the board."""
    if len(image) > board.app_bytes:
        over = len(image) - board.app_bytes
        seen = f"the image takes {len(image)} bytes of flash, {over} more than the {board.app_bytes} there are"
        raise BuildError(board.title, seen, "Train a smaller model: lower --max-flash-kb.")
    needed = sections.ram_bytes + board.stack_bytes
    if needed > board.ram_bytes:
        seen = f"it takes {sections.ram_bytes} bytes of RAM and {board.stack_bytes} of stack, "
        seen += f"{needed - board.ram_bytes} more than the {board.ram_bytes} there are"
        raise BuildError(board.title, seen, "Train a smaller model or one with a shorter window: lower --max-ram-kb.")


def _written(board: Board, linked: Path, image: bytes, build_hash: bytes, ram_bytes: int) -> Image:
    """The image on disk, beside what was linked."""
    bin, hex = linked.with_name("firmware.bin"), linked.with_name("firmware.hex")
    write_atomic(bin, image)
    elf = linked if board.form == "elf" else None
    if elf:
        write_atomic(hex, intel_hex(image, board.app_offset))
    files = (bin, hex, linked) if elf else (bin, linked)
    sha256 = hashlib.sha256(image).hexdigest()
    return Image(board.id, bin, elf, hex if elf else None, len(image), ram_bytes, build_hash.hex(), sha256, files)
