"""The USB device controller of RP2040 and RP2350, from the RP2040 datasheet, section 4.1."""

from typing import TYPE_CHECKING

from tests.firmware.usb.host import DATA, Stalled

if TYPE_CHECKING:
    from tests.firmware.silicon.rp2040 import Rp2040

DPRAM, REGS, CLEAR = 0x50100000, 0x50110000, 0x3000
ADDRESS, MAIN, SIE_CTRL, SIE, BUFFERS, STALL_ARM, MUX, POWER = (
    REGS + at for at in (0, 0x40, 0x4C, 0x50, 0x58, 0x68, 0x74, 0x78)
)
FULL, AVAILABLE, STALL, LENGTH = 1 << 15, 1 << 10, 1 << 11, 0x3FF
BUS_RESET, SETUP_REC, RESUME, SUSPENDED = 1 << 19, 1 << 17, 1 << 11, 1 << 4
BULK = 1 << 31 | 1 << 29 | 2 << 26


class Rp2Usb:
    """A `Plug`."""

    def __init__(self, chip: "Rp2040") -> None:
        self.chip, self.wrongs = chip, chip.wrongs
        self.forget()
        chip.on_read |= {SIE: lambda: self.sie, BUFFERS: lambda: self.buffers}
        chip.on_write |= {SIE + CLEAR: self._clear_sie, BUFFERS + CLEAR: self._clear_buffers}
        for at in (0x80, 0x84, 0x90, 0x94):
            chip.on_write[DPRAM + at] = lambda value, at=at: self._hand_over(at, value)

    def forget(self) -> None:
        """A reset."""
        self.sie, self.buffers, self.before = 0, 0, dict[int, int]()

    def _clear_sie(self, value: int) -> None:
        self.sie &= ~value

    def _clear_buffers(self, value: int) -> None:
        self.buffers &= ~value

    def _hand_over(self, at: int, value: int) -> None:
        if value & AVAILABLE and self.before.get(at) != value & ~AVAILABLE:
            self.wrongs.append(f"USB buffer {at:#x} is made available together with the rest")
        self.before[at] = value

    def attached(self) -> bool:
        get = self.chip.words.get
        shown = bool(get(SIE_CTRL, 0) >> 16 & 1)
        right = (get(MAIN), get(MUX), get(POWER)) == (1, 9, 12) and self.chip.usb_hz() == 48e6
        if shown and not right:
            self.wrongs.append("USB shows itself without being set up")
        return shown

    def address(self) -> int:
        return self.chip.words.get(ADDRESS, 0)

    def reset(self) -> None:
        self.sie |= BUS_RESET

    def suspend(self, suspended: bool) -> None:
        self.sie |= SUSPENDED if suspended else RESUME

    def setup(self, packet: bytes) -> None:
        for i in (0, 4):
            self.chip.words[DPRAM + i] = int.from_bytes(packet[i : i + 4], "little")
        self.chip.words[STALL_ARM] = 0
        self.sie |= SETUP_REC

    def _place(self, endpoint: int, out: bool) -> tuple[int, int, int]:
        """Where its buffer control and its buffer lie, and its bit in BUFF_STATUS; Stalled while it is not open."""
        if endpoint == 0:
            return 0x80 + 4 * out, 0x100, 1 << out
        control = self.chip.words.get(DPRAM + 8 + 8 * (DATA - 1) + 4 * out, 0)
        if control & ~0xFFFF != BULK:
            raise Stalled("not open")
        return 0x80 + 8 * DATA + 4 * out, control & 0xFFFF, 1 << 2 * DATA + out

    def _word(self, at: int, endpoint: int, out: bool) -> int:
        """Its buffer control; Stalled when it says so."""
        word = self.chip.words.get(DPRAM + at, 0)
        armed = endpoint or self.chip.words.get(STALL_ARM, 0) >> out & 1
        if word & STALL and armed:
            raise Stalled(f"endpoint {endpoint}")
        return word

    def _agree(self, word: int, toggle: int, at: int) -> None:
        if word >> 13 & 1 != toggle:
            self.wrongs.append(f"USB buffer {at:#x} has the wrong toggle")

    def token_in(self, endpoint: int, toggle: int) -> bytes | None:
        at, buffer, bit = self._place(endpoint, out=False)
        word = self._word(at, endpoint, out=False)
        if not word & AVAILABLE or not word & FULL or self.sie & SETUP_REC:
            return None
        self._agree(word, toggle, at)
        words = (self.chip.words.get(DPRAM + buffer + 4 * i, 0) for i in range(16))
        data = b"".join(w.to_bytes(4, "little") for w in words)[: word & LENGTH]
        self.chip.words[DPRAM + at] = word & ~(AVAILABLE | FULL)
        self.buffers |= bit
        return data

    def token_out(self, endpoint: int, toggle: int, data: bytes) -> bool:
        at, buffer, bit = self._place(endpoint, out=True)
        word = self._word(at, endpoint, out=True)
        if not word & AVAILABLE or word & FULL or self.sie & SETUP_REC:
            return False
        self._agree(word, toggle, at)
        if len(data) > word & LENGTH:
            self.wrongs.append(f"USB buffer {at:#x} is too small for {len(data)} bytes")
        padded = data.ljust(64, b"\xee")
        for i in range(16):
            self.chip.words[DPRAM + buffer + 4 * i] = int.from_bytes(padded[4 * i : 4 * i + 4], "little")
        self.chip.words[DPRAM + at] = word & ~(AVAILABLE | LENGTH) | FULL | len(data)
        self.buffers |= bit
        return True

    def step(self) -> None:
        self.chip.step()
