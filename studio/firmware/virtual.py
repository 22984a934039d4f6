"""Virtual boards: a program of its own plays the board; it is reached by URL, as any board is.

The flash is a file, so a board keeps its firmware from one start to the next. At first use it is made as a board
would be shipped: with its boot loader and a firmware that streams its sensors.
"""

import importlib.util
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from studio.data.stream import Stream
from studio.errors import InputError, LinkError
from studio.firmware.board import Board, boards
from studio.firmware.boardside.options import EXIT_IN_USE
from studio.firmware.build import boot_loader_hash, build, build_boot_loader
from studio.paths import home, write_atomic
from studio.progress import finish

START_S = 20.0
STOP_S, READ_S = 5.0, 0.1


@dataclass(frozen=True)
class SensorFile:
    """A virtual sensor: raw little-endian rows in a file, played in a loop."""

    stream: Stream
    path: Path


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
        self.flash = flash or _own_folder() / f"{board_id}.flash"
        if not self.flash.exists():
            write_atomic(self.flash, shipped(self.board))
        self._refresh_boot_loader()
        self._said: deque[str] = deque(maxlen=50)
        self._process = self._start(sensors, speed, count)
        self.url = self._first_line()

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

    def _start(self, sensors: tuple[SensorFile, ...], speed: float, count: bool) -> "subprocess.Popen[str]":
        board = self.board
        arguments = ["--core", board.core, "--clock-hz", str(board.clock_hz), "--flash-bytes", str(board.flash_bytes)]
        arguments += ["--ram-bytes", str(board.ram_bytes), "--app-offset", str(board.app_offset)]
        arguments += ["--page-bytes", str(board.page_bytes), "--flash", str(self.flash), "--speed", str(speed)]
        arguments += ["--count"] if count else []
        for sensor in sensors:
            arguments += ["--sensor", _sensor_argument(board, sensor)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen([*_program(board), *arguments], text=True, **pipes)  # type: ignore[call-overload,no-any-return]

    def _first_line(self) -> str:
        """The URL that the program prints, or why it did not."""
        assert self._process.stdout and self._process.stderr
        threading.Thread(target=self._listen, daemon=True).start()
        url = self._process.stdout.readline().strip()
        if url:
            return url
        code = self._process.wait(START_S)
        name = f"virtual:{self.board.id}"
        if code == EXIT_IN_USE:
            raise LinkError(name, "its flash is in use by another program", "Close the other studio, then try again.")
        said = self._said[-1] if self._said else f"exit code {code}"
        raise LinkError(name, f"its program ended at once: {said}", "Run `studio doctor`.")

    def _listen(self) -> None:
        """Keep what the program complains about, so that its pipe never fills."""
        assert self._process.stderr
        for line in self._process.stderr:
            self._said.append(line.strip())

    def _refresh_boot_loader(self) -> None:
        """A studio's update brings its own boot loader; the app in the flash stays."""
        loader = boot_loader(self.board)
        with open(self.flash, "r+b") as file:
            if file.read(len(loader)) != loader:
                file.seek(0)
                file.write(loader)


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


def shipped(board: Board) -> bytes:
    """The whole flash of a new board: boot loader and streaming firmware."""
    with tempfile.TemporaryDirectory(prefix="shipped") as folder:
        app = finish(build(None, None, board, Path(folder))).bin.read_bytes()
    return flash_with(board, app)


def flash_with(board: Board, image: bytes) -> bytes:
    """The whole flash of a board that holds `image`."""
    flash = boot_loader(board).ljust(board.app_offset, b"\xff") + image
    return flash.ljust(board.flash_bytes, b"\xff")


def boot_loader(board: Board) -> bytes:
    """The boot loader, made once and kept under the hash of its sources."""
    path = _own_folder() / f"{board.id}-boot-{boot_loader_hash(board)}.bin"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix="boot") as folder:
            write_atomic(path, build_boot_loader(board, Path(folder)))
    return path.read_bytes()


def _own_folder() -> Path:
    folder = home() / "boards"
    folder.mkdir(exist_ok=True)
    return folder


def _known(board_id: str) -> Board:
    board = boards().get(board_id)
    if board is None or not board.virtual:
        known = ", ".join(b.id for b in boards().values() if b.virtual)
        raise InputError(f"Virtual board {board_id!r}", "is not known", f"Choose one of {known}.")
    if not playable(board):
        seen = "its chip needs the emulator, which is not installed"
        raise LinkError(f"virtual:{board_id}", seen, "Run `pip install unicorn==2.1.4`, or use virtual:host.")
    return board


def _program(board: Board) -> list[str]:
    """How to start the program; a packaged studio has no `python -m`, its own program takes the module's name."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--play", board.program]
    return [sys.executable, "-m", board.program]


def _sensor_argument(board: Board, sensor: SensorFile) -> str:
    stream = sensor.stream
    row_bytes = stream.numpy_dtype.itemsize * len(stream.channels)
    path = os.path.abspath(sensor.path)
    return f"{board.sensor_index(stream.name)}:{path}:{row_bytes}:{stream.rate_hz:g}"
