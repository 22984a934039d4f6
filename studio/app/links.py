"""URL to link, for every kind of device. Here `sources` (links) and `firmware` (virtual boards) meet."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np

from studio.data.link import Link
from studio.data.motion import motion, sound, write_rows
from studio.data.recording import load
from studio.data.stream import Array, Stream
from studio.data.talk import Talk
from studio.data.wire import Hello, Verb
from studio.errors import InputError, LinkError
from studio.firmware.board import Board, boards
from studio.firmware.virtual import SensorFile, VirtualBoard
from studio.paths import home
from studio.sources import open_link as open_source
from studio.sources.devices import DEVICES, DeviceLink
from studio.sources.devices.acconeer import recorded
from studio.sources.fault import FaultLink, parse_faults
from studio.sources.identify import converse
from studio.sources.interpreter import Interpreter
from studio.sources.ports import Port, serial_ports
from studio.sources.url import is_port

MOTION_SECONDS = 120.0
SETTLE_S = 0.3
SAME_RATE = 0.05


class VirtualLink:
    """A link to a virtual board that ends the board's process when it is closed."""

    def __init__(self, url: str, board: VirtualBoard) -> None:
        self.url, self.board = url, board
        try:
            self._link = open_source(board.url)
        except Exception:
            board.close()
            raise

    def read(self) -> bytes:
        with self._named():
            return self._link.read()

    def write(self, data: bytes) -> None:
        with self._named():
            self._link.write(data)

    @property
    def waiting(self) -> int | None:
        """Bytes that came and were not read yet; None where nobody knows."""
        found: int | None = getattr(self._link, "waiting", None)
        return found

    @contextmanager
    def _named(self) -> Iterator[None]:
        """People know the board by its URL, not by the port that its program happens to listen on."""
        try:
            yield
        except LinkError as e:
            raise LinkError(self.url, e.seen, "Connect again.") from e

    def close(self) -> None:
        self._link.close()
        self.board.close()


def open_link(url: str) -> Link:
    """A link to whatever `url` names; LinkError or InputError in three parts when that cannot be."""
    options = _options(url)
    link: Link = _virtual(url, options) if url.startswith("virtual:") else open_source(url)
    return FaultLink(link, options["fault"]) if "fault" in options else link


def port_of(url: str) -> Port | None:
    """The USB port that `url` names, if it is one."""
    place = url.removeprefix("serial:").partition("?")[0]
    return next((port for port in serial_ports() if port.url == place), None) if is_port(place) else None


def moved(url: str, before: Port | None) -> str:
    """`url`, or where the board that was at port `before` is now: plugged in again, a port may get another name."""
    if before is None or not before.serial or port_of(url) is not None:
        return url
    board = before.vid, before.pid, before.serial
    now = [port.url for port in serial_ports() if (port.vid, port.pid, port.serial) == board]
    return url.replace(before.url, now[0], 1) if len(now) == 1 else url


def open_talk(link: Link, url: str, settings: Mapping[str, str] | None = None) -> Talk:
    """The conversation with the device at `url`. Its protocol is found out by asking, unless the URL forces one.

    `settings` are options that count more than the URL's.

    A virtual board is told by its URL what to speak; that it is understood has to be found out like anywhere else.
    """
    scheme, options = url.partition(":")[0], _options(url) | dict(settings or {})
    if scheme == "virtual" and options.get("protocol") == "raw":
        options = {"layout": "3h", "rate": "100"} | options
    elif scheme == "virtual" and "protocol" in options:
        del options["protocol"]
    elif scheme in _OWN and "baud:" not in options.get("fault", ""):  # else its rate has to be found out
        options.setdefault("protocol", "own")
    elif scheme == "acconeer":
        options["protocol"] = "acconeer"
    return converse(link, options)


def ask_anew(talk: Interpreter, settings: Mapping[str, str]) -> Interpreter:
    """A new conversation over the same link, with other settings; what the device still sends of before is dropped."""
    talk.request(Verb.STOP)
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        talk.link.read()
    return Interpreter(talk.link, type(talk.client)({**talk.client.given, **settings}))


#: Schemes behind which our own protocol is always spoken.
_OWN = frozenset({"virtual", "replay", "mic"})


def _options(url: str) -> dict[str, str]:
    return {k: v[-1] for k, v in parse_qs(urlsplit(url).query, keep_blank_values=True).items()}


def option(url: str, name: str) -> str:
    """What stands behind `?name=` of a URL; "" without it."""
    return _options(url).get(name, "")


def speed_of(url: str) -> float:
    """How much faster than true time the device at `url` runs; 1 for everything but virtual boards."""
    try:
        return float(_options(url).get("speed", 1.0)) or 1.0
    except ValueError:
        return 1.0


def _virtual(url: str, options: dict[str, str]) -> VirtualLink | DeviceLink:
    name = url.removeprefix("virtual:").partition("?")[0]
    known = {i: b for i, b in boards().items() if b.virtual}
    if name not in known:
        raise InputError(f"Virtual board {name!r}", "is not known", f"Choose one of {', '.join(sorted(known))}.")
    try:
        speed = float(options.get("speed", 1.0))
        seed = int(options.get("seed", 0))
        drift_ppm = float(options.get("sensor_drift", 0.0))
    except ValueError as e:
        raise InputError(url, str(e), "Give speed, seed and sensor_drift as numbers, as in ?speed=4&seed=1.") from e
    if options.get("protocol", "own") != "own":
        return _simulated(url, options, known[name], speed, seed)
    sensors = tuple(replace(s, drift_ppm=drift_ppm) for s in _sensors(options, known[name], seed))
    flash = Path(options["flash"]) if "flash" in options else None
    return VirtualLink(url, VirtualBoard(name, sensors, flash=flash, speed=speed))


def _sensors(options: dict[str, str], board: Board, seed: int) -> tuple[SensorFile, ...]:
    return replayed(Path(options["replay"])) if "replay" in options else synthetic(board, seed)


def _simulated(url: str, options: dict[str, str], board: Board, speed: float, seed: int) -> DeviceLink:
    """A device with somebody else's firmware: one sensor, the first or `?stream=`."""
    if options["protocol"] not in DEVICES:
        known = ", ".join(DEVICES)
        raise InputError(f"Protocol {options['protocol']!r}", "is not known", f"Choose one of {known}.")
    faults = parse_faults(options.get("fault", ""))
    if options.get("replay", "").endswith(".h5"):
        stream, rows = recorded(Path(options["replay"]))
    else:
        stream, rows = _sensor_rows(_sensors(options, board, seed), options.get("stream", ""))
    device = DEVICES[options["protocol"]](stream, rows, faults.get("rate", 1.0), faults.get("drift", 0.0))
    return DeviceLink(url, device, speed)


def _sensor_rows(sensors: tuple[SensorFile, ...], name: str) -> tuple[Stream, Array]:
    """The chosen sensor, the first for ""."""
    chosen = next((s for s in sensors if not name or s.stream.name == name), None)
    if chosen is None:
        names = ", ".join(s.stream.name for s in sensors)
        raise InputError(f"Stream {name!r}", "is not one of the board's sensors", f"Choose one of {names}.")
    rows = np.fromfile(chosen.path, chosen.stream.numpy_dtype)
    return chosen.stream, rows.reshape(-1, len(chosen.stream.channels))


def replayed(path: Path) -> tuple[SensorFile, ...]:
    """The streams of a recording as virtual sensors."""
    recording = load(path)
    return tuple(SensorFile(s, recording.path / f"{s.name}.raw") for s in recording.streams)


def synthetic(board: Board, seed: int = 0) -> tuple[SensorFile, ...]:
    """The virtual accelerometer and microphone of `board`, looped from files made once per seed."""
    return tuple(SensorFile(s, _sensor_file(s, seed)) for s in board.streams)


def _sensor_file(stream: Stream, seed: int) -> Path:
    folder = home() / "sensors"
    folder.mkdir(exist_ok=True)
    path = folder / f"{stream.kind}-{len(stream.channels)}x{stream.rate_hz:g}-seed{seed}-v1.raw"
    if not path.exists():
        write_rows(path, _samples(stream, seed))
    return path


def _samples(stream: Stream, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    if stream.kind == "microphone":
        return sound(MOTION_SECONDS / 4, stream.rate_hz, seed)
    return motion(MOTION_SECONDS, stream.rate_hz, seed)[0]


class AnotherBoard(LinkError):
    """What answers is not what was lost."""


def check_same(url: str, before: Hello, now: Hello) -> None:
    """AnotherBoard unless both have the same streams; a rate that was only measured may be a little off."""
    old, new = (sorted((b.stream for b in h.streams), key=lambda s: s.name) for h in (before, now))
    alike = len(old) == len(new) and all(
        replace(a, rate_hz=b.rate_hz) == b and abs(a.rate_hz / b.rate_hz - 1) < SAME_RATE
        for a, b in zip(old, new, strict=True)
    )
    if before.board != now.board or not alike:
        seen = f"another board answers ({now.board} where {before.board} was), or it has other streams now"
        raise AnotherBoard(url, seen, "Connect anew. What was recorded is kept.")
