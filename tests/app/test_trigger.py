"""A trigger fires at the very sample, once per crossing, whatever the packets."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from studio.app.trigger import Crossings, Trigger
from studio.data.stream import Chunk, Ring, Stream

S = Stream("s", 1000.0, ("a", "b"))


def fires(values: list[float], trigger: Trigger, cuts: list[int]) -> list[int]:
    ring, crossings, found = Ring(S), Crossings(trigger, 1), list[int]()
    crossings.look(ring)
    rows = np.stack([np.zeros(len(values)), values], 1).astype(np.float32)
    edges = [0, *sorted(c for c in cuts if 0 < c < len(values)), len(values)]
    for a, b in pairwise(edges):
        if a < b:
            ring.append(Chunk(S, a, rows[a:b]))
            found += crossings.look(ring)
    return found


@given(st.lists(st.integers(1, 5000), max_size=20))
def test_a_sine_fires_once_per_turn_at_its_sample(cuts: list[int]) -> None:
    t = np.arange(5000) / 1000
    wave = np.sin(2 * np.pi * t - 0.3)
    wanted = [int(np.flatnonzero((wave >= 0.5) & (t >= k) & (t < k + 1))[0]) for k in range(5)]
    assert fires(wave.tolist(), Trigger(0.5, "rising"), cuts) == wanted
    falling = fires((-wave).tolist(), Trigger(-0.5, "falling"), cuts)
    assert falling == wanted


def test_noise_on_the_level_fires_once() -> None:
    noise = np.random.default_rng(0).normal(0, 0.005, 2000)
    step = np.r_[np.zeros(1000), np.ones(1000)] + noise
    ramp = np.linspace(0, 1, 2000) + noise
    assert fires(step.tolist(), Trigger(0.5), []) == [1000]
    assert len(fires(ramp.tolist(), Trigger(0.5), [300, 990, 1000, 1010])) == 1


def test_a_signal_that_begins_above_must_first_go_below() -> None:
    assert fires([2.0] * 50 + [0.0] * 50 + [2.0] * 50, Trigger(1.0), [20]) == [100]


def test_reaching_the_level_is_crossing_it() -> None:
    assert fires([0.0, 0.0, 1.0, 1.0], Trigger(1.0), [2]) == [2]
    assert fires([0.0, 0.0, -1.0], Trigger(-1.0, "falling"), []) == [2]


def test_losses_neither_fire_nor_hide_a_crossing() -> None:
    assert fires([0.0, 0.0, np.nan, np.nan, 2.0, 2.0], Trigger(1.0), [3]) == [4]
    assert fires([np.nan] * 4, Trigger(1.0), [2]) == []


def test_what_came_before_an_index_is_not_told() -> None:
    ring, crossings = Ring(S), Crossings(Trigger(1.0), 1)
    crossings.look(ring)
    ring.append(Chunk(S, 0, np.array([[0, 0], [0, 2], [0, 0], [0, 2]], np.float32)))
    assert crossings.look(ring, from_index=2) == [3]
