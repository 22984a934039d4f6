# SPDX-License-Identifier: MIT OR Apache-2.0
"""A Cortex-M in unicorn: memory, reset, faults, and running until a WFI or for a number of instructions.

What had to be known about unicorn 2.1.4:
- `UC_MODE_MCLASS` silently makes every core a Cortex-M33; so plain Thumb, and the core's model before the first map.
- `emu_stop` in a callback of a memory-mapped write leaves PC on the store, which then runs again; so callbacks only
  set flags, except for a reset, where PC does not matter any more.
- No exception is delivered. The firmware serves none: interrupts only end its WFI.
- `emu_start(count=)` returns early at a WFI, without telling how far it came.
"""

import struct
import sys
from collections.abc import Callable

import unicorn
from unicorn import arm_const as arm

from studio.firmware.boardside.flashfile import FlashFile

CORES = {
    "cortex-m0plus": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex-m3": arm.UC_CPU_ARM_CORTEX_M3,
    "cortex-m4f": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex-m7": arm.UC_CPU_ARM_CORTEX_M7,
    "cortex-m33": arm.UC_CPU_ARM_CORTEX_M33,
}
RAM = 0x20000000
WFI = b"\x30\xbf"
FAULT_VECTOR = 3
THUMB_BIT = 0x01000000
FOREVER = 0xFFFFFFFF
LOCKUP = 3  # faults one after the other: the handler itself faults, and a real core stands still

Read = Callable[[int], int]
Write = Callable[[int, int], None]


class Chip:
    """`vtor` is where the vector table lies; `instructions` is exact when the chip counts, else 0."""

    def __init__(self, core: str, flash: FlashFile, ram_bytes: int, count: bool) -> None:
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(CORES[core])
        readable = unicorn.UC_PROT_READ | unicorn.UC_PROT_EXEC  # the flash is written by its controller only
        self._flash = flash  # unicorn reads its memory: it must live as long as the chip
        self.uc.mem_map_ptr(0, flash.size, readable, flash.address)
        self.uc.mem_map(RAM, -(-ram_bytes // 4096) * 4096)
        self.uc.hook_add(unicorn.UC_HOOK_INTR, self._interrupted)
        self.vtor = self.instructions = 0
        self._pc, self._sizes, self._reset_asked, self._faulted, self._faults = 0, dict[int, int](), False, False, 0
        if count:
            self.uc.hook_add(unicorn.UC_HOOK_BLOCK, self._count)

    def map(self, address: int, size: int, read: Read, write: Write) -> None:
        """Registers at `address`: read(offset) and write(offset, value)."""
        self.uc.mmio_map(
            address, size, lambda _u, at, _n, _d: read(at), None, lambda _u, at, _n, value, _d: write(at, value), None
        )

    def ask_reset(self) -> None:
        """Reset before the next instruction (from a register's write)."""
        self._reset_asked = True
        self.uc.emu_stop()

    def reset(self) -> None:
        """Start from the vector table at 0; RAM keeps what it holds."""
        self._reset_asked, self.vtor = False, 0
        for register in range(arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R12 + 1):
            self.uc.reg_write(register, 0)
        self.uc.reg_write(arm.UC_ARM_REG_XPSR, THUMB_BIT)
        self.uc.reg_write(arm.UC_ARM_REG_APSR_NZCV, 0)  # makes unicorn notice the line above
        stack, self._pc = struct.unpack("<II", self.uc.mem_read(0, 8))
        self.uc.reg_write(arm.UC_ARM_REG_SP, stack)

    def run(self, n: int) -> bool:
        """Run `n` instructions, or to the next WFI: True when it sleeps."""
        if self._faults >= LOCKUP:
            return True
        self._faulted = False
        try:
            self.uc.emu_start(self._pc | 1, FOREVER, 0, n)
        except unicorn.UcError as e:
            self._fault(str(e))
            return False
        if self._reset_asked:
            self.reset()
            return False
        if self._faulted:
            self._fault("an exception that nobody serves")
            return False
        self._faults = 0
        self._pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
        return bytes(self.uc.mem_read(self._pc - 2, 2)) == WFI

    def forget(self, address: int, n: int) -> None:
        """Code at `address` has changed."""
        self.uc.ctl_remove_cache(address, address + n)
        self._sizes.clear()

    def _interrupted(self, _uc: unicorn.Uc, _number: int, _data: object) -> None:
        self._faulted = True
        self.uc.emu_stop()

    def _fault(self, what: str) -> None:
        """HardFault, as far as the firmware needs it: its handler never returns, so nothing is stacked."""
        self._faults += 1
        at = self.uc.reg_read(arm.UC_ARM_REG_PC)
        print(f"fault at {at:#x}: {what}", file=sys.stderr, flush=True)
        (self._pc,) = struct.unpack("<I", self.uc.mem_read(self.vtor + 4 * FAULT_VECTOR, 4))

    def _count(self, _uc: unicorn.Uc, address: int, size: int, _data: object) -> None:
        """A block runs whole, so its instructions count at once; a hook for each would miss those behind an IT."""
        n = self._sizes.get(address << 16 | size)
        if n is None:
            n = self._sizes[address << 16 | size] = instructions_in(bytes(self.uc.mem_read(address, size)))
        self.instructions += n


def instructions_in(code: bytes) -> int:
    """2 bytes each, 4 where the first five bits say so."""
    at = n = 0
    while at < len(code):
        at += 4 if code[at + 1] >> 3 >= 0b11101 else 2
        n += 1
    return n
