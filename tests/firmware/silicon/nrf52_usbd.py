"""The USB device controller of nRF52840, from its product specification and its errata sheet.

EasyDMA has done its work when the task is written; a packet leaves or enters when the host says so.
"""

from typing import TYPE_CHECKING

from tests.firmware.usb.host import DATA, Stalled

if TYPE_CHECKING:
    from tests.firmware.silicon.nrf52 import Nrf52

USBD, USBREGSTATUS, HFCLKSTARTED = 0x40027000, 0x40000438, 0x40000100
LOCK, E171, E187, E199 = 0x4006EC00, 0x4006EC14, 0x4006ED14, 0x40027C1C
USBRESET, DATADONE, EVENT, SETUP, EPDATA = (USBD + at for at in (0x100, 0x128, 0x158, 0x15C, 0x160))
READY, SUSPEND, RESUME = 1 << 11, 1 << 8, 1 << 9


class Usbd:
    """A `Plug`. `vbus` is whether a cable is in."""

    def __init__(self, chip: "Nrf52") -> None:
        self.chip, self.wrongs, self.vbus = chip, chip.wrongs, True
        self.forget()
        write, read = chip.on_write, chip.on_read
        read[USBREGSTATUS] = lambda: 3 if self.vbus else 0
        read[USBD + 0x400] = lambda: self.cause
        read[USBD + 0x46C] = lambda: self.status
        read[USBD + 0x4A0] = lambda: len(self.outs.get(0, b""))
        read[USBD + 0x4A8] = lambda: len(self.outs.get(DATA, b""))
        write |= {USBD + 0x500: self._enable, USBD + 0x504: self._pull_up, LOCK: self._lock}
        write |= {
            E171: self._patch,
            E187: self._patch,
            USBD + 0x400: self._clear_cause,
            USBD + 0x46C: self._clear_status,
        }
        write |= {USBD + 4: lambda _: self._load(0), USBD + 0xC: lambda _: self._load(DATA)}
        write |= {USBD + 0x28: lambda _: self._fetch(0), USBD + 0x30: lambda _: self._fetch(DATA)}
        write |= {USBD + 0x4C: self._receive, USBD + 0x50: self._answer, USBD + 0x54: self._refuse}
        write |= {USBD + 0x518: self._stall, USBD + 0x4A8: self._let_in, USBD + 0x50C: self._toggle}

    def forget(self) -> None:
        """Power up."""
        self.cause = self.status = self.at = self._address = 0
        self.ins: dict[int, bytes] = {}
        self.outs: dict[int, bytes] = {}
        self.stalled: set[int] = set()
        self.takes, self.answers, self.refuses, self.by_itself = False, False, False, False
        self.locked, self.pulled, self.toggles, self._selected = True, False, {0x02: 0, 0x82: 0}, -1

    def _wrong(self, what: str) -> None:
        self.wrongs.append(f"USBD {what}")

    def _lock(self, value: int) -> None:
        self.locked = not self.locked if value == 0x9375 else self.locked
        self.chip.words[LOCK] = int(not self.locked)

    def _patch(self, _value: int) -> None:
        if self.locked:
            self._wrong("has a locked register written")

    def _enable(self, value: int) -> None:
        get = self.chip.words.get
        if not value:
            self.pulled, self.ins, self.outs = False, {}, {}
            return
        if (get(E187), get(E171)) != (3, 0xC0):
            self._wrong("is enabled without what errata 171 and 187 ask for")
        self.cause |= READY

    def _pull_up(self, value: int) -> None:
        get = self.chip.words.get
        if value and (not get(USBD + 0x500) or self.cause & READY or get(E171) or not get(HFCLKSTARTED)):
            self._wrong("shows itself before it is ready")
        self.pulled = bool(value)

    def _clear_cause(self, value: int) -> None:
        self.cause &= ~value

    def _clear_status(self, value: int) -> None:
        self.status &= ~value

    def _moves(self) -> None:
        if self.chip.words.get(E199) != 0x82:
            self._wrong("moves bytes without what erratum 199 asks for")

    def _free(self) -> None:
        if self.chip.words.get(E199):
            self._wrong("is given a task while EasyDMA runs (erratum 199)")

    def _load(self, endpoint: int) -> None:
        self._moves()
        at, n = (self.chip.words.get(USBD + 0x600 + 0x14 * endpoint + i, 0) for i in (0, 4))
        if at % 4 or n > 64 or endpoint in self.ins:
            self._wrong(f"loads {n} bytes at {at:#x} into endpoint {endpoint}, which holds {self.ins.get(endpoint)!r}")
        self.ins[endpoint] = self.chip.memory(at, n) if n else b""
        self.chip.words[USBD + 0x108 + 4 * endpoint] = 1

    def _fetch(self, endpoint: int) -> None:
        self._moves()
        at, n = (self.chip.words.get(USBD + 0x700 + 0x14 * endpoint + i, 0) for i in (0, 4))
        data = self.outs.pop(endpoint, None)
        if data is None or n != len(data):
            self._wrong(f"fetches {n} bytes where {data!r} came")
        elif n:
            self.chip.memory(at, n)
            self.chip.uc.mem_write(at, data)
        self.chip.words[USBD + 0x130 + 4 * endpoint] = 1

    def _receive(self, _value: int) -> None:
        self._free()
        self.takes = True

    def _answer(self, _value: int) -> None:
        self._free()
        self.answers = True

    def _refuse(self, _value: int) -> None:
        self._free()
        self.refuses = True

    def _stall(self, value: int) -> None:
        (self.stalled.add if value & 0x100 else self.stalled.discard)(value & 0xFF)

    def _let_in(self, _value: int) -> None:
        self.outs.pop(DATA, None)

    def _toggle(self, value: int) -> None:
        endpoint, what = value & 0xFF, value >> 8
        if what and endpoint != self._selected:
            self._wrong("has a toggle set without selecting the endpoint first")
        self._selected = endpoint
        if what:
            self.toggles[endpoint] = what - 1

    def attached(self) -> bool:
        return self.pulled and self.vbus

    def address(self) -> int:
        return self._address

    def reset(self) -> None:
        self.ins, self.outs, self._address, self.takes, self.answers, self.refuses = {}, {}, 0, False, False, False
        self.chip.words |= {USBD + 0x510: 1, USBD + 0x514: 1, USBRESET: 1}

    def suspend(self, suspended: bool) -> None:
        self.cause |= SUSPEND if suspended else RESUME
        self.chip.words[EVENT] = 1

    def setup(self, packet: bytes) -> None:
        self.ins.pop(0, None)
        self.outs.pop(0, None)
        self.takes = self.answers = self.refuses = False
        self.to_host = bool(packet[0] & 0x80 and packet[6:8] != b"\0\0")
        self.by_itself, self.next_address = packet[:2] == b"\x00\x05", packet[2] & 127
        self.chip.words |= {USBD + 0x480 + 4 * i: b for i, b in enumerate(packet)}
        self.chip.words[SETUP] = 1

    def token_in(self, endpoint: int, toggle: int) -> bytes | None:
        if endpoint:
            return self._data_in(toggle)
        if self.by_itself:  # SET_ADDRESS needs nobody
            self.by_itself, self._address = False, self.next_address
            return b""
        if self.refuses:
            raise Stalled("endpoint 0")
        if 0 in self.ins:
            self.chip.words[DATADONE] = 1
            return self.ins.pop(0)
        if self.answers and not self.to_host:
            self.answers = False
            return b""
        return None

    def _data_in(self, toggle: int) -> bytes | None:
        self._open(0x510)
        if 0x82 in self.stalled:
            raise Stalled("IN")
        if DATA not in self.ins:
            return None
        self._same(0x82, toggle)
        self.status |= 1 << DATA
        self.chip.words[EPDATA] = 1
        return self.ins.pop(DATA)

    def token_out(self, endpoint: int, toggle: int, data: bytes) -> bool:
        if endpoint:
            return self._data_out(toggle, data)
        if self.refuses:
            raise Stalled("endpoint 0")
        if self.answers and self.to_host:
            self.answers = False
            return True
        if not self.takes:
            return False
        self.takes, self.outs[0] = False, data
        self.chip.words[DATADONE] = 1
        return True

    def _data_out(self, toggle: int, data: bytes) -> bool:
        self._open(0x514)
        if 0x02 in self.stalled:
            raise Stalled("OUT")
        if DATA in self.outs:
            return False
        self._same(0x02, toggle)
        self.outs[DATA] = data
        self.status |= 1 << 16 + DATA
        self.chip.words[EPDATA] = 1
        return True

    def _open(self, where: int) -> None:
        if not self.chip.words.get(USBD + where, 1) >> DATA & 1:
            raise Stalled("not open")

    def _same(self, endpoint: int, toggle: int) -> None:
        if self.toggles[endpoint] != toggle:
            self._wrong(f"and the host disagree about the toggle of endpoint {endpoint:#x}")
        self.toggles[endpoint] ^= 1

    def step(self) -> None:
        self.chip.step()
