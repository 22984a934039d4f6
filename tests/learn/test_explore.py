"""What can be dropped is found where it was planted."""

from dataclasses import replace

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.learn.explore import channels, explore, reductions, sensors, slower
from studio.progress import finish
from tests.learn.toys import toy


def planted() -> "object":
    """The class lies in the first axis alone, in a tone far below half the rate."""
    stream = Stream("imu", 100.0, ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z"), "g", "f32", 1.0)
    data, rng = toy(6), np.random.default_rng(0)
    t = np.arange(64) / 100
    x = rng.normal(0, 0.3, (len(data), 64, 6)).astype(np.float32)
    hz = np.array([3.0, 6.0, 10.0])[data.y][:, None]
    x[:, :, 0] += np.sin(2 * np.pi * hz * t + rng.uniform(0, 6, (len(data), 1)))
    return replace(data, x=x, raw=x, stream=stream)


def test_the_axis_that_carries_the_class_is_the_one_that_cannot_be_dropped() -> None:
    whole, found = finish(explore(planted(), 0))
    by = {r.what: r for r in found}
    assert whole > 0.9
    assert by["without acc_x"].lost > 0.4 and by["only gyro_x, gyro_y, gyro_z"].lost > 0.4
    for free in ("without acc_y", "without gyro_x", "only acc_x, acc_y, acc_z", "50 Hz", "8 bits"):
        assert by[free].lost < 0.06, free
    assert by["50 Hz"].instructions < by["8 bits"].instructions
    assert [r.lost for r in found] == sorted(r.lost for r in found)
    assert {r.kind for r in found} == {"axis", "sensor", "rate", "bits", "noise"}
    assert by["without acc_x"].as_dict()["free"] is False


def test_sensors_are_told_by_their_names() -> None:
    assert sensors(("acc_x", "acc_y", "gyro_x", "gyro_y")) == [[0, 1], [2, 3]]
    assert sensors(("ax", "ay", "az", "gx", "gy", "gz")) == [[0, 1, 2], [3, 4, 5]]
    assert sensors(("x", "y", "z")) == [] and sensors(("sound",)) == []


def test_reduced_data_fit_their_stream() -> None:
    data = toy(2)
    half = slower(data, 2)
    assert half.x.shape == (len(data), 32, 3) and half.stream.rate_hz == 25 and half.length == 32 and half.stride == 16
    assert half.x[0, 0] == pytest.approx(data.x[0, :2].mean(axis=0), abs=1e-6)
    one = channels(data, [2])
    assert one.x.shape[2] == 1 and one.stream.channels == ("z",) and np.array_equal(one.x[..., 0], data.x[..., 2])
    kinds = [k for k, _, _ in reductions(toy(2, length=20, stride=10), 0)]
    assert "rate" not in kinds and "sensor" not in kinds and kinds.count("axis") == 3
