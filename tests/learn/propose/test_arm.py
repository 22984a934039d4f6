"""Events proposed in a real stream of arm gestures: learned on one person, judged on the other.

The rule is that of `judge`: intersection over union of at least one half. All of each person's recording counts, with
the minutes in which nothing is labelled. The three accelerometers (nine channels) are read; of the parameters, those
that name values for a search are learned on one person, the others are what everybody gets.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from studio.data.labels import Labels, Segment
from studio.data.stream import Stream
from studio.learn.propose.changes import Changes
from studio.learn.propose.energy import Energy
from studio.learn.propose.judge import meet, tune
from studio.learn.propose.proposer import Proposer, proposed
from studio.progress import finish
from tests.learn.propose.tapes import Tape

pytestmark = pytest.mark.slow
ACCELERATION = [0, 1, 2, 5, 6, 7, 10, 11, 12]
STREAM = Stream("acc", 32.0, tuple(f"a{i}" for i in range(9)), "", "f32", 1.0, "accelerometer")


@pytest.fixture(scope="module")
def people(shared: Path) -> list[tuple[Tape, Labels]]:
    with np.load(shared / "data" / "gesture_arm_actrectut" / "recordings.npz") as z:
        return [(Tape(z[f"data_s{s}"][:, ACCELERATION], STREAM), _labels(z[f"label_s{s}"])) for s in "12"]


def _labels(y: np.ndarray) -> Labels:
    edges = np.concatenate([[0], np.flatnonzero(np.diff(y.astype(int))) + 1, [len(y)]])
    pieces = pairwise(edges)
    return Labels(tuple(Segment(a / 32, b / 32, str(y[a])) for a, b in pieces if y[a] > 0))


@pytest.mark.parametrize("learned", [0, 1])
@pytest.mark.parametrize("method", [Energy(), Changes()], ids=lambda m: m.name)
def test_event_f1_on_the_other_person(people: list[tuple[Tape, Labels]], method: Proposer, learned: int) -> None:
    (tape, labels), (other, truth) = people[learned], people[1 - learned]
    best, own = finish(tune(method, [tape], "acc", [labels]))
    met = meet(truth, proposed(best, other, "acc"))
    print(f"{method.name} learned on person {learned + 1} (F1 {own.f1:.3f}): {met.f1:.3f} on the other, {met}")
    assert met.true == 286 and met.f1 >= 0.8
