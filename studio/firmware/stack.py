"""How much stack a linked model can need at most: frames from the compiler, calls from the machine code.

The compiler writes each function's frame into the section `.stack_sizes` (-fstack-size-section). Functions that are
assembly throughout tell it nothing, so what they push is read from their code; and so are the calls. A call through a
pointer (the tap of a debugger) is not followed, and told.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from studio.errors import BuildError

FLAG = "-fstack-size-section"
BX_LR = 0x4770  # a return; BX to another register is a call at a function's end


@dataclass(frozen=True)
class StackBound:
    """`n_bytes` at most from the entry of a function on, along `path`; whether anything is called by pointer."""

    n_bytes: int
    path: tuple[str, ...]
    by_pointer: bool


@dataclass(frozen=True)
class Function:
    """A function of a linked image: its frame in bytes, whom it calls (addresses), and whether also by pointer."""

    name: str
    frame: int
    calls: tuple[int, ...]
    by_pointer: bool


def stack_bound(content: bytes, entry: str = "model_run") -> StackBound:
    """The bound of an ELF for Cortex-M that was compiled with FLAG; BuildError for recursion or a missing entry."""
    functions = _functions(content)
    start = next((at for at, f in functions.items() if f.name == entry), None)
    if start is None:
        raise BuildError(f"Function {entry}", "is not in the linked model", "Build it again.")
    seen: set[int] = set()

    @cache
    def deepest(at: int, above: tuple[int, ...]) -> tuple[int, tuple[str, ...]]:
        function = functions[at]
        seen.add(at)
        if at in above:
            raise BuildError(f"Function {function.name}", "calls itself", "A bound of the stack cannot be told.")
        below = [deepest(to, (*above, at)) for to in function.calls if to in functions]
        n, path = max(below, default=(0, ()))
        return function.frame + n, (function.name, *path)

    n_bytes, path = deepest(start, ())
    return StackBound(n_bytes, path, any(functions[at].by_pointer for at in seen))


def _functions(content: bytes) -> dict[int, Function]:
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(io.BytesIO(content))
    section = elf.get_section_by_name(".stack_sizes")
    if section is None:
        raise BuildError("The linked model", "tells no frames", f"Compile it with {FLAG}.")
    frames = dict(_frames(section.data()))
    text = elf.get_section_by_name(".text")
    data, base = text.data(), text["sh_addr"]
    found = {}
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        if symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"]:
            at = symbol["st_value"] & ~1
            words = struct.unpack(f"<{symbol['st_size'] // 2}H", data[at - base :][: symbol["st_size"] // 2 * 2])
            pushed, calls, by_pointer = _read(words, at)
            found[at] = Function(symbol.name, max(frames.get(at, 0), pushed), calls, by_pointer)
    return found


def _frames(data: bytes) -> Iterator[tuple[int, int]]:
    """(address, bytes) from pairs of a word and a number in base 128, lowest first."""
    place = 0
    while place < len(data):
        (address,) = struct.unpack_from("<I", data, place)
        place, size, shift = place + 4, 0, 0
        while True:
            byte = data[place]
            place, size, shift = place + 1, size | (byte & 127) << shift, shift + 7
            if byte < 128:
                break
        yield address & ~1, size


def _read(words: tuple[int, ...], start: int) -> tuple[int, tuple[int, ...], bool]:
    """Bytes that Thumb code pushes, the targets of its calls and far jumps, and whether it calls by pointer."""
    pushed, calls, by_pointer, i = 0, list[int](), False, 0
    while i < len(words):
        first = words[i]
        if first >> 11 in (0b11101, 0b11110, 0b11111) and i + 1 < len(words):
            second = words[i + 1]
            if first == 0xE92D:
                pushed += 4 * second.bit_count()
            elif first >> 11 == 0b11110 and second & 0x9000 == 0x9000:
                calls.append(start + 2 * i + 4 + _offset(first, second))
            i += 2
            continue
        if first & 0xFE00 == 0xB400:
            pushed += 4 * (first & 0x1FF).bit_count()
        elif first & 0xFF80 == 0xB080:
            pushed += 4 * (first & 0x7F)
        by_pointer |= first & 0xFF87 == 0x4780 or (first & 0xFF87 == 0x4700 and first != BX_LR)
        i += 1
    return pushed, tuple(dict.fromkeys(calls)), by_pointer


def _offset(first: int, second: int) -> int:
    """How far a BL or a far B goes."""
    sign, high, low = first >> 10 & 1, first & 0x3FF, second & 0x7FF
    i1, i2 = ~(second >> 13 ^ sign) & 1, ~(second >> 11 ^ sign) & 1
    return (i1 << 23 | i2 << 22 | high << 12 | low << 1) - (sign << 24)
