"""A program of its own: kernels inside an emulated Cortex-M. Jobs come pickled on stdin, outputs go to stdout.

Kernels are called without any firmware: registers and stack as the ABI wants them, and a return address to stop at.
"""

import pickle
import struct
import sys
from typing import Any

import unicorn
from unicorn import arm_const as arm

RAM, STOP = 0x20000000, 0x0F000000
MODELS = {
    "cortex_m0plus": arm.UC_CPU_ARM_CORTEX_M0,
    "cortex_m4": arm.UC_CPU_ARM_CORTEX_M4,
    "cortex_m33": arm.UC_CPU_ARM_CORTEX_M33,
    "cortex_m7": arm.UC_CPU_ARM_CORTEX_M7,
}


def boot(core: str, segments: list[tuple[int, bytes]]) -> Any:
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    uc.ctl_set_cpu_model(MODELS[core])
    for start, size in ((0, 1 << 20), (RAM, 1 << 20), (STOP, 4096)):
        uc.mem_map(start, size)
    for start, data in segments:
        uc.mem_write(start, data)
    return uc


def call(uc: Any, job: dict[str, Any]) -> bytes:
    """Lay the job's blocks into RAM, call its function, and return what its output block then holds."""
    at, places = RAM + 0x8000, []
    for block in job["blocks"]:
        if block is None:  # a null pointer
            places.append(0)
            continue
        uc.mem_write(at, block)
        places.append(at)
        at = (at + len(block) + 15) & ~7
    tables = [struct.pack(f"<{len(places)}I", *places), *job["tables"]]
    addresses = []
    for data in tables:
        uc.mem_write(at, data + bytes(8))
        addresses.append(at)
        at = (at + len(data) + 15) & ~7
    sp = RAM + 0x7F00
    uc.mem_write(sp, struct.pack("<2I", *addresses[2:]))
    for register, value in (
        (arm.UC_ARM_REG_R0, job["n"]),
        (arm.UC_ARM_REG_R1, 0),
        (arm.UC_ARM_REG_R2, addresses[0]),
        (arm.UC_ARM_REG_R3, addresses[1]),
        (arm.UC_ARM_REG_SP, sp),
        (arm.UC_ARM_REG_LR, STOP | 1),
    ):
        uc.reg_write(register, value)
    uc.emu_start(job["function"] | 1, STOP)
    return bytes(uc.mem_read(places[job["output"]], len(job["blocks"][job["output"]])))


def main() -> None:
    request = pickle.load(sys.stdin.buffer)
    uc = boot(request["core"], request["segments"])
    pickle.dump([call(uc, job) for job in request["jobs"]], sys.stdout.buffer)


if __name__ == "__main__":
    main()
