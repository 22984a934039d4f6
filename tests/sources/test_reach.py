"""Ways to a device besides the plain ones: Acconeer's two, boards that announce themselves, a port's other speeds."""

import socket
import struct
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from studio.sources import open_link
from studio.sources.link import SerialLink
from studio.sources.ports import announced, parse_announcement
from studio.sources.url import parse

MAGIC = b"TSPA2501"


def datagram(port: int = 5000, name: bytes = b"kit") -> bytes:
    return struct.pack("<8s4I4I16sHI64s", MAGIC, 2, 0, 0, 0, 1, 2, 3, 4, bytes(range(16)), port, 0x0100007F, name)


def test_an_announcement() -> None:
    found = parse_announcement(datagram() + b"more", "10.0.0.7")
    assert found and found.url == "socket://10.0.0.7:5000?protocol=tensor-streaming" and found.title == "kit"
    assert found.serial == bytes(range(16)).hex()
    assert parse_announcement(datagram()[:-1], "h") is None and parse_announcement(datagram(0), "h") is None
    assert parse_announcement(b"x" * 200, "h") is None


def test_boards_that_call_out_are_found() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    stop = threading.Event()

    def call() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            while not stop.wait(0.02):
                out.sendto(b"noise", ("127.0.0.1", port))
                out.sendto(datagram(), ("127.0.0.1", port))

    caller = threading.Thread(target=call)
    caller.start()
    found = announced(0.3, port)
    stop.set()
    caller.join()
    assert [p.url for p in found] == ["socket://127.0.0.1:5000?protocol=tensor-streaming"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", 0))
        assert announced(0.05, taken.getsockname()[1]) == ()


class FakePort:
    """A pyserial port that remembers."""

    def __init__(self, place: str, baud: int, **more: Any) -> None:
        self.place, self.baudrate, self.more, self.did = place, baud, more, list[str]()
        FakePort.last = self

    last: "FakePort"

    def send_break(self) -> None:
        self.did.append("break")

    def reset_input_buffer(self) -> None:
        self.did.append("reset")

    def close(self) -> None: ...


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    import serial

    monkeypatch.setattr(serial, "Serial", FakePort)
    monkeypatch.setattr(
        "studio.sources.link.time", SimpleNamespace(sleep=lambda s: FakePort.last.did.append(f"{s:g} s"))
    )


@pytest.mark.parametrize("place", ["/dev/ttyUSB1", "COM7"])
def test_acconeer_on_a_port_begins_with_a_break(fake: None, place: str) -> None:
    open_link(f"acconeer:{place}")
    port = FakePort.last
    assert (port.place, port.baudrate, port.more["rtscts"]) == (place, 115200, True)
    assert port.did == ["break", "1 s", "reset"]


def test_acconeer_by_name_is_tcp(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(place: tuple[str, int], timeout: float) -> Any:
        asked.append(place)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", refuse)
    for url in ("acconeer:radar.local", "acconeer:10.0.0.3:7000"):
        with pytest.raises(Exception, match="nothing listens"):
            open_link(url)
    assert asked == [("radar.local", 6110), ("10.0.0.3", 7000)]


def test_another_speed(fake: None) -> None:
    link = SerialLink(parse("/dev/ttyACM0", ("serial",)))
    port = FakePort.last
    assert port.baudrate == 921600 and port.more["rtscts"] is False
    link.set_baud(921600)
    assert port.did == []
    link.set_baud(115200)
    assert port.baudrate == 115200 and port.did == ["reset"]
