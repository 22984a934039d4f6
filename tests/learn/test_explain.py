"""An explanation finds what was planted: the axis, the time and the frequency that made the decision."""

from pathlib import Path

import numpy as np
import pytest

from studio.app import models
from studio.app.actions.explain import explain, window_at
from studio.app.models import Model
from studio.data.project import Project, create
from studio.data.recording import load, write
from studio.data.stream import Stream
from studio.errors import DataError
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.statistics import Statistics
from studio.graph.ops.vector import Dense, Softmax
from studio.learn.explain import margins, occluded, parts_of, weights
from studio.progress import finish

STREAM = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
LENGTH = 128


def swings(axis: int) -> Graph:
    """The second class where one axis swings, whatever the others do: its deviation above 0.1."""
    weight = np.zeros((2, 30), np.float32)
    weight[1, 10 * axis + 1] = 30.0
    nodes = (
        Node(Statistics(), (WINDOW,), "features"),
        Node(Dense(weight, np.array([0, -3], np.float32)), (0,), "logits"),
        Node(Softmax(), (1,), "scores"),
    )
    return Graph(("x", "y", "z"), 100.0, LENGTH, 64, nodes, ("rest", "swing"))


def planted(axis: int, first: int, stop: int, hz: float, seed: int = 0) -> np.ndarray:
    """Faint noise everywhere, a tone on one axis for a while, and a louder decoy on the axis beside it."""
    x = np.random.default_rng(seed).normal(0, 0.005, (LENGTH, 3))
    t = np.arange(LENGTH) / 100
    x[first:stop, axis] += np.sin(2 * np.pi * hz * t[first:stop])
    x[:, (axis + 1) % 3] += 2 * np.sin(2 * np.pi * 3 * t)
    return x.astype(np.float32)


@pytest.mark.parametrize(("axis", "first", "stop", "hz"), [(0, 16, 32, 20.0), (1, 64, 88, 9.0), (2, 104, 120, 35.0)])
def test_what_was_planted_is_found(axis: int, first: int, stop: int, hz: float) -> None:
    graph, parts = swings(axis), parts_of(LENGTH, 3)
    scores = graph.scores(occluded(planted(axis, first, stop, hz), parts))
    assert scores[0].argmax() == 1
    time, band = weights(scores, parts, 1)
    of, at = np.unravel_index(time.argmax(), time.shape)
    assert of == axis and first <= parts.edges[at] and parts.edges[at + 1] <= stop
    of, at = np.unravel_index(band.argmax(), band.shape)
    assert of == axis and parts.bins[at] - 1 <= hz * LENGTH / 100 <= parts.bins[at + 1]
    others = [i for i in range(3) if i != axis]
    assert np.abs(time[others]).max() < 1e-6 and np.abs(band[others]).max() < 1e-6, (
        "what the model cannot see is nothing"
    )
    outside = [i for i in range(time.shape[1]) if parts.edges[i + 1] <= first - 8 or parts.edges[i] >= stop + 8]
    assert time[axis, outside].max() < 0.3 * time[axis].max()


def test_parts_cover_every_sample_every_frequency_and_every_channel_once() -> None:
    for length, channels in ((128, 3), (16000, 1), (7, 2), (40, 30), (2, 1)):
        parts = parts_of(length, channels)
        assert parts.edges[0] == 0 and parts.edges[-1] == length and (np.diff(parts.edges) > 0).all()
        assert (parts.bins[0] == 1 and parts.bins[-1] == length // 2 + 1) or length < 3
        assert np.concatenate(parts.axes).tolist() == list(range(channels)) and len(parts.axes) <= 8


def test_without_all_bands_only_the_mean_is_left() -> None:
    x, parts = planted(0, 0, 128, 11.0), parts_of(LENGTH, 3)
    made = occluded(x, parts)
    bands = made[1 + 3 * (16 + 13 + 9) :].reshape(3, -1, LENGTH, 3)
    left = x[:, 0] + sum(b[:, 0] - x[:, 0] for b in bands[0])
    np.testing.assert_allclose(left, np.full(LENGTH, x[:, 0].mean()), atol=1e-5)
    assert (made[1][8:] == x[8:]).all() and (made[1][:, 1:] == x[:, 1:]).all(), "one slice of one axis"
    assert np.ptp(made[1][:8, 0]) == 0, "at the edge its neighbour goes on"


def test_where_no_short_stretch_matters_alone_longer_ones_are_taken_out() -> None:
    """A model that hears a tone anywhere in the second half is as sure without any sixteenth of it."""
    x, parts = planted(0, 64, 128, 9.0), parts_of(LENGTH, 3)

    def heard(windows: np.ndarray) -> np.ndarray:
        loud = (np.abs(windows[:, 64:, 0]) > 0.5).sum(axis=1) >= 12
        return np.where(loud[:, None], [0.02, 0.98], [0.98, 0.02]).astype(np.float32)

    time, _ = weights(heard(occluded(x, parts)), parts, 1)
    assert time[0].argmax() >= 8 and time[0, 8:].min() > 2 * time[0, :4].max() and time[0].max() > 1
    assert np.abs(time[1:]).max() == 0


def test_margins_are_of_the_best_other_class() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [1.0, 0.0, 0.0]], np.float32)
    np.testing.assert_allclose(margins(scores, 0), [np.log(3.5), -np.log(3.5), np.log(1e4)], rtol=1e-6)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = create(tmp_path / "p")
    quiet = np.random.default_rng(1).normal(0, 0.005, (400, 3))
    x = np.concatenate([quiet, planted(1, 64, 88, 9.0), quiet])
    write(made.recordings_path / "a", [(STREAM, np.round(x * 4096).astype("<i2"))])
    models.save(made, Model("swing-1", "swing", swings(1), STREAM))
    return made


def test_the_generated_c_explains_a_window_of_a_recording(project: Project) -> None:
    found = finish(explain(project.path, "swing-1", "a", 400))
    assert found["answer"] == "swing" and found["axes"] == ["x", "y", "z"] and found["scores"]["swing"] > 0.9
    time = np.array(found["time"])
    of, at = np.unravel_index(time.argmax(), time.shape)
    assert of == 1 and found["edges_s"][at] >= 0.64 and found["edges_s"][at + 1] <= 0.88
    band = np.array(found["band"])
    of, at = np.unravel_index(band.argmax(), band.shape)
    assert of == 1 and found["bands_hz"][at] - 1 <= 9.0 <= found["bands_hz"][at + 1]


def test_a_window_at_the_end_goes_on_with_its_last_sample_and_none_beyond_it(project: Project) -> None:
    model, recording = models.load(project), load(project.recordings_path / "a")
    x = window_at(model, recording, 928 - 40)
    assert x.shape == (LENGTH, 3) and (x[-30:] == x[-31]).all()
    with pytest.raises(DataError, match="no sample 928"):
        window_at(model, recording, 928)
