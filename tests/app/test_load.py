"""The load test and the decode benchmark insist on what they measure."""

import numpy as np
import pytest

from studio.app.actions.decode import ACCEL, _lines, _wire, by_bytes, by_lines, take_in
from studio.app.actions.load import load, many, second_of, wrong
from studio.data.motion import motion
from studio.progress import finish


@pytest.mark.parametrize("payload", [222, 1008])
def test_all_ways_take_in_the_same_samples(payload: int) -> None:
    rows = motion(3.0, ACCEL.rate_hz, 1)[0]
    wire, _ = _wire(rows, payload, 100_000)
    n = wire.count(b"\0") * (payload // 6)
    assert take_in(wire) == by_bytes(wire) == n
    assert by_lines(_lines(rows, 500)) == 500


def test_a_wrong_row_is_seen() -> None:
    second = second_of(many(3, 100.0))
    raw = np.concatenate([second, second, second[:30]])
    assert wrong(raw, second) == 0
    raw[215, 2] += 1
    assert wrong(raw, second) == 1


def test_a_short_load_is_carried_without_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.app.actions.load.SETTLED_S", 0.3)
    (found,) = finish(load(1 / 60, ((16, 2000.0),)))["loads"]
    assert found["lost"] == found["wrong"] == found["bad_packets"] == 0
    assert found["samples"] > 16 * 1000 and found["rss_after_mb"] > 10
