"""Several devices at once: a recording each, and one time line though their clocks drift apart."""

from pathlib import Path

import numpy as np
import pytest

from studio.app import live
from studio.app.live import Connection
from studio.app.together import Together, record_together
from studio.data.project import Project, create, open_project, recordings
from studio.data.recording import Recording, write
from studio.data.timeline import moment_ns, offset_s, seconds_at, seconds_in
from studio.errors import DataError, LinkError
from studio.progress import finish
from tests.app.cable import RATE_HZ, STREAM, TICKS, FreeRunning, Plug
from tests.data.board import until

DRIFT = {"a:": 3000.0, "b:": -3000.0}
SECONDS = 5.0
#: What a frame waits on a busy computer until it is read: the least of many waits is far below.
SLACK_S = 0.006


@pytest.fixture
def plugs(monkeypatch: pytest.MonkeyPatch) -> dict[str, Plug]:
    found = {url: Plug(FreeRunning(STREAM, TICKS, drift_ppm=ppm)) for url, ppm in DRIFT.items()}
    monkeypatch.setattr(live, "open_link", lambda url: found[url].open_link(url))
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return create(tmp_path / "p", "P")


def truth_s(plug: Plug, recording: Recording, index: int) -> float:
    """When sample `index` was taken, by this computer's clock: the device's own tick tells."""
    device = plug.device
    assert isinstance(device, FreeRunning)
    tick = int(recording.raw(STREAM.name)[0, 0]) + index
    return plug.born_s + device._began_s + (tick - device._tick % (1 << 15)) / (RATE_HZ * (1 + device.drift_ppm * 1e-6))


def test_two_devices_that_drift_apart_share_a_time_line(plugs: dict[str, Plug], project: Project) -> None:
    a, b = Connection("a:"), Connection("b:")
    try:
        a.wait(), b.wait()
        both = Together([a, b])
        both.start_recording(project, "ann", "walk")
        until(lambda: all(c.rings[STREAM.name].end > (SECONDS + 0.5) * RATE_HZ for c in (a, b)))
        first, second = both.stop_recording()
    finally:
        a.close(), b.close()
    assert first.device["session"] == second.device["session"] == both.session and first.id != second.id
    for plug, recording in ((plugs["a:"], first), (plugs["b:"], second)):
        fit = recording.clock_fit()
        assert fit.clock_ppm == pytest.approx(plug.device.drift_ppm, abs=1000)
        for at_s in (0.0, SECONDS / 2, SECONDS):
            off_s = moment_ns(recording, STREAM.name, at_s) * 1e-9 - truth_s(plug, recording, round(at_s * RATE_HZ))
            assert abs(off_s) < SLACK_S
    true_s = truth_s(plugs["b:"], second, 0) - truth_s(plugs["a:"], first, 0)
    assert offset_s(first, second) == pytest.approx(true_s, abs=SLACK_S)
    there_s = seconds_in(second, STREAM.name, first, STREAM.name, SECONDS)
    shown = truth_s(plugs["a:"], first, round(SECONDS * RATE_HZ)) - truth_s(plugs["b:"], second, 0)
    assert there_s == pytest.approx(shown * (1 - 3000e-6), abs=SLACK_S)
    assert abs(there_s - (SECONDS - true_s)) > 0.02  # by counting samples alone it would be this far off


def test_there_and_back(plugs: dict[str, Plug], project: Project) -> None:
    connection = Connection("a:").wait()
    try:
        connection.start_recording(project)
        until(lambda: connection.rings[STREAM.name].end > 2 * RATE_HZ)
        recording = connection.stop_recording()
    finally:
        connection.close()
    for at_s in (-1.0, 0.0, 0.1234, 1.5, 9.0):
        assert seconds_at(recording, STREAM.name, moment_ns(recording, STREAM.name, at_s)) == pytest.approx(
            at_s, abs=2e-6
        )


def test_the_time_line_holds_across_a_restart(plugs: dict[str, Plug], project: Project) -> None:
    """The device's clock begins anew, and each sample still lies where this computer's clock says."""
    connection, plug = Connection("a:", reconnect=True, pauses_s=(0.02,)).wait(), plugs["a:"]
    try:
        connection.start_recording(project)
        until(lambda: connection.rings[STREAM.name].end > 3 * RATE_HZ)
        plug.plugged = False
        until(lambda: connection.state == "reconnecting")
        plug.restart(FreeRunning(STREAM, TICKS, drift_ppm=3000.0))
        plug.plugged = True
        until(lambda: connection.state == "streaming")
        end = connection.rings[STREAM.name].end
        until(lambda: connection.rings[STREAM.name].end > end + RATE_HZ)
        recording = connection.stop_recording()
    finally:
        connection.close()
    ((_, index, _, by),) = recording.device["joints"]
    assert by == "host clock"
    for at in (index, index + 500):
        tick = int(recording.raw(STREAM.name)[at, 0]) - plug.device._tick
        true_s = plug.born_s + plug.device._began_s + tick / (RATE_HZ * 1.003)
        assert abs(recording.host_ns(STREAM.name, at) * 1e-9 - true_s) < SLACK_S
        at_s = seconds_at(recording, STREAM.name, true_s * 1e9)
        assert at_s == pytest.approx(at / RATE_HZ, abs=2 * SLACK_S)


def test_all_or_none(plugs: dict[str, Plug], project: Project) -> None:
    plugs["b:"].plugged = False
    a, b = Connection("a:"), Connection("b:")
    try:
        a.wait()
        until(lambda: b.state == "lost")
        with pytest.raises(LinkError, match="is lost, not streaming"):
            Together([a, b]).start_recording(project)
        assert a.recording_s == 0.0
        Together([a]).start_recording(project)
        a.stop_recording()
    finally:
        a.close(), b.close()


def test_by_urls(plugs: dict[str, Plug], project: Project) -> None:
    told = finish(record_together(project.path, ("a:", "b:"), 1.5, "walk"))
    assert [r["streams"][0]["lost_samples"] for r in told["recordings"]] == [0, 0]
    found = recordings(open_project(project.path))
    assert {r.device["session"] for r in found} == {told["session"]} and told["offsets_s"][0] == 0.0
    assert all(plug.open_now == 0 for plug in plugs.values())


def test_a_recording_without_clocks_says_so(tmp_path: Path) -> None:
    silent = write(tmp_path / "r", [(STREAM, np.zeros((100, 2), "<i2"))])
    with pytest.raises(DataError, match="left no stamps"):
        offset_s(silent, silent)
