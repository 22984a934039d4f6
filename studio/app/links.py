"""URL to link, for every kind of device. Here `sources` (links) and `firmware` (virtual boards) meet."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np

from studio.data.link import Link
from studio.data.motion import motion, sound, write_rows
from studio.data.recording import load
from studio.data.stream import Stream
from studio.errors import InputError, LinkError
from studio.firmware.board import Board, boards
from studio.firmware.virtual import SensorFile, VirtualBoard
from studio.paths import home
from studio.sources import open_link as open_source
from studio.sources.fault import FaultLink

MOTION_SECONDS = 120.0


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
    options = {k: v[-1] for k, v in parse_qs(urlsplit(url).query).items()}
    link: Link = _virtual(url, options) if url.startswith("virtual:") else open_source(url)
    return FaultLink(link, options["fault"]) if "fault" in options else link


def _virtual(url: str, options: dict[str, str]) -> VirtualLink:
    name = url.removeprefix("virtual:").partition("?")[0]
    known = {i: b for i, b in boards().items() if b.virtual}
    if name not in known:
        raise InputError(f"Virtual board {name!r}", "is not known", f"Choose one of {', '.join(sorted(known))}.")
    try:
        speed = float(options.get("speed", 1.0))
        seed = int(options.get("seed", 0))
    except ValueError as e:
        raise InputError(url, str(e), "Give speed and seed as numbers, for example ?speed=4&seed=1.") from e
    sensors = replayed(Path(options["replay"])) if "replay" in options else synthetic(known[name], seed)
    flash = Path(options["flash"]) if "flash" in options else None
    return VirtualLink(url, VirtualBoard(name, sensors, flash=flash, speed=speed))


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
