"""Serial ports (a pty), TCP and RFC 2217: bytes through, and every way to be gone has its words."""

import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from studio.data.talk import Talk
from studio.data.wire import Decoder, Packet, Type, Verb, encode, unpack
from studio.errors import InputError, LinkError
from studio.sources import open_link
from tests.data.board import HELLO, reply


def has_terminals() -> bool:
    """Whether this system gives out pseudo-terminals: Windows does not, nor does a chroot without /dev/pts."""
    try:
        ends = os.openpty()
    except (AttributeError, OSError):
        return False
    for end in ends:
        os.close(end)
    return True


posix = pytest.mark.skipif(not has_terminals(), reason="needs pseudo-terminals (/dev/pts)")


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def url_of(server: socket.socket) -> str:
    return f"socket://127.0.0.1:{server.getsockname()[1]}"


def read_until(link, n: int) -> bytes:
    found = b""
    while len(found) < n:
        found += link.read()
    return found


def serve(read, write) -> None:
    """A board on file functions, until it is cut."""
    decoder = Decoder()
    try:
        while data := read():
            for packet in decoder.feed(data):
                hello = packet.type == Type.HELLO
                write(encode(Packet(Type.HELLO, payload=HELLO.encode()) if hello else reply(packet.seq, "done")))
    except OSError:
        pass


def test_tcp(server: socket.socket) -> None:
    link = open_link(url_of(server))
    peer, _ = server.accept()
    sent = os.urandom(300_000)
    link.write(sent[:1000])
    assert peer.recv(1000, socket.MSG_WAITALL) == sent[:1000]
    threading.Thread(target=peer.sendall, args=(sent,)).start()
    assert read_until(link, len(sent)) == sent
    assert link.read() == b""
    peer.close()
    with pytest.raises(LinkError, match="closed the connection"):
        link.read()
    link.close()
    link.close()
    with pytest.raises(LinkError, match="went away"):
        link.write(b"x")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_what_waits_to_be_read_is_told(server: socket.socket) -> None:
    link = open_link(url_of(server))
    peer, _ = server.accept()
    assert link.waiting == 0  # type: ignore[attr-defined]
    peer.sendall(bytes(1234))
    deadline = time.monotonic() + 10
    while link.waiting < 1234 and time.monotonic() < deadline:  # type: ignore[attr-defined]
        time.sleep(0.01)
    assert link.waiting == 1234  # type: ignore[attr-defined]
    read_until(link, 1234)
    assert link.waiting == 0  # type: ignore[attr-defined]
    peer.close()
    link.close()
    assert link.waiting is None  # type: ignore[attr-defined]


def test_tcp_peer_that_does_not_read(server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.sources.link.WRITE_TIMEOUT_S", 0.1)
    link = open_link(url_of(server))
    with pytest.raises(LinkError, match="took no bytes"):
        for _ in range(1000):
            link.write(bytes(1_000_000))
    link.close()


def test_nothing_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = url_of(free)
    with pytest.raises(LinkError, match=f"{url}: nothing listens there. Start the board"):
        open_link(url)
    with pytest.raises(LinkError, match="no host of that name"):
        open_link("socket://no-such-host.invalid:1")


def test_a_board_over_tcp(server: socket.socket) -> None:
    link = open_link(url_of(server))
    peer, _ = server.accept()
    threading.Thread(target=serve, args=(lambda: peer.recv(4096), peer.sendall), daemon=True).start()
    talk = Talk(link)
    assert talk.hello() == HELLO and talk.request(Verb.PING) == "done"
    talk.close()


@posix
def test_serial() -> None:
    ours, theirs = os.openpty()
    link = open_link(os.ttyname(theirs))
    threading.Thread(target=serve, args=(lambda: os.read(ours, 4096), lambda b: os.write(ours, b)), daemon=True).start()
    talk = Talk(link)
    assert talk.hello() == HELLO and talk.request(Verb.PING) == "done"
    assert link.read() == b""
    with pytest.raises(LinkError, match=r"another program uses the port. Close it"):
        open_link(f"serial:{os.ttyname(theirs)}?baud=115200")
    link.close()
    open_link(os.ttyname(theirs)).close()
    os.close(theirs)


@posix
def test_a_pulled_cable() -> None:
    ours, theirs = os.openpty()
    link = open_link(os.ttyname(theirs))
    os.close(theirs)
    threading.Timer(0.05, os.close, (ours,)).start()
    with pytest.raises(LinkError, match="the device went away"):
        for _ in range(100):
            link.read()
    with pytest.raises(LinkError):
        link.write(b"x")
    link.close()


@posix
def test_a_missing_port() -> None:
    with pytest.raises(LinkError, match=r"/dev/ttyNONE7: there is no such port. Plug the board in. ") as caught:
        open_link("/dev/ttyNONE7")
    assert caught.value.exit_code == 1 and "onnected now" in caught.value.next_step


@posix
def test_a_port_that_one_may_not_open(monkeypatch: pytest.MonkeyPatch) -> None:
    import serial

    def denied(*args: object, **options: object) -> None:
        raise serial.SerialException(13, "could not open port /dev/ttyACM0: [Errno 13] Permission denied")

    monkeypatch.setattr(serial, "Serial", denied)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(LinkError, match=r"you may not open the port. Run `sudo usermod -aG \w+ \$USER`"):
        open_link("/dev/ttyACM0")
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(LinkError, match="system's settings"):
        open_link("/dev/cu.usbmodem1")
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(LinkError, match="another program uses the port"):
        open_link("COM7")


def test_bad_options() -> None:
    with pytest.raises(InputError, match="baud is 'quick'"):
        open_link("COM7?baud=quick")


def test_rfc2217_server_that_is_none(server: socket.socket) -> None:
    url = f"rfc2217://127.0.0.1:{server.getsockname()[1]}"
    server.close()
    with pytest.raises(LinkError, match=r"Check the address and that the RFC 2217 server runs"):
        open_link(url)


def test_ports_with_usb_numbers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from serial.tools import list_ports, list_ports_common

    from studio.sources.ports import Port, serial_ports

    built_in, board = list_ports_common.ListPortInfo("/dev/ttyS0"), list_ports_common.ListPortInfo("/dev/ttyACM0")
    board.vid, board.pid, board.serial_number, board.description = 0x0483, 0x374B, "066B", "STM32 STLink"
    monkeypatch.setattr(list_ports, "comports", lambda: [built_in, board])
    assert serial_ports() == (Port("/dev/ttyACM0", "STM32 STLink", 0x0483, 0x374B, "066B"),)


def test_a_board_behind_rfc2217(server: socket.socket) -> None:
    """pyserial's own server speaks the other end; every byte value must pass, 255 is the protocol's escape."""
    import serial
    from serial.rfc2217 import PortManager

    port, decoder = serial.serial_for_url("loop://"), Decoder()

    def run() -> None:
        peer, _ = server.accept()
        guard = PortManager(port, SimpleNamespace(write=peer.sendall))
        while data := peer.recv(4096):
            for packet in decoder.feed(b"".join(guard.filter(data))):
                hello = packet.type == Type.HELLO
                answer = Packet(Type.HELLO, payload=HELLO.encode()) if hello else reply(packet.seq, echo(packet))
                peer.sendall(b"".join(guard.escape(encode(answer))))

    def echo(packet: Packet) -> bytes:
        return unpack(packet.payload)[1]

    threading.Thread(target=run, daemon=True).start()
    talk = Talk(open_link(f"rfc2217://127.0.0.1:{server.getsockname()[1]}?baud=115200"))
    assert talk.hello() == HELLO and port.baudrate == 115200
    for _ in range(3):
        assert talk.request(Verb.PING, {1: bytes(range(256))}) == bytes(range(256))
    talk.close()
