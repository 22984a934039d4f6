"""Processor cores that a model alone can be compiled for and run on under QEMU: one line of the table each.

QEMU is a program of its own, which people install when they want these figures; nothing of it is shipped. Machines and
their memories: QEMU 7.2, docs/system/arm/mps2.rst and nrf.rst, docs/system/riscv/virt.rst, hw/arm/mps2-tz.c.
"""

from dataclasses import dataclass

_PLAIN = ("-target", "thumb-freestanding-eabi")
_FLOAT = ("-target", "thumb-freestanding-eabihf")


@dataclass(frozen=True)
class Core:
    """`target` are the compiler's flags; code lies at `text`, variables at `ram`; so many bytes of each are there."""

    title: str
    target: tuple[str, ...]
    program: str
    machine: str
    text: int = 0
    text_bytes: int = 4 << 20
    ram: int = 0x20000000
    ram_bytes: int = 4 << 20


def _arm(title: str, target: tuple[str, ...], cpu: str, machine: str, *memory: int) -> Core:
    return Core(title, (*target, f"-mcpu={cpu}"), "qemu-system-arm", machine, *memory)


def _riscv(title: str, bits: int, cpu: str, abi: str) -> Core:
    target = ("-target", f"riscv{bits}-freestanding-none", f"-mcpu={cpu}", f"-mabi={abi}", "-mcmodel=medany")
    return Core(title, target, f"qemu-system-riscv{bits}", "virt", 0x80000000, 4 << 20, 0x80400000)


_NRF51 = (0, 256 << 10, 0x20000000, 16 << 10)
_SSE200 = (0x10000000, 4 << 20, 0x38000000)
_SSE300 = (0, 512 << 10, 0x21000000, 2 << 20)

#: QEMU has no M0+; its instructions are those of the M0. `-scalar`: the same core without what the other line uses.
CORES: dict[str, Core] = {
    "cortex-m0": _arm("Cortex-M0", _PLAIN, "cortex_m0", "microbit", *_NRF51),
    "cortex-m0plus": _arm("Cortex-M0+", _PLAIN, "cortex_m0plus", "microbit", *_NRF51),
    "cortex-m3": _arm("Cortex-M3", _PLAIN, "cortex_m3", "mps2-an385"),
    "cortex-m4": _arm("Cortex-M4, no FPU", _PLAIN, "cortex_m4", "mps2-an386"),
    "cortex-m4f": _arm("Cortex-M4F", _FLOAT, "cortex_m4+vfp4d16sp", "mps2-an386"),
    "cortex-m7": _arm("Cortex-M7", _FLOAT, "cortex_m7+fp_armv8d16", "mps2-an500"),
    "cortex-m33": _arm("Cortex-M33", _FLOAT, "cortex_m33+fp_armv8d16sp+dsp", "mps2-an505", *_SSE200),
    "cortex-m55": _arm("Cortex-M55, vectors", _FLOAT, "cortex_m55+mve+fp_armv8d16sp", "mps3-an547", *_SSE300),
    "cortex-m55-scalar": _arm(
        "Cortex-M55, plain C", _FLOAT, "cortex_m55-mve-mve_fp-dsp+fp_armv8d16sp", "mps3-an547", *_SSE300
    ),
    "rv32imc": _riscv("RISC-V RV32IMC, as ESP32-C3", 32, "generic_rv32+m+c", "ilp32"),
    "rv64gc": _riscv("RISC-V RV64GC", 64, "generic_rv64+m+a+f+d+c", "lp64d"),
}
