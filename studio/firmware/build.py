"""Compile the firmware of a board into an image, and say what it weighs."""

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from studio import zig
from studio.data.stream import Stream
from studio.errors import BuildError
from studio.firmware.board import Board
from studio.firmware.image import HEADER_BYTES, MARKS_BYTES, intel_hex, make_image, program, with_second
from studio.firmware.parameters import find_block
from studio.firmware.sections import Sections, read_sections
from studio.firmware.sources import Firmware, app_sources, boot_sources, firmware_of, flags, schema, write_c
from studio.firmware.uf2 import uf2
from studio.graph.graph import Graph
from studio.paths import write_atomic
from studio.progress import Progress, Work


@dataclass(frozen=True)
class Image:
    """What came out of a build. `bin` gets flashed; `flash_bytes` and `ram_bytes` are read from the linked file.

    `flash_bytes` is the image with its header, without the boot loader; `ram_bytes` are variables, without stack.
    """

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
    return (yield from build_firmware(firmware_of(graph, stream, board), folder))


def build_firmware(firmware: Firmware, folder: Path) -> Work[Image]:
    """As `build`, for a firmware that is already spelled out."""
    board = firmware.board
    yield Progress(0, 3, f"writing C for {board.title}")
    texts, build_hash = write_c(firmware)
    _write(folder, texts)
    yield Progress(1, 3, f"compiling for {board.title}")
    written = [folder / name for name in sorted(texts) if name.endswith(".c")]
    sources = [*app_sources(firmware), *written]
    linked = link(board, "app.ld", sources, folder / _name(board, "firmware"))
    yield Progress(2, 3, "weighing")
    sections = read_sections(linked)
    block = find_block(sections.payload, schema(texts)) if firmware.graph is not None else None
    told = (block.schema, block.offset, block.n_bytes) if block else (b"", 0, 0)
    image = make_image(board.id, build_hash, sections.payload, firmware.graph is None, told)
    _check_fit(board, sections, image)
    image = _for_both_slots(board, sources, folder, image)
    result = _written(board, linked, image, build_hash, sections.ram_bytes)
    yield Progress(3, 3, f"{result.bin.name}: {result.flash_bytes} bytes of flash, {sections.ram_bytes} of RAM")
    return result


def _for_both_slots(board: Board, sources: list[Path], folder: Path, image: bytes) -> bytes:
    """The image with what makes it run from the second slot; as it is when it is longer than a slot."""
    if len(image) > board.slot_bytes - MARKS_BYTES:
        return image
    if board.form == "library":  # runs wherever it lies
        return with_second(image, image[HEADER_BYTES:])
    second = replace(board, app_offset=board.app_offset + board.slot_bytes)
    with tempfile.TemporaryDirectory(prefix="slot", dir=folder) as room:
        linked = Path(room) / "second.elf"
        _link(board, _script(second, "app.ld", linked), sources, folder, linked)
        return with_second(image, read_sections(linked).payload)


def build_boot_loader(board: Board, folder: Path) -> bytes:
    """The boot loader of `board` as its flash holds it from offset 0 on; a library wears a header, for its length."""
    _write(folder, {})
    linked = link(board, "boot.ld", boot_sources(board), folder / _name(board, "boot"))
    payload = read_sections(linked).payload
    loader = make_image(board.id, bytes(16), payload) if board.form == "library" else payload
    room = board.app_offset - board.loader_offset
    if len(loader) > room:
        seen = f"{len(loader)} bytes in the {room} bytes below the app"
        raise BuildError(f"The boot loader of {board.id}", seen, "Raise app_offset in its board.toml.")
    return loader


def link(board: Board, script: str, sources: list[Path], out: Path) -> Path:
    """Compile and link `sources` for `board`; BuildError with the compiler's first complaint."""
    _link(board, _script(board, script, out), sources, out.parent, out)
    return out


def _link(board: Board, script: list[str], sources: list[Path], room: Path, out: Path) -> None:
    """`room` holds the headers of this build."""
    arguments = ["cc", *flags(board), f"-I{room}", *script, *map(str, sources)]
    zig.run([*arguments, "-o", str(out)], f"The firmware of {board.id}")


def _script(board: Board, name: str, out: Path) -> list[str]:
    """The linker script with the board's figures in it: zig hands no --defsym on to its linker."""
    script = board.script(name)
    if script is None:
        return []
    filled, text = out.with_suffix(".ld"), script.read_text(encoding="utf-8")
    for figure, value in figures(board).items():
        text = text.replace(figure, str(value))
    filled.write_text(text, encoding="utf-8")
    return ["-T", str(filled)]


def figures(board: Board) -> dict[str, int]:
    """What a linker script may ask for by name."""
    return {
        "RAM_BYTES": board.ram_bytes,
        "RAM_ADDRESS": board.ram_address,
        "APP_ADDRESS": board.flash_address + board.app_offset,
        "LOADER_ADDRESS": board.flash_address + board.loader_offset,
        "LOADER_BYTES": board.app_offset - board.loader_offset,
    }


def _name(board: Board, stem: str) -> str:
    return f"{stem}.elf" if board.form == "elf" else f"{stem}.lib"


def _write(folder: Path, texts: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as e:
        raise BuildError(str(folder), str(e), "Choose a folder that can be written to.") from e


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
    chip, alone = board.form == "elf", program(image)
    contents: dict[str, bytes | str] = {"firmware.bin": image}
    if chip:
        contents["firmware.hex"] = intel_hex((board.flash_address + board.app_offset, alone))
    if chip and not board.virtual:
        contents |= _first_time(board, alone, linked.parent)
    files = {name: linked.with_name(name) for name in contents}
    try:
        for name, content in contents.items():
            write_atomic(files[name], content)
    except OSError as e:
        raise BuildError(str(linked.parent), str(e), "Choose a folder that can be written to.") from e
    elf, sha256 = linked if chip else None, hashlib.sha256(image).hexdigest()
    told = (*files.values(), linked)
    hex = files.get("firmware.hex")
    return Image(board.id, files["firmware.bin"], elf, hex, len(alone), ram_bytes, build_hash.hex(), sha256, told)


def whole(board: Board, loader: bytes, image: bytes) -> bytes:
    """Boot loader and image as the flash holds them from `loader_offset` on."""
    return loader.ljust(board.app_offset - board.loader_offset, b"\xff") + program(image)


def first_time(board: Board, loader: bytes, image: bytes) -> list[tuple[int, bytes]]:
    """(address, bytes) of what makes `image` the one that starts, whatever the board held before.

    That is the whole of it, and zeros over a header in the second slot: what lies there may be newer.
    """
    content = whole(board, loader, image)
    parts = [(board.flash_address + board.loader_offset, content)]
    second = board.app_offset + board.slot_bytes
    if board.loader_offset + len(content) <= second:
        parts.append((board.flash_address + second, bytes(HEADER_BYTES)))
    return parts


def _first_time(board: Board, image: bytes, folder: Path) -> dict[str, bytes | str]:
    """What a board that has never met this studio is given: boot loader and image in one file."""
    loader = build_boot_loader(board, folder)
    parts = first_time(board, loader, image)
    files: dict[str, bytes | str] = {"whole.hex": intel_hex(*parts), "whole.bin": whole(board, loader, image)}
    if board.uf2_family:
        files["whole.uf2"] = uf2(parts, board.uf2_family)
    return files
