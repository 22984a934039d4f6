"""The device in hand: opened and closed without waiting, found again when it was lost."""

import threading

import pytest

from studio.errors import LinkError
from studio.ui import device as devices
from studio.ui.device import RETRIES, STATES, Device
from tests.ui.fakes import FakeBoard, FakeConnection


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(devices.time, "monotonic", lambda: now[0])
    return now


def settle(device: Device) -> None:
    """Wait for closing threads, then beat."""
    device._closing.join() if device._closing.ident else None
    device.tick()


def test_the_states_a_person_sees(board: FakeBoard, clock: list[float]) -> None:
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


def test_a_wrong_address_is_tried_once(board: FakeBoard, clock: list[float]) -> None:
    board.fails = LinkError("COM99", "does not exist", "Choose another port.")
    device = Device(board.connect)
    device.connect("COM99")
    for _ in range(5):
        device.tick()
        clock[0] += 10
    assert device.state == "lost" and device.error is board.fails and len(board.connections) == 1


def test_a_device_that_streamed_is_looked_for_and_found(board: FakeBoard, clock: list[float]) -> None:
    device = Device(board.connect)
    device.connect("COM7")
    device.tick()
    board.last.stream()
    device.tick()
    board.last.lose()
    device.tick()
    assert device.state == "reconnecting" and len(board.connections) == 1
    clock[0] += 3
    device.tick()
    settle(device)
    assert len(board.connections) == 2 and device.state == "reconnecting"
    board.last.stream()
    device.tick()
    assert device.state == "streaming" and board.connections[0].closed


def test_looking_ends(board: FakeBoard, clock: list[float]) -> None:
    device = Device(board.connect)
    device.connect("COM7")
    device.tick()
    board.last.stream()
    device.tick()
    board.last.lose()
    board.fails = LinkError("COM7", "is gone", "Plug it in.")
    for _ in range(10 * RETRIES):
        clock[0] += 3
        settle(device)
    assert device.state == "lost" and RETRIES - 1 <= len(board.connections) - 1 <= RETRIES
    assert device.error is board.fails


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
