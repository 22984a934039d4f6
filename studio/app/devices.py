"""What can be connected now, as a person counts: one entry per board, however many ways lead to it.

One board shows itself as a serial port, a drive, a debug probe and a Bluetooth advertisement at once. Views are put
together by what names the board for sure: its serial number, or where it is plugged in. A drive that tells neither
joins the one port of its kind of board, and stands alone when there are several.

A thread looks about once a second, so a view only reads `devices()`, which never waits; `version` rises with each
change. Bluetooth is scanned on demand, since a scan costs air time; probes are listed anew when something was plugged
in or out.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache

from studio.errors import StudioError
from studio.firmware.board import Board, boards
from studio.firmware.drive import places
from studio.firmware.probes import Probe, probes
from studio.firmware.virtual import playable
from studio.sources.drives import Drive, drives
from studio.sources.ports import ANNOUNCE_S, Ear, Port, ble_devices, serial_ports

LOOK_S = 1.0
SCAN_S = 5.0
#: Kinds of way, the best first: the first one that streams is what connecting uses.
KINDS = ("serial", "network", "ble", "virtual", "drive", "probe")
_STREAMING = frozenset({"serial", "network", "ble", "virtual"})
_SHORTEST = 4  # hex digits of a serial number that make a name one


@dataclass(frozen=True)
class Way:
    """One way to a board: `kind` is one of KINDS, `title` the words for people. A drive and a probe only flash."""

    kind: str
    url: str
    title: str

    @property
    def streams(self) -> bool:
        """Whether `url` can be connected to."""
        return self.kind in _STREAMING


@dataclass(frozen=True)
class Device:
    """A board that is there. `key` stays the same from look to look; `urls` are the ways to it, the best first.

    `board_id` is the board's id when its USB numbers or its drive tell it, else "".
    """

    key: str
    title: str
    subtitle: str
    urls: tuple[Way, ...]
    board_id: str = ""

    @property
    def url(self) -> str:
        """What to connect to; "" when it only can be flashed."""
        return next((way.url for way in self.urls if way.streams), "")

    @property
    def kind(self) -> str:
        """Kind of its best way."""
        return self.urls[0].kind


@dataclass(frozen=True)
class Sight:
    """One view of a board, by one part of the system; `marks` name the board for sure.

    `kinds` are the ids of the boards that it may be, as far as this view tells.
    """

    way: Way
    title: str
    kinds: frozenset[str] = frozenset()
    marks: frozenset[str] = frozenset()
    serial: str = ""


@cache
def _boards() -> dict[str, Board]:
    """Every known board: their files are read once, not at every look."""
    return boards()


@cache
def _playable() -> tuple[Board, ...]:
    return tuple(b for b in _boards().values() if playable(b))


@dataclass(frozen=True)
class Eyes:
    """How to look; tests put their own."""

    ports: Callable[[], Iterable[Port]] = serial_ports
    drives: Callable[[], Iterable[Drive]] = lambda: drives(places())
    probes: Callable[[], Iterable[Probe]] = probes
    ble: Callable[[float], Iterable[Port]] = ble_devices
    ear: Callable[[bool], Ear] = lambda asked: Ear(asked=asked)
    virtual: Callable[[], Iterable[Board]] = _playable


@dataclass
class _Seen:
    """What the last look found."""

    ports: tuple[Port, ...] = ()
    drives: tuple[Drive, ...] = ()
    network: tuple[Port, ...] = ()
    probes: tuple[Probe, ...] = ()
    ble: tuple[Port, ...] = ()
    virtual: tuple[Board, ...] = field(default_factory=tuple)


class DeviceList:
    """The devices that are there, from `start` to `stop`."""

    def __init__(self, eyes: Eyes | None = None, look_s: float = LOOK_S) -> None:
        self._eyes, self._look_s = eyes or Eyes(), look_s
        self._seen, self._devices = _Seen(), tuple[Device, ...]()
        self.version = 0
        self.scanning = False
        self.scan_error: StudioError | None = None
        self._lock, self._stopping = threading.Lock(), threading.Event()
        self._thread = threading.Thread()
        self._scan = self._probing = threading.Thread()

    def start(self) -> None:
        """Begin to look."""
        if not self._thread.is_alive():
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, daemon=True, name="look for devices")
            self._thread.start()

    def stop(self) -> None:
        """Look no more. Waits for a look that is going on, not for a scan."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def devices(self) -> tuple[Device, ...]:
        """What was there at the last look, real boards first. Never waits."""
        return self._devices

    def scan_ble(self, seconds: float = SCAN_S) -> None:
        """Look for Bluetooth boards on a thread; `scanning` until it is over, then `scan_error` says why not."""
        if not self.scanning:
            self.scanning, self.scan_error = True, None
            self._scan = threading.Thread(target=self._scan_ble, args=(seconds,), daemon=True, name="scan Bluetooth")
            self._scan.start()

    def look(self, listen_s: float = ANNOUNCE_S) -> tuple[Device, ...]:
        """Look once, on this thread. With `listen_s`, boards on the net and probes are waited for."""
        ear = self._eyes.ear(listen_s > 0)
        try:
            self._look(ear, listen_s)
        finally:
            ear.close()
        if listen_s:
            self._list_probes()
        return self._devices

    def _run(self) -> None:
        ear = self._eyes.ear(False)
        try:
            while not self._stopping.is_set():
                if self._look(ear) and not self._probing.is_alive():
                    self._probing = threading.Thread(target=self._list_probes, daemon=True, name="list probes")
                    self._probing.start()
                self._stopping.wait(self._look_s)
        finally:
            ear.close()

    def _look(self, ear: Ear, listen_s: float = 0.0) -> bool:
        """Look once; True when something was plugged in or out."""
        before = self._seen.ports, self._seen.drives, self._seen.virtual
        ports, there, virtual = tuple(self._eyes.ports()), tuple(self._eyes.drives()), tuple(self._eyes.virtual())
        self._take(ports=ports, drives=there, virtual=virtual, network=ear.hear(listen_s))
        return before != (ports, there, virtual)

    def _list_probes(self) -> None:
        self._take(probes=tuple(self._eyes.probes()))

    def _scan_ble(self, seconds: float) -> None:
        try:
            self._take(ble=tuple(self._eyes.ble(seconds)))
        except StudioError as e:
            self.scan_error = e
        finally:
            self.scanning = False

    def _take(self, **found: tuple[object, ...]) -> None:
        with self._lock:
            for name, value in found.items():
                setattr(self._seen, name, value)
            devices = merged(_sights(self._seen))
            if devices != self._devices:
                self._devices = devices
                self.version += 1


def merged(sights: Iterable[Sight]) -> tuple[Device, ...]:
    """Views put together into boards: by their marks first, then what fits one board alone."""
    sure = list(sights)
    loose = [s for s in sure if not s.marks and s.way.kind in ("drive", "ble")]
    groups: list[list[Sight]] = []
    for sight in (s for s in sure if s not in loose):
        same = [g for g in groups if sight.marks & frozenset().union(*(s.marks for s in g))]
        groups = [g for g in groups if g not in same] + [[s for g in same for s in g] + [sight]]
    for sight in loose:
        fits = [g for g in groups if _fits(sight, g)]
        if len(fits) == 1:
            fits[0].append(sight)
        else:
            groups.append([sight])
    found = [_device(sorted(g, key=lambda s: (KINDS.index(s.way.kind), s.way.url))) for g in groups]
    return tuple(sorted(found, key=lambda d: (d.kind == "virtual", KINDS.index(d.kind))))


def _fits(sight: Sight, group: list[Sight]) -> bool:
    """Whether a view without marks is one of this board."""
    if any(s.way.kind == sight.way.kind for s in group):
        return False
    if sight.way.kind == "drive":
        return bool(sight.kinds & _kinds(group))
    name, address = _hex(sight.title.rpartition("-")[2]), _hex(sight.way.url.removeprefix("ble:"))
    return any(_same_number(s.serial, name, address) for s in group if s.serial)


def _same_number(serial: str, name: str, address: str) -> bool:
    """Whether an advertisement bears a board's serial number: as its address, or as the end of its name."""
    number = _hex(serial)
    return len(number) >= _SHORTEST and (
        (len(address) == 12 and address in number) or (len(name) >= _SHORTEST and number.endswith(name))
    )


def _hex(text: str) -> str:
    found = text.replace(":", "").replace("-", "").casefold()
    return found if all(c in "0123456789abcdef" for c in found) else ""


def _kinds(views: list[Sight]) -> frozenset[str]:
    """The boards that all views that tell something agree upon."""
    told = [view.kinds for view in views if view.kinds]
    return frozenset.intersection(*told) if told else frozenset()


def _device(views: list[Sight]) -> Device:
    kinds = _kinds(views)
    board_id = next(iter(kinds)) if len(kinds) == 1 else ""
    known = _boards().get(board_id)
    marks = sorted(m for v in views for m in v.marks)
    return Device(
        marks[0] if marks else views[0].way.url,
        known.title if known is not None else views[0].title,
        " · ".join(v.way.title for v in views),
        tuple(v.way for v in views),
        board_id,
    )


def _sights(seen: _Seen) -> list[Sight]:
    found = [_port(p) for p in seen.ports] + [_drive(d) for d in seen.drives]
    for p in seen.probes:
        way = Way("probe", f"probe:{p.serial}", "debug probe")
        found.append(Sight(way, p.title, frozenset(), _marks(p.serial), p.serial))
    for n in seen.network:
        place = n.url.partition("://")[2].partition("?")[0]
        found.append(Sight(Way("network", n.url, place), n.title, frozenset(), _marks(n.serial), n.serial))
    found += [Sight(Way("ble", b.url, "Bluetooth"), b.title) for b in seen.ble]
    for v in seen.virtual:
        found.append(Sight(Way("virtual", f"virtual:{v.id}", "simulated on this computer"), v.title, frozenset([v.id])))
    return found


def _port(p: Port) -> Sight:
    return Sight(Way("serial", p.url, p.url), p.title, _by_usb(p.vid, p.pid), _marks(p.serial, p.location), p.serial)


def _drive(d: Drive) -> Sight:
    way = Way("drive", d.path.absolute().as_uri(), f"drive {d.title}")
    return Sight(way, d.board or d.title, _by_drive(d.board), _marks(d.serial, d.location), d.serial)


def _marks(serial: str, location: str = "") -> frozenset[str]:
    """What is this board's alone; a number of one repeated digit is a maker's carelessness."""
    number = serial.strip().casefold()
    good = len(number) >= _SHORTEST and len(set(number)) > 1
    return frozenset([f"number {number}"] * good + [f"plug {location}"] * bool(location))


@cache
def _by_usb(vid: int, pid: int) -> frozenset[str]:
    """The boards with these USB numbers: a debugger's may belong to several."""
    return frozenset(b.id for b in _boards().values() if f"{vid:04X}:{pid:04X}" in map(str.upper, b.usb))


@cache
def _by_drive(name: str) -> frozenset[str]:
    """The boards whose UF2 drive is called `name`."""
    return frozenset(b.id for b in _boards().values() if b.uf2_board and name.startswith(b.uf2_board))
