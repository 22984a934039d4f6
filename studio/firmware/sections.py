"""What a linked file weighs and what of it goes into the flash, read with pyelftools."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sections:
    """`payload` goes into the flash; `ram_bytes` are variables, without stack. `address` is where the payload lies."""

    payload: bytes
    ram_bytes: int
    address: int = 0


def read_sections(path: Path) -> Sections:
    """A chip's ELF: the bytes of its segments. A library for this computer: the whole file, which its loader wants."""
    content = path.read_bytes()
    if content[:4] != b"\x7fELF":  # a DLL or dylib: what it takes in memory is not told
        return Sections(content, 0)
    from elftools.elf.elffile import ELFFile

    with path.open("rb") as file:
        elf = ELFFile(file)
        ram_bytes = _variables(elf)
        if elf["e_type"] == "ET_DYN":
            return Sections(content, ram_bytes)
        segments = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
        segments.sort(key=lambda s: int(s["p_paddr"]))
        address = int(segments[0]["p_paddr"])
        payload = bytearray()
        for segment in segments:
            payload += b"\xff" * (int(segment["p_paddr"]) - address - len(payload)) + segment.data()
    return Sections(bytes(payload), ram_bytes, address)


def _variables(elf: object) -> int:
    """From the first writable byte to the last."""
    from elftools.elf.constants import SH_FLAGS

    needed = SH_FLAGS.SHF_ALLOC | SH_FLAGS.SHF_WRITE
    found = [s for s in elf.iter_sections() if s["sh_flags"] & needed == needed and s["sh_size"]]  # type: ignore[attr-defined]
    if not found:
        return 0
    return int(max(s["sh_addr"] + s["sh_size"] for s in found) - min(s["sh_addr"] for s in found))
