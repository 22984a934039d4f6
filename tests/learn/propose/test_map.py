"""A map keeps together what is alike, names the groups, and says what it cannot do."""

import numpy as np
import pytest

from studio.errors import DataError
from studio.learn.propose.map import WAYS, MapSettings, drawn
from studio.progress import finish


def three(n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    middles = rng.normal(0, 6, (3, 10))
    y = np.repeat(np.arange(3), n)
    return (middles[y] + rng.normal(0, 1, (3 * n, 10))).astype(np.float32), y


@pytest.mark.parametrize("way", WAYS)
def test_what_is_alike_lies_together(way: str) -> None:
    x, y = three()
    made = finish(drawn(x, y, MapSettings(way=way)))
    middles = np.array([made.points[y == c].mean(axis=0) for c in range(3)])
    apart = np.linalg.norm(made.points[:, None] - middles[None], axis=2)
    assert (apart.argmin(axis=1) == y).mean() > 0.97
    assert made.points.min() >= -0.03 and made.points.max() <= 1.03
    assert made.kept.tolist() == list(range(len(x)))


def test_groups_are_the_clusters_however_many_there_are() -> None:
    x, y = three()
    made = finish(drawn(x, np.full(len(x), -1), MapSettings()))
    assert len(np.unique(made.group)) == 3
    assert all(len(np.unique(made.group[y == c])) == 1 for c in range(3))
    assert len(np.unique(finish(drawn(x, y, MapSettings(groups=5))).group)) == 5


def test_windows_with_a_gap_are_not_on_the_map() -> None:
    x, y = three()
    x[7, 2] = np.nan
    made = finish(drawn(x, y, MapSettings()))
    assert len(made.kept) == len(x) - 1 and 7 not in made.kept


def test_lda_learns_from_the_labelled_and_draws_the_rest() -> None:
    x, y = three()
    few = np.where(np.arange(len(y)) % 6 == 0, y, -1)
    made = finish(drawn(x, few, MapSettings(way="LDA")))
    middles = np.array([made.points[y == c].mean(axis=0) for c in range(3)])
    assert (np.linalg.norm(made.points[:, None] - middles[None], axis=2).argmin(axis=1) == y).mean() > 0.95


def test_lda_with_two_classes_has_two_axes() -> None:
    x, y = three()
    made = finish(drawn(x, np.where(y == 2, -1, y), MapSettings(way="LDA")))
    assert made.points.shape == (len(x), 2) and made.points.std(axis=0).min() > 0.01


def test_too_little() -> None:
    x, y = three()
    with pytest.raises(DataError, match="two classes"):
        finish(drawn(x, np.full(len(x), -1), MapSettings(way="LDA")))
    with pytest.raises(DataError, match="only 3 whole"):
        finish(drawn(x[:3], y[:3], MapSettings()))
