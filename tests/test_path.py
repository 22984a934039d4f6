"""One sample's whole journey, with no device and no window.

board -> wire -> ring and disk -> labels -> windows -> graph -> C -> image -> flash -> board -> scores
"""

from pathlib import Path

import numpy as np
import pytest

from studio.app.actions.flash import flash
from studio.app.actions.record import label_from_truth
from studio.app.links import MOTION_SECONDS, open_link
from studio.app.live import Connection
from studio.data.motion import motion
from studio.data.project import create
from studio.data.recording import Recording
from studio.data.talk import Talk
from studio.firmware.board import boards
from studio.firmware.build import build
from studio.firmware.verify import verify
from studio.graph.graph import Graph
from studio.learn import FAMILIES
from studio.learn.dataset import Dataset, windows
from studio.progress import finish

SECONDS = 40.0


def record(project_path: Path) -> Recording:
    """Board -> wire -> ring and disk: what the ring shows is what the file holds, and both are what was felt."""
    connection = Connection("virtual:host?seed=1&speed=20", ("accelerometer",), start=False).wait()
    connection.start_recording(create(project_path, "Path"))
    connection.start()
    ring = connection.rings["accelerometer"]
    while ring.end < SECONDS * 100:
        assert connection.error is None
    recording = connection.stop_recording()
    connection.close()
    felt, _ = motion(MOTION_SECONDS, 100.0, 1)
    raw = recording.raw("accelerometer")
    assert np.array_equal(raw, felt[: len(raw)])
    start, values = ring.since(0)
    assert start == 0 and np.array_equal(values[: len(raw)], recording.values("accelerometer"))
    return recording


def learn(recording: Recording) -> tuple[Dataset, Graph]:
    """Labels -> windows -> graph."""
    labelled = label_from_truth(recording, motion(MOTION_SECONDS, 100.0, 1)[1])
    data = windows([labelled], "accelerometer", length=128, stride=32)
    graph = finish(FAMILIES["forest"]().fit(data, 0))
    assert (graph.scores(data.x).argmax(axis=1) == data.y).mean() > 0.95
    return data, graph


@pytest.mark.usefixtures("own_home")
def test_path(tmp_path: Path) -> None:
    recording = record(tmp_path / "project")
    data, graph = learn(recording)
    image = finish(build(graph, data.stream, boards()["host"], tmp_path / "image"))
    flashed = finish(flash(image.bin, "virtual:host"))
    assert flashed["verified"] and flashed["build_hash"] == image.build_hash

    link = open_link("virtual:host")
    result = finish(verify(Talk(link), graph, data.stream, data.raw[:40]))
    link.close()
    assert result == {"windows": 40, "equal": 40, "first_difference": None}

    answers(graph)


def answers(graph: Graph) -> None:
    """Board -> scores: what the board says of another person is what the graph says, to the bit."""
    connection = Connection("virtual:host?seed=2&speed=10").wait()
    scores = connection.rings["scores"]
    while scores.end < 20:
        assert connection.error is None
    _, told = scores.since(0)
    connection.close()
    felt, _ = motion(MOTION_SECONDS, 100.0, 2)
    samples = (felt * np.float32(1 / 4096)).astype(np.float32)
    expected = graph.scores(graph.windows(samples))[: len(told)]
    assert np.array_equal(told.view(np.uint32), expected.view(np.uint32))
