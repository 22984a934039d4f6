"""Video files, made by Qt's recorder and read again: sound and motion at the right times."""

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from studio.data.video import align_claps, align_curves, claps, curve, swing
from studio.errors import DataError
from studio.progress import finish
from studio.ui.media.decode import about, activity
from tests.ui.videos import make_video


def burst(at_s: list[float], seconds: float, rate_hz: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.003, round(seconds * rate_hz))
    for t in at_s:
        i = round(t * rate_hz)
        x[i : i + 400] += rng.normal(0, 0.3, 400) * np.exp(-np.arange(400) / 80)
    return x


@pytest.fixture(scope="module")
def clapped(qapp: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds with claps at 2.4 s and 5.13 s."""
    path = tmp_path_factory.mktemp("video") / "clap.mp4"
    return make_video(path, 200, 25, burst([2.4, 5.13], 8, 16000, 1))


def test_says_what_a_file_holds(qtbot: QtBot, clapped: Path) -> None:
    facts = finish(about(str(clapped)))
    assert facts["seconds"] == pytest.approx(8.0, abs=0.05)
    assert facts["frame_rate_hz"] == pytest.approx(25)
    assert (facts["width"], facts["height"], facts["has_sound"]) == (320, 180, True)


def test_claps_of_the_sound_track(qtbot: QtBot, clapped: Path) -> None:
    found, _ = finish(activity(str(clapped), "sound"))
    assert [c.time_s for c in claps(found, 2)] == pytest.approx([2.4, 5.13], abs=0.005)


def test_aligned_by_clap_through_the_file(qtbot: QtBot, clapped: Path) -> None:
    found, _ = finish(activity(str(clapped), "sound"))
    heard = curve([burst([2.4 + 3.7, 5.13 + 3.7], 14, 16000, 2)], 16000)
    assert align_claps(found, heard).start_s == pytest.approx(3.7, abs=0.010)


def test_aligned_by_motion_through_the_file(qtbot: QtBot, tmp_path: Path) -> None:
    """A square that follows a hand; the accelerometer on that hand was started 4.32 s earlier."""
    rng = np.random.default_rng(3)
    t = np.arange(0, 40, 0.01)
    often = np.interp(t, np.arange(0, 40, 0.8), (rng.random(50) < 0.4) * rng.uniform(0.3, 1, 50))
    place = 130 + 80 * often * np.sin(2 * np.pi * 2.3 * t)
    felt = np.stack([np.gradient(np.gradient(place)) * 0.1, 0 * t, 1 + 0 * t], 1) + rng.normal(0, 0.001, (len(t), 3))
    file = make_video(tmp_path / "m.mp4", 600, 25, square_x=lambda i: int(place[round((i / 25 + 4.32) * 100)]))
    seen, facts = finish(activity(str(file), "motion"))
    assert len(seen.values) == pytest.approx(600, abs=2)
    assert align_curves(seen, swing([felt], 100.0)).start_s == pytest.approx(4.32, abs=1 / facts["frame_rate_hz"])


def test_a_file_that_is_no_video(qtbot: QtBot, tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"no video at all" * 100)
    with pytest.raises(DataError, match="cannot be read as a video"):
        finish(activity(str(tmp_path / "x.mp4"), "sound"))


def test_a_video_without_sound(qtbot: QtBot, tmp_path: Path) -> None:
    file = make_video(tmp_path / "silent.mp4", 10)
    with pytest.raises(DataError, match="has no sound"):
        finish(activity(str(file), "sound"))
