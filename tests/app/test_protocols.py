"""Boards with somebody else's firmware through the whole app: URL in, recording out, and what is known of its loss."""

from pathlib import Path

import numpy as np
import pytest

from studio.app.actions.protocols import protocols
from studio.app.actions.record import record
from studio.app.links import open_link, open_talk
from studio.app.live import Connection
from studio.data.project import create, open_project, recordings
from studio.data.talk import Refused
from studio.data.wire import Verb
from studio.errors import InputError
from studio.progress import finish
from studio.sources.interpreter import Interpreter


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create(tmp_path / "p", "p")
    return tmp_path / "p"


@pytest.mark.parametrize(
    ("protocol", "known", "loss"),
    [("tensor-streaming", True, "exact"), ("sensiml-v1", False, "nothing"), ("raw", False, "nothing")],
)
def test_a_recording_says_what_is_known_of_its_loss(project: Path, protocol: str, known: bool, loss: str) -> None:
    result = finish(record(project, f"virtual:host?protocol={protocol}&speed=4", 2.0))
    assert (result["loss_known"], result["loss"]) == (known, loss)
    (recording,) = recordings(open_project(project))
    assert recording.device["protocol"] == protocol and recording.device["loss"] == loss
    assert recording.n_samples[recording.streams[0].name] >= 200 and result["streams"][0]["lost_samples"] == 0


def test_faults_reach_a_foreign_board_and_are_accounted_for(project: Path) -> None:
    result = finish(record(project, "virtual:host?protocol=nordic&speed=4&fault=drop:0.1", 3.0))
    (stream,) = result["streams"]
    assert stream["lost_samples"] == sum(n for _, n in stream["gaps"]) > 5
    values = recordings(open_project(project))[0].values(stream["name"])
    assert int(np.isnan(values[:, 0]).sum()) == stream["lost_samples"]


def test_acconeers_recordings_play(shared: Path) -> None:
    path = shared / "data/radar_acconeer_samples/hand-motion-no-presence.h5"
    connection = Connection(f"virtual:host?protocol=acconeer&replay={path}&speed=20").wait()
    try:
        (ring,) = connection.rings.values()
        assert ring.stream.kind == "radar" and len(ring.stream.channels) == 64 * 3 * 2
        assert ring.stream.rate_hz == pytest.approx(10.0, abs=0.05) and connection.protocol == "acconeer"
    finally:
        connection.close()


def test_our_own_boards_are_not_interpreted() -> None:
    link = open_link("virtual:host")
    try:
        assert not isinstance(open_talk(link, "virtual:host"), Interpreter)
    finally:
        link.close()


def test_what_only_our_firmware_can_do_is_refused() -> None:
    link = open_link("virtual:host?protocol=sensiml-v2")
    talk = open_talk(link, link.url)
    talk.hello()
    with pytest.raises(Refused, match="runs SensiML Simple Streaming 2, which cannot do that"):
        talk.request(Verb.BOOT)
    assert talk.request(Verb.PING, {1: 5}) == 5
    link.close()


@pytest.mark.parametrize("url", ["virtual:host?protocol=morse", "virtual:host?protocol=raw&stream=nose"])
def test_wrong_urls(url: str) -> None:
    with pytest.raises(InputError, match="Choose one of"):
        open_link(url)


def test_the_table_of_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.app.actions.protocols.FAULTS", {"none": "", "drop": "drop:0.05"})
    found = finish(protocols())
    assert found["passed"] and found["table"]["sensiml-v2"]["drop"].startswith("exact 1")
    assert found["table"]["sensiml-v1"]["drop"].startswith("cannot know")
