"""Data quality: every planted defect is found, and a clean recording is called clean."""

from pathlib import Path

import numpy as np
import pytest

from studio.app.actions.check import stream_findings
from studio.data.recording import Recording, write
from studio.data.stream import Stream

ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")


@pytest.fixture
def clean() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 4000, (5000, 3)).clip(-30000, 30000).astype(np.int16)


def kinds(path: Path, raw: np.ndarray) -> list[tuple[str, str]]:
    recording: Recording = write(path / "r", [(ACC, raw)])
    return [(f["kind"], f["where"]) for f in stream_findings(recording, ACC)]


def test_clean_is_clean(tmp_path: Path, clean: np.ndarray) -> None:
    assert kinds(tmp_path, clean) == []


def test_dead_and_constant(tmp_path: Path, clean: np.ndarray) -> None:
    clean[:, 0], clean[:, 2] = 0, 77
    assert kinds(tmp_path, clean) == [("dead", "acc.x"), ("constant", "acc.z")]


def test_duplicate(tmp_path: Path, clean: np.ndarray) -> None:
    clean[:, 2] = clean[:, 0]
    assert kinds(tmp_path, clean) == [("duplicate", "acc.z")]


def test_saturation(tmp_path: Path, clean: np.ndarray) -> None:
    clean[:50, 1] = 32767
    assert kinds(tmp_path, clean) == [("saturation", "acc.y")]


def test_empty(tmp_path: Path) -> None:
    assert kinds(tmp_path, np.zeros((0, 3), np.int16)) == [("empty", "acc")]


def test_floats_are_saturated_only_where_they_stay(tmp_path: Path) -> None:
    stream = Stream("acc", 100.0, ("x", "y"), "g")
    x = np.sin(np.arange(5000) / 7).astype(np.float32)
    raw = np.stack([np.clip(x, -0.9, 0.9), np.tile(np.arange(7, dtype=np.float32), 800)[:5000]], 1)
    recording = write(tmp_path / "r", [(stream, raw)])
    assert [(f["kind"], f["where"]) for f in stream_findings(recording, stream)] == [("saturation", "acc.x")]
