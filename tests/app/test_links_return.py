"""Reconnecting over what the system gives: a serial port that goes away and comes back, a server, every protocol."""

import contextlib
import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from studio.app import links, live
from studio.app.live import Connection
from studio.data.project import create
from studio.sources.clients import CLIENTS
from studio.sources.clients.client import Loss
from studio.sources.devices import DEVICES
from studio.sources.devices.acconeer import radar_stream
from studio.sources.devices.own import OwnDevice
from studio.sources.ports import Port
from tests.app.cable import STREAM, TICKS, FreeRunning, Plug
from tests.data.board import until

FAST = (0.02, 0.1)
SLOW = replace(STREAM, rate_hz=100.0)


class Pump:
    """Plays `device` at the far end of two functions, on a thread, until it is closed."""

    def __init__(self, device: OwnDevice, read: Callable[[], bytes], write: Callable[[bytes], None]) -> None:
        self._device, self._read, self._write = device, read, write
        self._over, self._began_s = threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while not self._over.wait(0.004):
                now_s = time.monotonic() - self._began_s
                if data := self._read():
                    self._device.hear(data, now_s)
                self._write(b"".join(frame.data for frame in self._device.due(now_s)))

    def close(self) -> None:
        self._over.set()
        self._thread.join()


def received(connection: Connection) -> int:
    return sum(s["received"] for s in connection.stats["streams"].values())


def streams_on(connection: Connection, n: int = 50) -> None:
    until(lambda: connection.state == "streaming", 40.0)
    before = received(connection)
    until(lambda: received(connection) >= before + n, 40.0)


class Terminal:
    """A board at a pseudo terminal, reached by a link of a fixed name, as udev would give it."""

    def __init__(self, name: Path) -> None:
        self.master, slave = os.openpty()
        os.set_blocking(self.master, False)
        self._slave = slave
        name.unlink(missing_ok=True)
        name.symlink_to(os.ttyname(slave))
        self._pump = Pump(OwnDevice(SLOW, TICKS), self._read, lambda data: self._write(data))

    def _read(self) -> bytes:
        ready, _, _ = select.select([self.master], [], [], 0)
        return os.read(self.master, 4096) if ready else b""

    def _write(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self.master, data)

    def pull(self) -> None:
        self._pump.close()
        os.close(self.master)
        os.close(self._slave)


@pytest.mark.skipif(sys.platform == "win32" or not os.path.exists("/dev/ptmx"), reason="needs a pseudo terminal")
def test_a_serial_port_goes_away_and_comes_back(tmp_path: Path) -> None:
    port = tmp_path / "ttyBOARD"
    board = Terminal(port)
    connection = Connection(f"serial:{port}", reconnect=True, pauses_s=FAST)
    try:
        streams_on(connection)
        port.unlink()
        board.pull()
        until(lambda: connection.state == "reconnecting")
        until(lambda: connection.attempts >= 2)
        assert "there is no such port" in str(connection.trouble)
        board = Terminal(port)
        streams_on(connection)
        assert connection.stats["streams"]["accelerometer"]["joints"][0]["by"] == "host clock"
    finally:
        connection.close()
        board.pull()


class Server:
    """A board behind TCP."""

    def __init__(self, port: int = 0) -> None:
        self._door = socket.create_server(("127.0.0.1", port))
        self.port = self._door.getsockname()[1]
        self._pumps: list[tuple[Pump, socket.socket]] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                host, _ = self._door.accept()
                host.settimeout(5)
                self._pumps.append((Pump(OwnDevice(SLOW, TICKS), lambda h=host: self._read(h), host.sendall), host))

    @staticmethod
    def _read(host: socket.socket) -> bytes:
        ready, _, _ = select.select([host], [], [], 0)
        return host.recv(4096) if ready else b""

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._thread.join()
        for pump, host in self._pumps:
            pump.close()
            host.close()


@pytest.mark.skipif(sys.platform != "linux", reason="a listening socket is ended from another thread")
def test_a_server_restarts() -> None:
    server = Server()
    connection = Connection(f"socket://127.0.0.1:{server.port}?protocol=own", reconnect=True, pauses_s=FAST)
    try:
        streams_on(connection)
        server.close()
        until(lambda: connection.state == "reconnecting")
        until(lambda: connection.attempts >= 2)
        assert "nothing listens there" in str(connection.trouble)
        server = Server(server.port)
        streams_on(connection)
    finally:
        connection.close()
        server.close()


def test_a_board_that_comes_back_at_another_port(monkeypatch: pytest.MonkeyPatch) -> None:
    plug, opened = Plug(), list[str]()
    here = Port("COM4", "Board", 1, 2, "ABC123")
    there = [here, Port("COM9", "Other", 1, 2, "XYZ")]

    def open_link(url: str) -> object:
        opened.append(url)
        return plug.open_link(url)

    monkeypatch.setattr(live, "open_link", open_link)
    monkeypatch.setattr(links, "serial_ports", lambda: tuple(there))
    connection = Connection("COM4?baud=115200", reconnect=True, pauses_s=FAST)
    try:
        streams_on(connection)
        plug.plugged = False
        until(lambda: connection.state == "reconnecting")
        there[0] = replace(here, url="COM7")
        plug.plugged = True
        streams_on(connection)
        assert opened[0] == "COM4?baud=115200" and opened[-1] == "COM7?baud=115200"
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", CLIENTS)
def test_every_protocol_is_found_again(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its recording goes on behind a gap, and says who told its length."""
    stream = replace(radar_stream(1, 2, 20.0)) if name == "acconeer" else SLOW
    device = FreeRunning(STREAM, TICKS) if name == "own" else DEVICES[name](stream, TICKS[:, : len(stream.channels)])
    if name == "acconeer":
        device = DEVICES[name](stream, TICKS.repeat(2, 1)[:, : len(stream.channels)])
    plug = Plug(device)
    monkeypatch.setattr(live, "open_link", lambda url: plug.open_link(url))
    options = {"raw": "?protocol=raw&layout=2h&rate=100", "edge-impulse-at": "?batch=0.3"}.get(name, "")
    connection = Connection(f"cable:{options}", reconnect=True, pauses_s=FAST)
    try:
        streams_on(connection, 10)
        assert connection.protocol == name
        connection.start_recording(create(tmp_path / "p", "P"))
        streams_on(connection, 10)
        plug.plugged = False
        until(lambda: connection.state == "reconnecting")
        threading.Event().wait(0.5)
        plug.plugged = True
        streams_on(connection, 10)
        recording = connection.stop_recording()
    finally:
        connection.close()
    ((_, _, count, by),) = recording.device["joints"]
    assert count >= 0.4 * recording.streams[0].rate_hz and recording.gaps
    if CLIENTS[name].loss == Loss.NOTHING:
        assert by == "host clock"
