"""Every proposer finds plain events in any kind of stream, never across a gap, block by block."""

from dataclasses import fields, replace

import numpy as np
import pytest

from studio.data.labels import Labels
from studio.data.stream import Stream
from studio.errors import DataError, ParamError
from studio.learn.propose import PROPOSERS
from studio.learn.propose import energy as energy_module
from studio.learn.propose.changes import Changes
from studio.learn.propose.energy import Energy, Threshold
from studio.learn.propose.judge import Met, meet, tune
from studio.learn.propose.proposer import Curve, Proposer, proposed, stretches
from studio.progress import finish
from tests.learn.propose.tapes import MOTION, RADAR, SOUND, Tape, tape, truth

#: Params of each method that suit the tapes; the thresholds of a value have a unit and need one.
EXAMPLES: dict[str, Proposer] = {
    "energy": Energy(),
    "changes": Changes(),
    "threshold": Threshold(on_level=0.4, off_level=0.2, join_s=0.5, smooth_s=0.1),
}


def example(name: str, stream: Stream) -> Proposer:
    """A threshold looks at the size of a value, so it needs a stream that rests at zero."""
    return replace(EXAMPLES[name], channel=stream.channels[0]) if name == "threshold" else EXAMPLES[name]  # type: ignore[type-var]


def test_every_method_has_an_example() -> None:
    assert set(EXAMPLES) == set(PROPOSERS)


@pytest.mark.parametrize("name", PROPOSERS)
def test_its_params_make_a_form_and_a_search(name: str) -> None:
    kind = PROPOSERS[name]
    assert kind.name == name and kind.title
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    assert set(kind.live) <= set(known)
    assert all(f.metadata["help"].endswith(".") for f in known.values())


@pytest.mark.parametrize("stream", [MOTION, SOUND, RADAR], ids=lambda s: s.name)
@pytest.mark.parametrize("name", PROPOSERS)
def test_finds_plain_events(name: str, stream: Stream) -> None:
    labels = truth()
    made = tape(stream, labels)
    if name == "threshold":
        made = Tape(made.x - np.median(made.x, axis=0), stream)
    found = proposed(example(name, stream), made, stream.name)
    met = meet(labels, found, 0.7)
    assert met.f1 >= 0.95, met
    assert all(0 < s.score < 1 for s in found.segments)
    found.check(len(made.x) / stream.rate_hz)


@pytest.mark.parametrize("name", PROPOSERS)
def test_never_across_a_gap(name: str) -> None:
    labels = truth(n=10, every_s=7.0, length_s=4.0)
    made = tape(MOTION, labels)
    made = Tape(made.x - np.median(made.x, axis=0), MOTION)
    middle = round((labels.segments[4].start_s + 2) * 50)
    made.x[middle - 10 : middle + 10] = np.nan
    for s in proposed(example(name, MOTION), made, "acc").segments:
        assert np.isfinite(made.x[round(s.start_s * 50) : round(s.stop_s * 50)]).all()


@pytest.mark.parametrize("name", PROPOSERS)
def test_reads_blocks_and_blocks_do_not_show(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = tape(MOTION, truth(n=50), seconds=320.0)
    whole = proposed(EXAMPLES[name], made, "acc")
    made.reads.clear()
    monkeypatch.setattr(energy_module, "BLOCK", 333)
    assert proposed(EXAMPLES[name], made, "acc") == whole
    assert max(b - a for a, b in made.reads) <= 130 * 50


def test_a_quiet_event_is_found_beside_loud_ones() -> None:
    labels = truth()
    soft = tape(MOTION, Labels(labels.segments[::2]), loud=0.5)
    both = Tape(soft.x + tape(MOTION, Labels(labels.segments[1::2]), loud=2.0).x, MOTION)
    assert meet(labels, proposed(Energy(), both, "acc")).f1 >= 0.95


def test_rest_may_move() -> None:
    labels = truth(n=40, every_s=6.0)
    made = tape(MOTION, labels, seconds=250.0)
    made.x += np.linspace(0, 2, len(made.x))[:, None].astype(np.float32)  # the sensor turns slowly
    assert meet(labels, proposed(Energy(adapt_s=20.0), made, "acc")).f1 >= 0.9


def test_a_channel_that_is_not_there() -> None:
    with pytest.raises(ParamError, match="none named 'w'"):
        proposed(Threshold(channel="w"), tape(MOTION, truth()), "acc")


def test_an_empty_stream() -> None:
    with pytest.raises(DataError, match="holds 0 samples"):
        proposed(Energy(), Tape(np.zeros((0, 3), np.float32), MOTION), "acc")


def test_a_dead_stream_proposes_nothing() -> None:
    assert len(proposed(Energy(), Tape(np.ones((4000, 3), np.float32), MOTION), "acc")) == 0


@pytest.mark.parametrize(
    ("level", "merge", "least", "rows"),
    [
        ([0, 0.5, 1, 0.5, 0], 0, 1, [[1, 4]]),
        ([0, 0.5, 0.5, 0.5, 0], 0, 1, []),  # never reaches `on`
        ([1, 0, 0, 1], 2, 1, [[0, 1], [3, 4]]),
        ([1, 0, 0, 1], 3, 1, [[0, 4]]),
        ([1, 0, np.nan, 1], 3, 1, [[0, 1], [3, 4]]),  # nobody knows what was in the gap
        ([1, 0, 1, 1], 0, 2, [[2, 4]]),
        ([], 0, 1, []),
    ],
)
def test_hysteresis(level: list[float], merge: int, least: int, rows: list[list[int]]) -> None:
    assert stretches(np.array(level, np.float32), 0.9, 0.4, merge, least).tolist() == rows


def test_the_rule_of_meeting() -> None:
    real = truth(n=2, first_s=0.0, every_s=10.0, length_s=4.0)
    exact_half = truth(n=1, first_s=0.0, length_s=2.0)
    assert meet(real, exact_half) == Met(1, 2, 1)
    assert meet(real, truth(n=1, first_s=0.0, length_s=1.99)) == Met(0, 2, 1)
    assert meet(real, truth(n=1, first_s=0.0, length_s=20.0)) == Met(0, 2, 1), "one long answer meets nobody"
    assert meet(real, Labels()).f1 == 0.0 and meet(real, real).f1 == 1.0


def test_tuning_learns_thresholds_with_a_unit() -> None:
    labels = truth()
    made, other = (Tape(t.x - np.median(t.x, axis=0), MOTION) for t in (tape(MOTION, labels), tape(MOTION, labels, 7)))
    best, met = finish(tune(Threshold(), [made], "acc", [labels]))
    assert met.f1 >= 0.95 and meet(labels, proposed(best, other, "acc")).f1 >= 0.9


def test_tuning_needs_labels() -> None:
    with pytest.raises(DataError, match="none to learn from"):
        finish(tune(Energy(), [tape(MOTION, truth())], "acc", [Labels()]))


def test_a_curve_knows_its_end() -> None:
    assert Curve(50.0, np.zeros(100, np.float32), np.zeros(0, np.int64)).end_s == 2.0
