"""A debug probe with a chip behind it, as pyOCD's remote probes speak: one JSON object per line over TCP.

The core really runs pyOCD's own flash algorithm: on each resume an emulated Cortex-M4 goes on from its PC until it is
back at its LR. Registers of the debug unit: Armv7-M Architecture Reference Manual, C1.6; of the flash: RM0351, 3.7.
"""

import ctypes
import json
import socketserver
import struct
import threading
from collections.abc import Callable
from typing import Any, ClassVar

import unicorn
from unicorn import arm_const as arm

FLASH, FLASH_BYTES, PAGE = 0x08000000, 1 << 20, 2048
RAM, RAM_BYTES = 0x20000000, 0x18000
SCS, DWT, FPB, ROM_TABLE = 0xE000E000, 0xE0001000, 0xE0002000, 0xE00FF000
DHCSR, DCRSR, DCRDR, DEMCR, AIRCR = 0xE000EDF0, 0xE000EDF4, 0xE000EDF8, 0xE000EDFC, 0xE000ED0C
FLASH_R, KEYS = 0x40022000, (0x45670123, 0xCDEF89AB)
KEYR, SR, CR = 8, 0x10, 0x14
IDCODE, L475 = 0xE0042000, 0x10076415
S_HALT, S_SLEEPY, S_RESET = 1 << 17, 1 << 24, 1 << 25
REGISTERS = {i: arm.UC_ARM_REG_R0 + i for i in range(13)} | {
    13: arm.UC_ARM_REG_SP,
    14: arm.UC_ARM_REG_LR,
    15: arm.UC_ARM_REG_PC,
    16: arm.UC_ARM_REG_XPSR,
    17: arm.UC_ARM_REG_MSP,
    18: arm.UC_ARM_REG_PSP,
}


class Target:
    """An STM32L475 as a debugger sees it. `flip` is an address whose byte takes another bit than was written."""

    def __init__(self, identity: int = L475, flip: int = 0) -> None:
        self.flip, self.erased, self.resets = flip, 0, 0
        self.halted, self._was_reset, self._control = False, True, 0
        self._key, self._flash = 0, {CR: 0xC0000000, 0x20: 0xFFEFF8AA}
        self.uc = uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        for base, size in ((RAM, RAM_BYTES), (0x10000000, 0x8000), (0x1FFF7000, 0x1000), (0x48000000, 0x2000)):
            uc.mem_map(base, size)
        self._cells = ctypes.create_string_buffer(FLASH_BYTES)
        for base in (FLASH, 0):  # booting from it, the chip shows it at 0 too, where pyOCD's checksums look for it
            uc.mem_map_ptr(base, FLASH_BYTES, unicorn.UC_PROT_ALL, ctypes.addressof(self._cells))
        uc.mem_map(0x40000000, 0x22000)
        uc.mem_map(0x40023000, 0x1000)
        uc.mem_map(0xE0000000, 0x100000)
        uc.mmio_map(
            FLASH_R, 0x1000, lambda *a: self.flash_register(a[1]), None, lambda *a: self.set_flash(a[1], a[3]), None
        )
        uc.mem_write(FLASH, b"\xff" * FLASH_BYTES)
        self._tables(identity)

    def _tables(self, identity: int) -> None:
        """What a debugger reads to learn what is there."""
        self._put(ROM_TABLE, 0xFFF0F003, 0xFFF02003, 0xFFF03003, 0)
        for base, component, part in (
            (ROM_TABLE, 0xB105100D, 0x00000A0415),
            (SCS, 0xB105E00D, 0x04000BB00C),
            (DWT, 0xB105E00D, 0x04003BB002),
            (FPB, 0xB105E00D, 0x04002BB003),
        ):
            self._put(base + 0xFF0, *(component >> 8 * i & 255 for i in range(4)))
            self._put(base + 0xFE0, *(part >> 8 * i & 255 for i in range(4)))
            self._put(base + 0xFD0, *(part >> 32 + 8 * i & 255 for i in range(4)))
        self._put(0xE000ED00, 0x410FC241)  # a Cortex-M4
        self._put(FPB, 0x260)
        self._put(DWT, 0x40000000)
        self._put(0xE000EF40, 0x10110021, 0x11000011)
        self._put(IDCODE, identity)
        self._put(0x1FFF75E0, FLASH_BYTES >> 10)

    def _put(self, at: int, *words: int) -> None:
        self.uc.mem_write(at, struct.pack(f"<{len(words)}I", *(w & 0xFFFFFFFF for w in words)))

    def flash(self) -> bytes:
        """All of it."""
        return bytes(self.uc.mem_read(FLASH, FLASH_BYTES))

    def flash_register(self, at: int) -> int:
        """One of the flash controller's."""
        return self._flash.get(at, 0)

    def set_flash(self, at: int, value: int) -> None:
        """The flash controller obeys when it was unlocked by both keys."""
        if at == KEYR:
            self._key = 1 if value == KEYS[0] else 2 if value == KEYS[1] and self._key == 1 else 0
            if self._key == 2:
                self._flash[CR] &= 0x7FFFFFFF
        elif at == SR:
            self._flash[SR] = self._flash.get(SR, 0) & ~value
        elif at != CR:
            self._flash[at] = value
        elif not self._flash[CR] >> 31 or value >> 31:
            self._flash[CR] = value & ~(1 << 16)
            if value >> 16 & 1 and value & 2:
                page = (value >> 3 & 255) + 256 * (value >> 11 & 1)
                self.uc.mem_write(FLASH + page * PAGE, b"\xff" * PAGE)
                self.erased += 1

    def read(self, at: int) -> int:
        """A word, as the debugger reads it."""
        if at == DHCSR:
            state = self._control & 0xF | 1 << 16 | S_HALT * self.halted | S_RESET * self._was_reset | S_SLEEPY
            self._was_reset = False
            return state
        if at & ~0xFFF == FLASH_R:
            return self.flash_register(at & 0xFFF)
        return int(struct.unpack("<I", self.uc.mem_read(at, 4))[0])

    def write(self, at: int, value: int) -> None:
        """A word, as the debugger writes it."""
        if at == DHCSR:
            self._obey(value)
        elif at == DCRSR:
            self._transfer(value)
        elif at == AIRCR and value >> 16 == 0x05FA and value & 5:
            self.reset()
        elif at & ~0xFFF == FLASH_R:
            self.set_flash(at & 0xFFF, value)
        else:
            self._put(at, value)

    def _obey(self, value: int) -> None:
        if value >> 16 != 0xA05F:
            return
        self._control = value & 0xF
        if value & 2:
            self.halted = True
        elif self.halted:
            self.halted = False
            self._run()

    def _run(self) -> None:
        """Only what a debugger has put into RAM is run: the algorithm, up to where it returns."""
        pc, back = (self.uc.reg_read(r) for r in (arm.UC_ARM_REG_PC, arm.UC_ARM_REG_LR))
        if RAM <= pc < RAM + RAM_BYTES:
            self.uc.emu_start(pc | 1, back & ~1, timeout=10_000_000)
            if self.flip and self.uc.mem_read(self.flip, 1)[0] != 0xFF:
                self.uc.mem_write(self.flip, bytes([self.uc.mem_read(self.flip, 1)[0] ^ 1]))
                self.flip = 0
            self.halted = True

    def _transfer(self, value: int) -> None:
        register = REGISTERS.get(value & 0x7F)
        if value >> 16 & 1:
            if register is not None:
                self.uc.reg_write(register, self.read(DCRDR))
        else:
            self._put(DCRDR, self.uc.reg_read(register) if register is not None else 0)

    def reset(self) -> None:
        """Start from the vector table; halt there when asked to."""
        self.resets += 1
        self._was_reset, self._key, self._flash[CR] = True, 0, 0xC0000000
        stack, start = struct.unpack("<II", self.uc.mem_read(FLASH, 8))
        self.uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self.uc.reg_write(arm.UC_ARM_REG_PC, start & ~1)
        self.halted = bool(self.read(DEMCR) & 1)


class Probe:
    """The probe's end of the wire: what pyOCD's remote probe asks. `cut_at` is after how many requests it goes away;
    `deaf` lets it stay and say nothing."""

    PROPERTIES: ClassVar[dict[str, Any]] = {
        "vendor_name": "Model",
        "product_name": "probe",
        "supported_wire_protocols": ["DEFAULT", "SWD"],
        "unique_id": "MODEL001",
        "wire_protocol": "SWD",
        "is_open": True,
        "capabilities": ["MANAGED_AP_SELECTION"],
        "has_swo": False,
        "associated_board_info": None,
    }
    ACCESS_PORT: ClassVar[dict[int, int]] = {0xFC: 0x24770011, 0xF8: 0xE00FF003, 0xF4: 0}

    def __init__(self, target: Target, cut_at: int = 0, deaf: bool = False) -> None:
        self.target, self.cut_at, self.deaf, self.asked = target, cut_at, deaf, 0
        self._csw, self._done = 0, threading.Event()
        self._answers: dict[str, Callable[[list[Any]], Any]] = {
            "readprop": lambda a: self.PROPERTIES.get(a[0]),
            "read_dp": lambda a: 0xF0000040 if a[0] == 4 else 0x2BA01477 if a[0] == 0 else 0,
            "read_ap": self._read_ap,
            "write_ap": self._write_ap,
            "get_memory_interface_for_ap": lambda a: 0,
            "read_mem": self._read_mem,
            "write_mem": self._write_mem,
            "read_block32": lambda a: [target.read(a[1] + 4 * i) for i in range(a[2])],
            "write_block32": lambda a: (
                [target.write(a[1] + 4 * i, v & 0xFFFFFFFF) for i, v in enumerate(a[2])] and None
            ),
            "read_block8": lambda a: list(target.uc.mem_read(a[1], a[2])),
            "write_block8": lambda a: target.uc.mem_write(a[1], bytes(a[2])),
            "reset": lambda a: target.reset(),
            "assert_reset": lambda a: None if a[0] else target.reset(),
            "is_reset_asserted": lambda a: False,
        }

    def _read_ap(self, a: list[Any]) -> int:
        if a[0] >> 24:
            return 0
        return self._csw | 0x40 if a[0] & 0xFF == 0 else self.ACCESS_PORT.get(a[0] & 0xFF, 0)

    def _write_ap(self, a: list[Any]) -> None:
        if a[0] & 0xFF == 0:
            self._csw = a[1] & ~0x40

    def _read_mem(self, a: list[Any]) -> int:
        _, at, bits = a
        return self.target.read(at) if bits == 32 else int.from_bytes(self.target.uc.mem_read(at, bits // 8), "little")

    def _write_mem(self, a: list[Any]) -> None:
        _, at, value, bits = a
        if bits == 32:
            self.target.write(at, value & 0xFFFFFFFF)
        else:
            self.target.uc.mem_write(at, value.to_bytes(bits // 8, "little"))

    def answer(self, line: bytes) -> bytes | None:
        """To one request; None: the cable is cut."""
        self.asked += 1
        if self.cut_at and self.asked > self.cut_at:
            if self.deaf:
                self._done.wait(60.0)
            return None
        asked = json.loads(line)
        result = self._answers.get(asked["request"], lambda a: None)(asked.get("arguments", []))
        told = {"id": asked["id"], "status": 0} | ({} if result is None else {"result": result})
        return json.dumps(told).encode() + b"\n"

    def __enter__(self) -> str:
        """Its name for pyOCD."""
        probe = self

        class Connection(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    answer = probe.answer(line)
                    if answer is None:
                        return
                    self.wfile.write(answer)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Connection)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"remote:127.0.0.1:{self._server.server_address[1]}"

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._server.shutdown()
        self._server.server_close()
