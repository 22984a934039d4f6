"""Bluetooth for real but for the radio: bleak's own BlueZ backend, a real ATT peer, and a daemon that can die."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from studio.app.live import Connection
from studio.data.project import create
from studio.data.recording import Recording
from studio.errors import LinkError
from studio.sources.air.air import Air, absent
from studio.sources.ports import ble_devices
from tests.data.board import until

pytestmark = pytest.mark.slow
URL = "ble:SB-F4F5"
#: 8 channels of two bytes at 5740 Hz in frames of 14 rows: 410 notifications of 244 bytes a second.
FULL = ("--rate", "5740", "--channels", "8")


@pytest.fixture
def air() -> Iterator[Callable[..., Air]]:
    """Airs that are cleared away when the test ends."""
    if why := absent():
        if os.environ.get("CI") and sys.platform.startswith("linux"):
            pytest.fail(f"Bluetooth cannot be tried: {why}; CI must not skip it.")
        pytest.skip(f"Bluetooth in software cannot run: {why}")
    made: list[Air] = []

    def up(*options: str) -> Air:
        made.append(Air(*options))
        return made[-1]

    yield up
    for each in made:
        each.close()


@pytest.fixture
def connected() -> Iterator[Callable[..., Connection]]:
    made: list[Connection] = []

    def up(reconnect: bool = True) -> Connection:
        made.append(Connection(URL, reconnect=reconnect, pauses_s=(0.05, 0.2)))
        return made[-1].wait()

    yield up
    for each in made:
        each.close()
        assert not each._thread.is_alive()


def received(connection: Connection) -> int:
    return sum(s["received"] for s in connection.stats["streams"].values())


def streams_on(connection: Connection, n: int) -> None:
    until(lambda: connection.state == "streaming", 60.0)
    before = received(connection)
    until(lambda: received(connection) >= before + n, 60.0)


def in_order(recording: Recording) -> np.ndarray:
    """Rows that are the next of the device's, among those that were measured."""
    raw = recording.raw("load").astype(np.int64)
    there = ~np.isnan(recording.values("load")).any(1)
    right = all((raw[there][:, c] == (raw[there][:, 0] * (2 * c + 1)) & 0x7FFF).all() for c in range(raw.shape[1]))
    assert right
    return (np.diff(raw[:, 0]) & 0x7FFF == 1)[there[:-1] & there[1:]]


def test_100_kb_s_in_order_without_loss(air, connected, tmp_path: Path) -> None:
    board, connection = air(*FULL), connected()
    connection.start_recording(create(tmp_path / "p", "P"))
    streams_on(connection, 5 * 5740)
    recording = connection.stop_recording()
    sent, untaken = board.sent()
    assert untaken == 0 and recording.gaps == {} and recording.n_samples["load"] >= 5 * 5740
    assert in_order(recording).all() and connection.stats["bad_packets"] == 0
    assert connection.stats["streams"]["load"]["lost"] == 0
    assert sent >= 5 * 90_000


def test_a_drop_is_a_gap_and_the_board_is_found_again(air, connected, tmp_path: Path) -> None:
    board, connection = air("--rate", "1000"), connected()
    streams_on(connection, 500)
    connection.start_recording(create(tmp_path / "p", "P"))
    streams_on(connection, 500)
    board.tell("drop")
    until(lambda: connection.state == "reconnecting")
    assert "disconnected" in str(connection.trouble)
    streams_on(connection, 500)
    recording = connection.stop_recording()
    assert recording.device["joints"][0][3] in ("device count", "device clock")
    assert recording.gaps["load"] and recording.n_samples["load"] >= 1000
    until(lambda: connection.attempts == 0)
    again = in_order(recording)
    assert (~again).sum() <= 1  # START lets its count, not its samples, begin anew


def test_the_daemon_dies_and_comes_back(air, connected, tmp_path: Path) -> None:
    board, connection = air("--rate", "1000"), connected()
    streams_on(connection, 500)
    connection.start_recording(create(tmp_path / "p", "P"))
    streams_on(connection, 500)
    board.kill_daemon()
    assert connection._link._client.is_connected  # bleak does not notice: only the missing data tells
    states: set[str] = set()
    until(lambda: states.add(connection.state) or "reconnecting" in states)
    assert "stalled" in states
    until(lambda: connection.attempts >= 2, 60.0)
    board.start()
    streams_on(connection, 500)
    recording = connection.stop_recording()
    assert recording.device["joints"][0][3] == "host clock" and recording.n_samples["load"] >= 2000


def test_the_bus_dies_and_comes_back(air, connected) -> None:
    board, connection = air("--rate", "1000"), connected()
    streams_on(connection, 500)
    board.kill_bus()
    until(lambda: connection.state == "reconnecting")
    board.start()
    streams_on(connection, 500)


def test_without_reconnecting_a_drop_ends_it(air, connected) -> None:
    board, connection = air("--rate", "1000"), connected(reconnect=False)
    streams_on(connection, 100)
    board.tell("drop")
    until(lambda: connection.state == "lost")
    assert isinstance(connection.error, LinkError)


@pytest.mark.parametrize("protocol", ["nordic", "sensiml-v1", "sensiml-v2", "edge-impulse"])
def test_boards_with_somebody_elses_firmware(air, connected, protocol: str) -> None:
    air("--rate", "100", "--protocol", protocol)
    connection = connected()
    assert connection.protocol == protocol
    streams_on(connection, 200)
    assert connection.stats["bad_packets"] == 0 and sum(s["lost"] for s in connection.stats["streams"].values()) == 0


def test_a_scan_finds_it_and_says_when_bluetooth_is_off(air) -> None:
    board = air()
    (found,) = ble_devices(0.5)
    assert (found.url, found.title) == ("ble:F0:F1:F2:F3:F4:F5", "SB-F4F5")
    board.tell("off")
    with pytest.raises(LinkError, match="Switch Bluetooth on"):
        until(lambda: not ble_devices(0.2))
