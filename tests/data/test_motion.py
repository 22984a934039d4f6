"""The virtual person obeys physics, differs from others, and is told apart by what happens, not by how it is drawn."""

import numpy as np
import pytest

from studio.data.motion import GESTURES, SCALE_G, motion, sound, sound_and_truth, write_rows


def stretches(seed: int, gesture: str) -> list[np.ndarray]:
    raw, truth = motion(60, 100, seed)
    found = [s for s in truth.segments if s.label == gesture and s.stop_s - s.start_s > 1.5]
    return [raw[round(s.start_s * 100) : round(s.stop_s * 100)] * SCALE_G for s in found]


@pytest.mark.parametrize("seed", range(8))
def test_at_rest_there_is_only_gravity(seed: int) -> None:
    for x in stretches(seed, "idle"):
        size = np.linalg.norm(x, axis=1)
        assert abs(size.mean() - 1) < 0.02 and size.std() < 0.05
        assert x[:, 2].mean() > 0.4, "held upright, more or less"


@pytest.mark.parametrize("seed", range(8))
def test_each_gesture_has_its_rhythm_and_force(seed: int) -> None:
    rhythm = {"wave": (1.0, 6.0), "shake": (3.0, 13.0), "circle": (0.6, 2.2), "tap": (1.5, 50.0)}
    force = {"wave": (0.3, 3.0), "shake": (1.0, 7.0), "circle": (0.15, 2.0), "tap": (0.1, 3.5)}
    for gesture in GESTURES[1:]:
        for x in stretches(seed, gesture):
            moved = x - x.mean(axis=0)
            spectrum = (np.abs(np.fft.rfft(moved * np.hanning(len(x))[:, None], axis=0)) ** 2).sum(axis=1)
            peak_hz = spectrum.argmax() * 100 / len(x)
            assert rhythm[gesture][0] <= peak_hz <= rhythm[gesture][1], (gesture, peak_hz)
            assert force[gesture][0] < np.sqrt(moved.var(axis=0).sum()) < force[gesture][1], gesture


def test_it_begins_and_ends_at_rest_so_mean_force_is_gravity() -> None:
    for gesture in ("shake", "circle"):
        for x in stretches(3, gesture):
            assert np.linalg.norm(x.mean(axis=0)) == pytest.approx(1.0, abs=0.12), gesture


def test_same_seed_same_bits_other_seed_other_person() -> None:
    a, truth = motion(20, 100, 5)
    b, again = motion(20, 100, 5)
    assert np.array_equal(a, b) and truth == again and a.dtype == np.int16 and a.shape == (2000, 3)
    assert not np.array_equal(a, motion(20, 100, 6)[0])


def test_truth_lies_on_samples_and_covers_everything() -> None:
    raw, truth = motion(33.337, 52.5, 1)
    truth.check(len(raw) / 52.5)
    borders = np.array([[s.start_s, s.stop_s] for s in truth.segments]) * 52.5
    assert np.allclose(borders, np.rint(borders), atol=1e-9)
    assert borders[0, 0] == 0 and round(borders[-1, 1]) == len(raw) and (borders[1:, 0] == borders[:-1, 1]).all()
    assert {s.label for s in motion(60)[1].segments} == set(GESTURES)


def test_a_given_schedule_is_obeyed() -> None:
    raw, truth = motion(5, 100, 0, [("tap", 1.0), ("idle", 2.5), ("wave", 99.0)])
    assert [(s.label, s.start_s, s.stop_s) for s in truth.segments] == [
        ("tap", 0, 1),
        ("idle", 1, 3.5),
        ("wave", 3.5, 5),
    ]
    assert len(raw) == 500 and len(motion(0)[0]) == 0


def test_sound() -> None:
    raw, truth = sound_and_truth(20, 16000, 1)
    assert raw.shape == (320000, 1) and raw.dtype == np.int16 and np.array_equal(raw, sound(20, 16000, 1))
    loud = {
        name: np.mean(
            [raw[round(s.start_s * 16e3) : round(s.stop_s * 16e3)].std() for s in truth.segments if s.label == name]
        )
        for name in ("noise", "tone", "clap")
    }
    assert loud["tone"] > 4 * loud["noise"] and loud["clap"] > 4 * loud["noise"]


def test_rows_on_disk_are_little_endian(tmp_path) -> None:
    write_rows(tmp_path / "x.raw", np.array([[1, -2]], ">i2"))
    assert (tmp_path / "x.raw").read_bytes() == b"\x01\x00\xfe\xff" and len(list(tmp_path.iterdir())) == 1
