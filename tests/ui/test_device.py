"""The device in hand: opened and closed without waiting, found again when it was lost."""

import threading

import pytest

from studio.errors import LinkError
from studio.ui import device as devices
from studio.ui.device import STATES, Device
from tests.ui.fakes import FakeBoard, FakeConnection


def settle(device: Device) -> None:
    """Wait for closing threads, then beat."""
    device._closing.join() if device._closing.ident else None
    device.tick()


def test_the_states_a_person_sees(board: FakeBoard) -> None:
    device = Device(board.connect)
    assert (device.state, device.title, device.streaming) == ("idle", "", False)
    device.connect("virtual:host")
    assert device.state == "opening" and not board.connections
    device.tick()
    assert board.last.url == "virtual:host" and device.title == "virtual:host"
    for state in ("identifying", "stalled", "streaming"):
        board.last.state = state
        device.tick()
        assert device.state == state and device.state in STATES
    board.last.stream()
    assert device.title == "This computer" and device.streaming
    device.disconnect()
    settle(device)
    assert device.state == "idle" and board.last.closed


def test_a_wrong_address_is_tried_once(board: FakeBoard) -> None:
    board.fails = LinkError("COM99", "does not exist", "Choose another port.")
    device = Device(board.connect)
    device.connect("COM99")
    for _ in range(5):
        device.tick()
    assert device.state == "lost" and device.error is board.fails and len(board.connections) == 1


def test_a_device_that_is_looked_for_says_why_and_keeps_its_connection(board: FakeBoard) -> None:
    device = Device(board.connect)
    device.connect("COM7")
    device.tick()
    board.last.stream()
    board.last.lose()
    device.tick()
    assert device.state == "reconnecting" and device.error is board.last.trouble and not device.streaming
    board.last.stream()
    device.tick()
    assert device.state == "streaming" and len(board.connections) == 1
    board.last.give_up()
    device.tick()
    assert device.state == "lost" and device.error is board.last.error and len(board.connections) == 1


def test_a_real_connection_is_asked_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(devices, "Connection", lambda url, **options: asked.append({"url": url} | options))
    device = Device()
    device.connect("COM7")
    device.tick()
    assert asked == [{"url": "COM7", "reconnect": True}]


def test_a_new_connection_waits_until_the_old_one_is_closed(board: FakeBoard) -> None:
    device, gate = Device(board.connect), threading.Event()
    device.connect("virtual:host")
    device.tick()

    def slow_close(connection: FakeConnection = board.last) -> None:
        gate.wait(5)
        connection.closed = True

    board.last.close = slow_close  # type: ignore[method-assign]
    device.connect("virtual:host?seed=2")
    device.tick()
    assert len(board.connections) == 1 and device.state == "opening"
    gate.set()
    settle(device)
    assert board.connections[0].closed and board.last.url == "virtual:host?seed=2"


def test_a_lent_device_frees_its_port_and_comes_back(board: FakeBoard) -> None:
    device = Device(board.connect)
    device.connect("COM7")
    device.tick()
    device.lend("Lent to Deploy")
    settle(device)
    assert device.released and device.words == "Lent to Deploy" and len(board.connections) == 1
    device.take_back()
    settle(device)
    assert len(board.connections) == 2 and device.words == "Opening"
