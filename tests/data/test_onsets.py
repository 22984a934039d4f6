"""Bursts that stand out of a stream's noise: found by blocks, edged by samples, none where there is only noise."""

import numpy as np
import pytest

from studio.data.onsets import Bursts
from studio.data.pyramid import Pyramid

RATE_HZ = 200.0
TRUTH = ((5.0, 6.2), (9.1, 9.4), (20.005, 25.0), (40.0, 40.6))


def noise(seconds: float = 60.0, sigma: float = 40.0) -> np.ndarray:
    return np.random.default_rng(3).normal(0, sigma, (round(seconds * RATE_HZ), 3))


def motion() -> Bursts:
    raw = noise() + np.array([0.0, 4096.0, 0.0])  # gravity on one axis
    for start, stop in TRUTH:
        a, b = round(start * RATE_HZ), round(stop * RATE_HZ)
        raw[a:b, 0] += 3000 * np.cos(np.arange(b - a) * 0.6)
    return Bursts(Pyramid(raw.astype("<i2")), RATE_HZ)


def test_each_burst_is_found_with_its_edges_to_two_samples() -> None:
    found = motion()
    assert len(found) == len(TRUTH)
    for i, (start, stop) in enumerate(TRUTH):
        assert found.edges(i) == pytest.approx((start, stop), abs=2.5 / RATE_HZ)


def test_noise_alone_has_none_and_neither_has_silence_or_nothing() -> None:
    assert len(Bursts(Pyramid(noise().astype("<i2")), RATE_HZ)) == 0
    assert len(Bursts(Pyramid(np.zeros((5000, 2), "<i2")), RATE_HZ)) == 0
    assert len(Bursts(Pyramid(np.zeros((3, 1), "<f4")), RATE_HZ)) == 0


def test_after_before_and_near() -> None:
    found = motion()
    assert [found.after(t) for t in (0.0, 5.0, 30.0, 50.0)] == [0, 1, 3, None]
    assert [found.before(t) for t in (60.0, 20.0, 1.0)] == [3, 1, None]
    assert found.near(20.02, 0.03) == [pytest.approx(20.005, abs=0.013)]
    assert found.near(30.0, 0.5) == []


def test_a_gap_of_nan_is_no_event() -> None:
    raw = noise(20.0).astype("<f4")
    raw[1000:1400] = np.nan
    assert len(Bursts(Pyramid(raw), RATE_HZ)) == 0
