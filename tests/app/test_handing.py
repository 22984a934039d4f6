"""A board on its own USB takes its port with it whenever it restarts."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from studio.app import handing
from studio.data.talk import Talk
from studio.data.wire import Hello, Packet, Type, encode
from studio.errors import LinkError
from studio.sources.ports import Port

PORT = Port("/dev/ttyACM3", "board", 0x1209, 3, "xiao", "1-2")


class Board:
    """Answers HELLO at `place`, gone when `there` is False."""

    def __init__(self) -> None:
        self.there, self.place, self.opened, self.waiting = True, PORT.url, 0, b""

    def ports(self) -> tuple[Port, ...]:
        return (Port(self.place, "board", 0x1209, 3, "xiao", "1-2"),) if self.there else ()

    def open(self, url: str) -> "Line":
        if not self.there or url != self.place:
            raise LinkError(url, "no such port", "Plug it in.")
        self.opened += 1
        return Line(self)


class Line:
    def __init__(self, board: Board) -> None:
        self.url, self._board, self._number = board.place, board, board.opened

    def _alive(self) -> None:
        if not self._board.there or self._number != self._board.opened:
            raise LinkError(self.url, "the device is gone", "Plug it in.")

    def read(self) -> bytes:
        self._alive()
        out, self._board.waiting = self._board.waiting, b""
        return out

    def write(self, data: bytes) -> None:
        self._alive()
        hello = Hello("xiao", "app", bytes(16), 64_000_000, 1024, (), None, "1")
        self._board.waiting += encode(Packet(Type.HELLO, payload=hello.encode()))

    def close(self) -> None:
        pass


@contextmanager
def board_at(monkeypatch: pytest.MonkeyPatch, url: str = PORT.url) -> Iterator[tuple[Board, handing.HandedLink]]:
    board = Board()
    monkeypatch.setattr(handing, "open_link", board.open)
    monkeypatch.setattr(handing, "serial_ports", board.ports)
    monkeypatch.setattr(handing, "port_of", lambda u: next((p for p in board.ports() if p.url == u), None))
    monkeypatch.setattr(handing, "LOOK_S", 0.01)
    monkeypatch.setattr(handing, "BACK_S", 0.2)
    monkeypatch.setattr(handing, "moved", lambda u, before: u)
    link = handing.HandedLink(url)
    try:
        yield board, link
    finally:
        link.close()


def test_a_restart_is_survived_also_under_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with board_at(monkeypatch) as (board, link):
        talk = Talk(link)
        assert talk.hello(2.0).board == "xiao"
        board.opened += 1  # the line that is open is dead
        assert talk.hello(2.0).board == "xiao"
        board.place = "/dev/ttyACM4"
        board.opened += 1
        assert talk.hello(2.0).board == "xiao"


def test_a_port_that_stays_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with board_at(monkeypatch) as (board, link):
        board.there = False
        with pytest.raises(LinkError, match="did not come back"):
            link.read()


def test_what_is_no_usb_port_breaks_as_it_always_did(monkeypatch: pytest.MonkeyPatch) -> None:
    with board_at(monkeypatch) as (board, link):
        link._port = None
        board.there = False
        with pytest.raises(LinkError, match="is gone"):
            link.write(b"x")
