"""Training takes only what a recording's certificate vouches for."""

from pathlib import Path

import numpy as np
import pytest

from studio.app.actions.train import TrainSettings, trusted
from studio.app.arguments import parser
from studio.data.recording import Recording, Writer
from studio.data.stream import Chunk, Stream
from studio.errors import DataError

ACC = Stream("acc", 100.0, ("x", "y"), "g", "i16", 1 / 4096, "accelerometer")


def recorded(path: Path, rate_hz: float, simulated: bool = False) -> Recording:
    """Thirty seconds of a device that says 100 Hz, full scale from sample 500 to 600."""
    raw = np.random.default_rng(0).normal(0, 3000, (3000, 2)).astype("<i2")
    raw[500:600] = 32767
    writer = Writer(path, [ACC], device={"simulated": True} if simulated else {})
    for at in range(0, 3000, 10):
        device_us = 1 + at * 10_000 if simulated else round(at / rate_hz * 1e6) + 1
        writer.append(Chunk(ACC, at, raw[at : at + 10], device_us, round(at / rate_hz * 1e9) + 10**9))
    return writer.close()


def test_a_rate_too_far_off_is_refused_unless_told_otherwise(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "slow", 92.0)
    with pytest.raises(DataError, match=r"'slow'.*came at 92\.00 Hz where the device says 100 Hz.*--max-rate-error"):
        trusted([recording], "acc", TrainSettings().max_rate_error)
    assert trusted([recording], "acc", 0.1)[0].id == "slow"
    assert trusted([recorded(tmp_path / "good", 99.0)], "acc", 0.05)


def test_a_simulated_device_has_its_own_second(tmp_path: Path) -> None:
    assert trusted([recorded(tmp_path / "fast", 400.0, simulated=True)], "acc", 0.0)


def test_bad_stretches_become_gaps_for_training_only(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "r", 100.0)
    assert trusted([recording], "acc", 0.05)[0].gaps == {"acc": ((500, 100),)} and recording.gaps == {}


def test_the_command_line_tells_the_share() -> None:
    assert parser().parse_args(["train", "p"]).max_rate_error == TrainSettings().max_rate_error
    assert parser().parse_args(["train", "p", "--max-rate-error", "0.2"]).max_rate_error == 0.2
