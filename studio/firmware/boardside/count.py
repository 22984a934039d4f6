# SPDX-License-Identifier: MIT OR Apache-2.0
"""One function on an emulated core, counted: a pickled request on stdin, a pickled answer on stdout.

A program of its own (`python -m studio.firmware.boardside.count`), because unicorn is GPLv2; it imports unicorn and the
standard library, and the counting of `chip`. No firmware runs: registers and stack are as the ABI wants them.
"""

import pickle
import struct
import sys
from typing import Any

import unicorn
from unicorn import arm_const as arm

from studio.firmware.boardside.chip import CORES, instructions_in

FLASH, RAM, STOP, MARK = 0x0, 0x20000000, 0x0F000000, 0x0F001000
SIZE = 4 << 20
INPUT, OUTPUT, STACK = RAM + (2 << 20), RAM + (3 << 20), RAM + (1 << 20)
UNTOUCHED = 0xA5
STACK_ROOM = 1 << 16


class Run:
    """The core with a linked model in it."""

    def __init__(self, core: str, segments: list[tuple[int, bytes]]) -> None:
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
        self.uc.ctl_set_cpu_model(CORES[core])
        for start, size in ((FLASH, SIZE), (RAM, SIZE), (STOP, 0x2000)):
            self.uc.mem_map(start, size)
        for start, data in segments:
            self.uc.mem_write(start, data)
        self.uc.mem_write(MARK, struct.pack("<H", 0x4770))  # bx lr
        self.uc.hook_add(unicorn.UC_HOOK_BLOCK, self._count)
        self.instructions, self.marks, self._sizes = 0, list[tuple[int, int]](), dict[int, int]()

    def _count(self, _uc: unicorn.Uc, address: int, size: int, _data: object) -> None:
        if address == MARK:
            self.marks.append((self.uc.reg_read(arm.UC_ARM_REG_R0), self.instructions))
        key = address << 16 | size
        if key not in self._sizes:
            self._sizes[key] = instructions_in(bytes(self.uc.mem_read(address, size)))
        self.instructions += self._sizes[key]

    def call(self, function: int, data: bytes, n_output: int) -> dict[str, Any]:
        """function(input, output): instructions, stages seen, stack used, and the output's bytes."""
        self.instructions, self.marks = 0, []
        self.uc.mem_write(INPUT, data)
        self.uc.mem_write(STACK - STACK_ROOM, bytes([UNTOUCHED]) * STACK_ROOM)
        values = ((arm.UC_ARM_REG_R0, INPUT), (arm.UC_ARM_REG_R1, OUTPUT), (arm.UC_ARM_REG_SP, STACK))
        for register, value in (*values, (arm.UC_ARM_REG_LR, STOP | 1)):
            self.uc.reg_write(register, value)
        self.uc.emu_start(function | 1, STOP)
        room = bytes(self.uc.mem_read(STACK - STACK_ROOM, STACK_ROOM))
        used = STACK_ROOM - (len(room) - len(room.lstrip(bytes([UNTOUCHED]))))
        output = bytes(self.uc.mem_read(OUTPUT, n_output))
        return {"instructions": self.instructions, "marks": self.marks, "stack_bytes": used, "output": output}


def main() -> None:
    """Each window once without marks, and the first again with them."""
    request = pickle.load(sys.stdin.buffer)
    run = Run(request["core"], request["segments"])
    found = [run.call(request["function"], data, request["n_output"]) for data in request["windows"]]
    run.uc.mem_write(request["tap"], struct.pack("<I", MARK | 1))
    marked = run.call(request["function"], request["windows"][0], request["n_output"])
    pickle.dump({"runs": found, "marks": marked["marks"]}, sys.stdout.buffer)


if __name__ == "__main__":
    main()
