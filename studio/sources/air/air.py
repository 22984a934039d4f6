"""Starts and ends the private D-Bus and the stand-in for bluetoothd, and points bleak to them."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from studio.errors import StudioError

BOARD = "SB-F4F5"
_WHERE = "DBUS_SYSTEM_BUS_ADDRESS"


def absent() -> str:
    """What is missing to try Bluetooth in software; "" when nothing is."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux, whose Bluetooth daemon it stands in for"
    if shutil.which("dbus-daemon") is None:
        return "dbus-daemon is not installed (Debian: apt-get install dbus)"
    missing = [name for name in ("bumble", "bleak", "dbus_fast") if importlib.util.find_spec(name) is None]
    return f"{', '.join(missing)} is not installed (pip install sensorsmith-studio[test])" if missing else ""


class Air:
    """The bus and the daemon with a board in range, until `close`. `options` go to the program `bluez`.

    StudioError when something is missing. bleak keeps one state per event loop, so one Air at a time per process.
    """

    def __init__(self, *options: str) -> None:
        if why := absent():
            raise StudioError("Bluetooth in software", why, "Install it, then try again.")
        self._options = options
        self._folder = tempfile.TemporaryDirectory(prefix="air")
        self.address = f"unix:path={Path(self._folder.name) / 'bus'}"
        self._before = os.environ.get(_WHERE)
        os.environ[_WHERE] = self.address
        self._bus: subprocess.Popen[str] | None = None
        self._daemon: subprocess.Popen[str] | None = None
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start what does not run."""
        if self._bus is None:
            command = ["dbus-daemon", "--session", "--nofork", f"--address={self.address}", "--print-address"]
            self._bus = _started(command)
        if self._daemon is None:
            self._daemon = _started([sys.executable, "-m", "studio.sources.air.bluez", self.address, *self._options])

    def tell(self, word: str) -> None:
        """A word to the daemon: drop, off or on."""
        assert self._daemon is not None and self._daemon.stdin is not None
        self._daemon.stdin.write(word + "\n")
        self._daemon.stdin.flush()

    def sent(self) -> tuple[int, int]:
        """(bytes that the board sent in notifications, notifications that nobody took)."""
        self.tell("sent")
        assert self._daemon is not None and self._daemon.stdout is not None
        sent, untaken = map(int, self._daemon.stdout.readline().split())
        return sent, untaken

    def kill_daemon(self) -> None:
        """bluetoothd dies; the bus does not."""
        _end(self._daemon)
        self._daemon = None

    def kill_bus(self) -> None:
        """D-Bus dies, and the daemon with it."""
        self.kill_daemon()
        _end(self._bus)
        self._bus = None

    def close(self) -> None:
        """End all of it, and point bleak back."""
        self.kill_bus()
        if self._before is None:
            os.environ.pop(_WHERE, None)
        else:
            os.environ[_WHERE] = self._before
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, e: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _started(command: list[str]) -> "subprocess.Popen[str]":
    """A program, once it has said its first line."""
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    program = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert program.stdout is not None
    if not program.stdout.readline():
        raise StudioError(command[0], f"ended at once with code {program.wait()}", "Run it by hand to see why.")
    return program


def _end(program: "subprocess.Popen[str] | None") -> None:
    if program is not None:
        program.kill()
        program.wait()
        for pipe in (program.stdin, program.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
