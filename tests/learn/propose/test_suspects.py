"""Wrong labels that were planted are the first to be shown."""

from dataclasses import replace

import numpy as np
import pytest

from studio.errors import DataError
from studio.learn.dataset import Dataset, windows
from studio.learn.propose.suspects import doubts
from studio.progress import finish
from tests.learn.toys import STREAM, people


def told(n: int = 5) -> tuple[Dataset, np.ndarray]:
    """Windows of n people, and the label of each: every 3 s of one activity is a label of its own."""
    data = windows(people(n), STREAM.name, 50, 50)
    of = np.unique(
        np.stack([np.unique(data.recording, return_inverse=True)[1], data.start // 150]), axis=1, return_inverse=True
    )[1]
    return data, np.asarray(of).reshape(-1).astype(np.int64)


def wrong(data: Dataset, of: np.ndarray, labels: list[int]) -> Dataset:
    y = data.y.copy()
    y[np.isin(of, labels)] = (y[np.isin(of, labels)] + 1) % 3
    return replace(data, y=y)


def test_planted_errors_come_first_with_the_right_suggestion() -> None:
    data, of = told()
    planted = [2, 17, 33]
    found = finish(doubts(wrong(data, of, planted), of))
    assert set(found.order[:3].tolist()) == set(planted) and found.by == "subject"
    right = {k: data.y[of == k][0] for k in planted}
    assert all(found.suggested[k] == right[k] for k in planted)
    assert found.flagged[planted].all() and found.flagged.sum() <= 4
    assert np.allclose(found.probabilities.sum(axis=1), 1)


def test_one_person_is_judged_label_by_label() -> None:
    data, of = told(1)
    found = finish(doubts(wrong(data, of, [4]), of))
    assert found.order[0] == 4 and found.by == "label"


def test_the_same_again() -> None:
    data, of = told(3)
    assert np.array_equal(finish(doubts(data, of)).fit, finish(doubts(data, of)).fit)


def test_too_few_labels_to_tell() -> None:
    data, of = told(1)
    few = data.take(np.flatnonzero((data.y != 1) | (of == of[data.y == 1][0])))
    kept = of[(data.y != 1) | (of == of[data.y == 1][0])]
    with pytest.raises(DataError, match="has 1 labels"):
        finish(doubts(few, np.unique(kept, return_inverse=True)[1].astype(np.int64)))
