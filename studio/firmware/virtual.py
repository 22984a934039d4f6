"""Virtual boards: a program of its own plays the board; it is reached by URL, as any board is.

The flash is a file, so a board keeps its firmware from one start to the next. At first use it is made as a board
would be shipped: with its boot loader and a firmware that streams its sensors. As long as it holds no model, it is
renewed by itself when other sensors are plugged in or the studio brings newer C.
"""

import importlib.util
import os
import socket
import subprocess
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from studio.data.stream import Stream
from studio.errors import InputError, LinkError
from studio.firmware.board import Board, boards
from studio.firmware.boardside.flashfile import InUse, lock
from studio.firmware.boardside.options import EXIT_IN_USE
from studio.firmware.build import build_boot_loader, build_firmware
from studio.firmware.image import HEADER_BYTES, Header, is_sound, parse_header, program
from studio.firmware.program import start
from studio.firmware.sources import Firmware, boot_hash, write_c
from studio.paths import home, write_atomic
from studio.progress import finish

START_S, STOP_S, READ_S = 20.0, 5.0, 0.1
ANSWERS = ("scores", "decision")  # kinds of streams that no sensor fills


@dataclass(frozen=True)
class SensorFile:
    """A virtual sensor: raw little-endian rows in a file, played in a loop from its start at every START.

    Its clock may be off by `drift_ppm` against the board's.
    """

    stream: Stream
    path: Path
    drift_ppm: float = 0.0


def emulator_installed() -> bool:
    """Whether the optional package that emulates chips is there."""
    return importlib.util.find_spec("unicorn") is not None


def playable(board: Board) -> bool:
    """Whether this computer can play `board` now."""
    return board.virtual and (board.form == "library" or emulator_installed())


class VirtualBoard:
    """The process that plays a board; `url` is where it answers. LinkError when it cannot be started.

    `flash` is the file that keeps its flash (made as shipped when it does not exist); without one it is kept for this
    user. `speed` 0 runs as fast as can be. `count` counts instructions exactly, and slowly.
    """

    def __init__(
        self,
        board_id: str,
        sensors: tuple[SensorFile, ...] = (),
        flash: Path | None = None,
        speed: float = 1.0,
        count: bool = False,
    ) -> None:
        self.board = _known(board_id)
        self.flash = flash or own_folder() / f"{board_id}.flash"
        plugged = [s for s in sensors if s.stream.kind not in ANSWERS]
        indices = self._prepare(tuple(s.stream for s in plugged))
        given = [_sensor_argument(i, s) for i, s in zip(indices, plugged, strict=True)]
        self._said: deque[str] = deque(maxlen=50)
        self._process = start(self.board.program, *_arguments(self.board, self.flash, speed, count), *given)
        self.url = self._first_line()

    def _prepare(self, plugged: tuple[Stream, ...]) -> list[int]:
        try:
            held = lock(self.flash)
        except InUse as e:
            raise _in_use(self.board) from e
        try:
            return _bring_up_to_date(self.board, self.flash, plugged)
        finally:
            os.close(held)

    def close(self) -> None:
        """End the process; what the flash holds stays."""
        process = self._process
        if process.stdin and not process.stdin.closed:
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> "VirtualBoard":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first_line(self) -> str:
        """The URL that the program prints, or why it did not."""
        assert self._process.stdout
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        url = self._process.stdout.readline().strip()
        if url:
            return url
        code = self._process.wait(START_S)
        listener.join(1.0)
        if code == EXIT_IN_USE:
            raise _in_use(self.board)
        said = self._said[-1] if self._said else f"exit code {code}"
        raise LinkError(f"virtual:{self.board.id}", f"its program ended at once: {said}", "Run `studio doctor`.")

    def _listen(self) -> None:
        """Keep what the program complains about, so that its pipe never fills."""
        assert self._process.stderr
        for line in self._process.stderr:
            self._said.append(line.strip())


class SocketToBoard:
    """A link to a virtual board for work inside this room; everybody else opens its URL through `sources`."""

    def __init__(self, url: str) -> None:
        self.url = url
        host, _, port = url.removeprefix("socket://").rpartition(":")
        self._socket = socket.create_connection((host, int(port)), STOP_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(READ_S)

    def read(self) -> bytes:
        """What came within a tenth of a second."""
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return b""
        except OSError as e:
            raise LinkError(self.url, str(e), "Start the virtual board again.") from e
        if not data:
            raise LinkError(self.url, "the board's program ended", "Start the virtual board again.")
        return data

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            self._socket.sendall(data)
        except OSError as e:
            raise LinkError(self.url, str(e), "Start the virtual board again.") from e

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def flash_with(board: Board, image: bytes) -> bytes:
    """The whole flash of a board that holds `image`, in its first slot."""
    flash = (b"\xff" * board.loader_offset + boot_loader(board)).ljust(board.app_offset, b"\xff") + program(image)
    return flash.ljust(board.flash_bytes, b"\xff")


def boot_loader(board: Board) -> bytes:
    """The boot loader, made once and kept under the hash of its sources."""
    path = own_folder() / f"{board.id}-boot-{boot_hash(board)}.bin"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix="boot") as folder:
            write_atomic(path, build_boot_loader(board, Path(folder)))
    return path.read_bytes()


def streaming_image(firmware: Firmware) -> bytes:
    """The image of a firmware without a model, made once and kept under its build hash."""
    path = own_folder() / f"{firmware.board.id}-plain-{write_c(firmware)[1].hex()}.bin"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix="shipped") as folder:
            write_atomic(path, finish(build_firmware(firmware, Path(folder))).bin.read_bytes())
    return path.read_bytes()


def own_folder() -> Path:
    """Where this user's virtual boards keep their flash."""
    folder = home() / "boards"
    folder.mkdir(exist_ok=True)
    return folder


def _bring_up_to_date(board: Board, flash: Path, plugged: tuple[Stream, ...]) -> list[int]:
    """Give the flash what a board is shipped with; the number that the firmware in it has for each stream."""
    firmware = Firmware(board, plugged if plugged and board.any_sensor else board.streams)
    if not flash.exists():
        write_atomic(flash, flash_with(board, streaming_image(firmware)))
        return list(range(len(plugged)))
    with open(flash, "r+b") as file:
        loader = boot_loader(board)
        if file.read(len(loader)) != loader:  # a studio's update brings its own; the app stays
            file.seek(0)
            file.write(loader)
        headers = [_header_at(file, board.app_offset + slot * board.slot_bytes) for slot in (0, 1)]
        header = headers[0]
        if header is None or not header.plain or headers[1]:  # a model, or an interrupted flash: not ours to touch
            return [board.sensor_index(s.name) for s in plugged]
        if header.build_hash != write_c(firmware)[1]:
            file.seek(board.app_offset)
            file.write(program(streaming_image(firmware)))
    return [firmware.sensors.index(s) for s in plugged]


def _header_at(file: BinaryIO, offset: int) -> Header | None:
    file.seek(offset)
    start = file.read(HEADER_BYTES)
    return parse_header(start) if is_sound(start) else None


def _known(board_id: str) -> Board:
    board = boards().get(board_id)
    if board is None or not board.virtual:
        known = ", ".join(b.id for b in boards().values() if b.virtual)
        raise InputError(f"Virtual board {board_id!r}", "is not known", f"Choose one of {known}.")
    if not playable(board):
        seen = "its chip needs the emulator, which is not installed"
        raise LinkError(f"virtual:{board_id}", seen, "Run `pip install unicorn==2.1.4`, or use virtual:host.")
    return board


def _in_use(board: Board) -> LinkError:
    seen = "its flash is in use by another program"
    return LinkError(f"virtual:{board.id}", seen, "Close the other studio, then try again.")


def _arguments(board: Board, flash: Path, speed: float, count: bool) -> list[str]:
    given = {"core": board.core, "clock-hz": board.clock_hz, "flash-bytes": board.flash_bytes}
    given |= {"ram-bytes": board.ram_bytes, "app-offset": board.app_offset, "page-bytes": board.page_bytes}
    given |= {"flash": os.path.abspath(flash), "speed": speed}
    return [*(f"--{name}={value}" for name, value in given.items()), *(["--count"] if count else [])]


def _sensor_argument(index: int, sensor: SensorFile) -> str:
    stream = sensor.stream
    row_bytes = stream.numpy_dtype.itemsize * len(stream.channels)
    rate_hz = float(stream.rate_hz) * (1 + sensor.drift_ppm * 1e-6)
    return f"--sensor={index}:{os.path.abspath(sensor.path)}:{row_bytes}:{rate_hz!r}"
