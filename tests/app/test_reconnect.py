"""A cable that is pulled: at every stage, and while it records. What was missed is a gap, told by who knows it."""

import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.app import live
from studio.app.actions.check import joint_findings
from studio.app.actions.record import result
from studio.app.live import AnotherBoard, Connection
from studio.data.project import Project, create
from studio.data.raw import StreamFile
from studio.data.recording import Recording, load
from studio.data.wire import BootArea, Hello, Packet, Verb, unpack
from studio.errors import DataError, LinkError, ParamError, StudioError
from studio.sources import acquire, open_link
from studio.sources.devices.nordic import NordicDevice
from studio.sources.devices.plain import NumbersDevice
from studio.sources.devices.sensiml import SensimlV2Device
from tests.app.cable import RATE_HZ, STREAM, TICKS, FreeRunning, Plug
from tests.data.board import until

FAST = (0.01, 0.02)


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    found = Plug()
    opened = live.open_link
    monkeypatch.setattr(live, "open_link", lambda url: (found.open_link if url == "cable:" else opened)(url))
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return create(tmp_path / "p", "P")


@pytest.fixture
def connect() -> Iterator[object]:
    """Connections that are closed when the test ends, and leave no thread."""
    made: list[Connection] = []

    def opened(**options: object) -> Connection:
        made.append(Connection("cable:", pauses_s=FAST, **options))  # type: ignore[arg-type]
        return made[-1]

    yield opened
    for connection in made:
        connection.close()
        assert connection.state == "closed" and not connection._thread.is_alive()


def received(connection: Connection) -> int:
    return sum(s["received"] for s in connection.stats["streams"].values())


def streams_on(connection: Connection, n: int = 100) -> None:
    """Until it streams, and `n` more samples came."""
    until(lambda: connection.state == "streaming")
    before = received(connection)
    until(lambda: received(connection) >= before + n)


def pulled(plug: Plug, connection: Connection, seconds: float = 0.3) -> None:
    """Out for a while."""
    plug.plugged = False
    until(lambda: connection.state == "reconnecting")
    threading.Event().wait(seconds)
    plug.plugged = True
    streams_on(connection)


def recorded(project: Project, connection: Connection, plug: Plug) -> Recording:
    """A recording with the cable pulled in its midst."""
    streams_on(connection)
    connection.start_recording(project)
    streams_on(connection)
    pulled(plug, connection)
    return connection.stop_recording()


def check_places(recording: Recording, slack: int = 0) -> None:
    """Every sample lies where its own tick says, and one gap of some length is between."""
    raw, gaps = recording.raw(STREAM.name), recording.gaps[STREAM.name]
    ((start, count),) = gaps
    there = np.ones(len(raw), bool)
    there[start : start + count] = False
    ticks = (raw[:, 0].astype(int) - int(raw[0, 0])) % (1 << 15)
    off = (ticks - np.arange(len(raw)))[there]
    assert not off[:start].any() and np.abs(off[start:]).max() <= slack
    assert count >= 0.25 * RATE_HZ
    assert np.isnan(recording.values(STREAM.name)[~there]).all()


def test_the_device_clock_tells_the_loss_to_the_sample(plug: Plug, project: Project, connect) -> None:
    connection = connect(reconnect=True)
    recording = recorded(project, connection, plug)
    check_places(recording)
    ((name, index, count, by),) = recording.device["joints"]
    assert (name, by) == (STREAM.name, "device clock") and recording.gaps[name] == ((index - count, count),)
    assert plug.opened == 2 and connection.error is None and connection.trouble is None and connection.attempts == 0
    stats = connection.stats["streams"][STREAM.name]
    assert stats["lost"] == count and stats["joints"][0]["count"] == count and stats["restarts"] == 1
    (finding,) = joint_findings(recording)
    assert finding["severity"] == "note" and "found again once" in finding["text"]
    assert result(recording, connection.stats)["loss_known"]
    assert connection.rings[STREAM.name].end > index  # the views go on as well


def test_the_device_count_tells_it_where_it_runs_on(plug: Plug, project: Project, connect) -> None:
    plug.device = NordicDevice(STREAM, TICKS)
    plug.device.begin(0.0)
    connection = connect(reconnect=True)
    streams_on(connection)
    connection.start_recording(project)
    streams_on(connection)
    pulled(plug, connection)
    recording = connection.stop_recording()
    ((name, index, count, by),) = recording.device["joints"]
    assert by == "device count" and count >= 0.25 * RATE_HZ and recording.gaps[name] == ((index - count, count),)
    values = recording.values(name)[:, 0] / STREAM.scale
    ticks = (values - values[0]) % (1 << 15)
    there = ~np.isnan(ticks)
    assert np.abs(ticks - np.arange(len(ticks)))[there].max() < 0.5


def test_a_device_that_was_off_leaves_it_to_this_computer(plug: Plug, project: Project, connect) -> None:
    connection = connect(reconnect=True)
    streams_on(connection)
    connection.start_recording(project)
    streams_on(connection)
    plug.plugged = False
    until(lambda: connection.state == "reconnecting")
    threading.Event().wait(0.3)
    plug.restart(FreeRunning(STREAM, TICKS))
    plug.plugged = True
    streams_on(connection)
    recording = connection.stop_recording()
    ((_, _, count, by),) = recording.device["joints"]
    assert by == "host clock" and count >= 0.25 * RATE_HZ  # about right, and it says so
    assert recording.gaps[STREAM.name][0][1] == count
    (finding,) = joint_findings(recording)
    assert finding["severity"] == "warning" and "told by this computer's clock once" in finding["text"]
    assert not result(recording, connection.stats)["loss_known"]
    assert load(recording.path).device["joints"] == recording.device["joints"]


def test_a_protocol_that_knows_nothing_still_gets_a_gap(plug: Plug, project: Project, connect) -> None:
    plug.restart(SensimlV2Device(STREAM, TICKS))
    recording = recorded(project, connect(reconnect=True), plug)
    ((_, _, count, by),) = recording.device["joints"]
    assert by == "host clock" and count >= 0.25 * RATE_HZ


def test_the_note_is_there_before_the_recording_is_closed(plug: Plug, project: Project, connect) -> None:
    connection = connect(reconnect=True)
    streams_on(connection)
    connection.start_recording(project)
    streams_on(connection)
    pulled(plug, connection)
    (path,) = project.recordings_path.iterdir()
    assert load(path).device["joints"][0][3] == "device clock"  # as after kill -9
    assert load(path).gaps[STREAM.name][0][1] == load(path).device["joints"][0][2]


@pytest.mark.parametrize("stage", ["opening", "identifying", "ready", "streaming"])
def test_pulled_at_every_stage_without_reconnecting(plug: Plug, connect, stage: str) -> None:
    if stage == "opening":
        plug.plugged = False
    if stage == "identifying":
        plug.mute = True
    connection = connect(start=stage == "streaming")
    if stage == "identifying":
        until(lambda: connection.state == "identifying")
    elif stage != "opening":
        until(lambda: connection.state == stage)
    plug.plugged = False
    until(lambda: connection.state == "lost")
    assert isinstance(connection.error, LinkError)
    until(lambda: not connection._opened.is_set() or plug.open_now == 0)
    with pytest.raises(StudioError):
        connection.wait()


def test_what_was_never_reached_is_not_looked_for(plug: Plug, connect) -> None:
    plug.plugged = False
    connection = connect(reconnect=True)
    until(lambda: connection.state == "lost")
    assert connection.attempts == 0 and "no such port" in str(connection.error)


def test_pulled_again_while_it_is_found_again(plug: Plug, connect, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = connect(reconnect=True)
    streams_on(connection)
    hear, bad = plug.device.hear, [3]

    def breaks(data: bytes, now_s: float) -> None:
        bad[0] -= 1
        plug.plugged = bad[0] < 0
        hear(data, now_s)

    monkeypatch.setattr(plug.device, "hear", breaks)
    plug.on_open = lambda: setattr(plug, "plugged", True)
    plug.plugged = False
    until(lambda: bad[0] == 0)
    assert connection.error is None and connection.state == "reconnecting"
    streams_on(connection)
    assert plug.opened == 5 and plug.open_now == 1 and connection.attempts == 0


def test_a_replay_that_is_over_is_over(plug: Plug, project: Project, connect) -> None:
    connection = connect()
    streams_on(connection)
    connection.start_recording(project)
    streams_on(connection)
    recording = connection.stop_recording()
    replay = Connection(f"replay:{recording.path}?speed=0", reconnect=True)
    try:
        until(lambda: replay.state == "lost")
        assert replay.attempts == 0 and received(replay) == recording.n_samples[STREAM.name]
    finally:
        replay.close()


def test_closed_while_it_is_looked_for(plug: Plug, connect) -> None:
    connection = connect(reconnect=True)
    streams_on(connection)
    plug.plugged = False
    until(lambda: connection.state == "reconnecting")
    connection.close()
    assert connection.state == "closed" and plug.open_now == 0


def test_closed_while_it_opens(plug: Plug, connect) -> None:
    going, go = threading.Event(), threading.Event()

    def slow() -> None:
        going.set()
        go.wait(10)

    plug.on_open = slow
    connection = connect(reconnect=True)
    going.wait(10)
    assert connection.state == "opening"
    threading.Timer(0.05, go.set).start()
    connection.close()
    until(lambda: plug.open_now == 0)
    assert connection.state == "closed"


def test_another_board_is_not_taken_for_the_lost_one(plug: Plug, project: Project, connect) -> None:
    connection = connect(reconnect=True)
    streams_on(connection)
    connection.start_recording(project)
    streams_on(connection)
    plug.plugged = False
    until(lambda: connection.state == "reconnecting")
    plug.restart(FreeRunning(replace(STREAM, channels=("a", "b")), TICKS))
    plug.plugged = True
    until(lambda: connection.state == "lost")
    assert isinstance(connection.error, AnotherBoard)
    assert connection.stop_recording().n_samples[STREAM.name] >= 100


def test_it_gives_up_when_nothing_is_recorded(plug: Plug, connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GIVE_UP_S", 0.1)
    connection = connect(reconnect=True)
    streams_on(connection)
    plug.plugged = False
    until(lambda: connection.state == "lost")
    assert connection.attempts >= 1 and connection.error is not None


def test_stalled_and_streaming_again(plug: Plug, connect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acquire, "WATCHDOG_S", 0.1)
    connection = connect()
    streams_on(connection)
    plug.mute = True
    until(lambda: connection.state == "stalled")
    plug.mute = False
    until(lambda: connection.state == "streaming")
    assert plug.opened == 1


def test_a_link_that_is_open_but_dead_is_opened_anew(plug: Plug, connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bluetooth stays connected when its daemon dies: only the silence tells."""
    monkeypatch.setattr(acquire, "WATCHDOG_S", 0.05)
    connection = connect(reconnect=True, dead_s=0.2)
    streams_on(connection)
    plug.mute = True
    states: set[str] = set()
    until(lambda: states.add(connection.state) or "reconnecting" in states)  # type: ignore[func-returns-value]
    assert "stalled" in states and "nothing came for" in str(connection.trouble)
    plug.mute = False
    streams_on(connection)
    assert plug.opened >= 2


def test_a_lost_start_is_said_again(plug: Plug, connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is lost while opening is asked for again."""
    hear, deaf = plug.device.hear, [2]

    def hard_of_hearing(data: bytes, now_s: float) -> None:
        if b"\0" in data and plug.device.streaming is False and deaf[0] and len(plug.heard) > 1:
            deaf[0] -= 1
            return
        hear(data, now_s)

    monkeypatch.setattr(plug.device, "hear", hard_of_hearing)
    connection = connect()
    streams_on(connection)
    assert deaf[0] == 0


class Sleeper(FreeRunning):
    """A board that waits in its boot loader until it is told to run."""

    image, wakes, mode = 1, True, "boot"

    def _hello(self) -> Hello:
        area = BootArea(0, 4096, 1024, self.image)
        return replace(super()._hello(), mode=self.mode, boot=area if self.mode == "boot" else None)

    def _command(self, packet: Packet, now_s: float) -> None:
        if unpack(packet.payload).get(0) == Verb.RUN and self.wakes:
            self.mode = "app"
        super()._command(packet, now_s)


def test_a_board_that_waits_in_its_boot_loader_is_woken(plug: Plug, connect) -> None:
    plug.restart(Sleeper(STREAM, TICKS))
    streams_on(connect())


@pytest.mark.parametrize(("image", "said"), [(1, "does not start"), (0, "has no firmware"), (2, "has no firmware")])
def test_a_board_without_firmware_says_so(plug: Plug, connect, monkeypatch, image: int, said: str) -> None:
    monkeypatch.setattr(live, "BOOT_S", 0.1)
    sleeper = Sleeper(STREAM, TICKS)
    sleeper.image, sleeper.wakes = image, False
    plug.restart(sleeper)
    with pytest.raises(LinkError, match=said):
        connect().wait()


def test_a_full_disk_and_a_pulled_cable(plug: Plug, project: Project, connect, monkeypatch) -> None:
    """The recording ends with its reason; the device is found again for the view, and nothing more is written."""
    connection = connect(reconnect=True)
    streams_on(connection)
    connection.start_recording(project)
    streams_on(connection)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StreamFile, "append", full)
    until(lambda: connection.recording_error is not None)
    monkeypatch.undo()
    monkeypatch.setattr(live, "open_link", lambda url: plug.open_link(url))
    pulled(plug, connection, 0.1)
    recording = connection.stop_recording()
    assert isinstance(connection.recording_error, DataError) and recording.n_samples[STREAM.name] >= 100
    assert recording.gaps == {} and "joints" not in recording.device
    check = recording.raw(STREAM.name)[:, 0].astype(int)
    assert (np.diff(check) % (1 << 15) == 1).all()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
def test_killed_after_a_reconnection(own_home: Path, project: Project) -> None:
    """kill -9 with losses behind it: the recording opens, with its gaps and who told them."""
    url = "virtual:host?fault=cut:1.0"
    words = ["record", str(project.path), "--from", url, "--seconds", "60", "--reconnect"]
    recorder = subprocess.Popen([sys.executable, "-m", "studio", *words], stderr=subprocess.DEVNULL)
    try:
        until(lambda: any(_joints(p) >= 4 for p in project.recordings_path.glob("*/recording.json")), 60.0)
    finally:
        recorder.kill()
        recorder.wait()
    (recording,) = (load(p.parent) for p in project.recordings_path.glob("*/recording.json"))
    for name in ("accelerometer", "microphone"):
        joints = [j for j in recording.device["joints"] if j[0] == name]
        assert [(i - n, n) for _, i, n, _ in joints] == list(recording.gaps[name])[: len(joints)] and len(joints) >= 1
        assert np.isnan(recording.values(name)[joints[0][1] - 1]).all()
        assert not np.isnan(recording.values(name)[joints[0][1]]).any()


def _joints(path: Path) -> int:
    return len(json.loads(path.read_text())["device"].get("joints", []))


def test_numbers_whose_rate_was_measured_are_the_same_board(plug: Plug, connect) -> None:
    plug.restart(NumbersDevice(STREAM, TICKS))
    connection = connect(reconnect=True)
    streams_on(connection)
    pulled(plug, connection, 0.1)
    assert connection.error is None


def test_an_option_is_set_while_it_streams(connect, project: Project) -> None:
    connection = Connection("virtual:host?protocol=tensor-streaming")
    try:
        streams_on(connection, 20)
        assert connection.options.mode == "normal" and connection.hello.streams[0].stream.rate_hz == 100
        with pytest.raises(ParamError):
            connection.set_option("mode", "slow")
        connection.start_recording(project)
        with pytest.raises(LinkError, match="Stop the recording"):
            connection.set_option("mode", "fast")
        connection.stop_recording()
        connection.set_option("mode", "fast")
        until(lambda: connection.hello.streams[0].stream.rate_hz == 200)
        streams_on(connection, 50)
        (ring,) = connection.rings.values()
        assert connection.options.mode == "fast" and ring.stream.rate_hz == 200
        assert connection.stats["bad_packets"] == 0
    finally:
        connection.close()


def test_our_own_board_has_no_options(plug: Plug, connect) -> None:
    connection = connect()
    streams_on(connection)
    assert connection.options is None
    with pytest.raises(LinkError):
        connection.set_option("rate", "50")


@pytest.mark.parametrize("protocol", ["tensor-streaming", "imagimob", "own"])
def test_a_flood_of_a_hundred_times_loses_nothing(own_home: Path, project: Project, protocol: str) -> None:
    more = "" if protocol == "own" else f"protocol={protocol}&"
    connection = Connection(f"virtual:host?{more}fault=flood:100", ("accelerometer",) if protocol == "own" else ())
    try:
        streams_on(connection, 20)
        connection.start_recording(project)
        streams_on(connection, 200)
        recording = connection.stop_recording()
        assert recording.gaps == {} and recording.n_samples[recording.streams[0].name] >= 150
        assert len(connection.talk._backlog) < 1000
    finally:
        connection.close()


@pytest.mark.skipif(sys.platform == "win32" or not os.path.exists("/dev/ptmx"), reason="needs a pseudo terminal")
def test_two_programs_on_one_port(own_home: Path) -> None:
    """The second one is told, and the first one does not notice."""
    master, slave = os.openpty()
    path = os.ttyname(slave)
    first = open_link(f"{path}?protocol=own")
    try:
        second = Connection(f"{path}?protocol=own", reconnect=True)
        until(lambda: second.state == "lost")
        assert "another program uses the port" in str(second.error)
        second.close()
        os.write(master, b"hello")
        assert b"".join(first.read() for _ in range(3)) == b"hello"
    finally:
        first.close()
        os.close(master)
        os.close(slave)
