"""The search obeys its limits, its clock and its seed."""

import dataclasses
import pickle
import subprocess
import sys
import threading
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import f1_score

from studio.errors import DataError, TrainError
from studio.graph.graph import Graph
from studio.learn import search as module
from studio.learn.cost import Cost, estimate
from studio.learn.dataset import split
from studio.learn.families.cnn import Cnn
from studio.learn.families.forest import RandomForest
from studio.learn.search import Candidate, Found, Limits, front, recommended, search
from studio.progress import Progress, finish
from tests.learn.test_families import same
from tests.learn.toys import toy


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that learn in a moment: every third is a network of few epochs."""
    monkeypatch.setattr(
        RandomForest, "propose", classmethod(lambda cls, n, rng: cls(trees=2 + 2 * n, bands=int(rng.choice([4, 8]))))
    )
    monkeypatch.setattr(Cnn, "propose", classmethod(lambda cls, n, rng: cls(width=4 + 4 * n, depth=2, epochs=4)))


def found(limits: Limits = Limits(), trials: int = 4, minutes: float = 5.0, seed: int = 0, watch=None) -> Found:  # noqa: B008
    work = search(toy(6), limits, ("forest", "cnn"), trials, minutes, seed, estimate)
    return finish(work, watch)


def test_families_take_turns_and_the_best_is_recommended() -> None:
    steps: list[Progress] = []
    result = found(watch=steps.append)
    assert [c.name for c in result.candidates] == ["forest-1", "cnn-1", "forest-2", "cnn-2"] and result.trials == 4
    assert result.best in result.front and result.best in result.candidates
    assert result.best.score >= max(c.score for c in result.candidates) - module.TIE
    assert result.best.cost == estimate(result.best.graph) and not result.rejected
    assert all(0 <= s.done <= s.total == 5 for s in steps)
    assert all(a.done <= b.done for a, b in pairwise(steps))
    rows = steps[-1].data["front"]
    assert rows and set(rows[0]) == {"model", "family", "score", "cost"} and rows[0]["cost"]["source"] == "estimate"
    assert any(s.data.get("validation") is not None for s in steps if s.text.startswith("cnn"))


def test_same_seed_same_answer() -> None:
    a, b = found(), found()
    assert [c.score for c in a.candidates] == [c.score for c in b.candidates]
    assert a.best.name == b.best.name and same(a.best.graph, b.best.graph)
    assert [c.settings for c in found(seed=1).candidates] != [c.settings for c in a.candidates] or found(
        seed=1
    ).best.score != a.best.score


def test_what_is_too_large_is_told_before_learning() -> None:
    free = found()
    flash = {c.name: c.cost.flash_bytes for c in free.candidates}
    steps: list[Progress] = []
    result = found(Limits(flash_bytes=flash["cnn-2"] - 1), watch=steps.append)
    assert [c.name for c in result.rejected if c.family == "cnn"] == ["cnn-2"]
    (large,) = (c for c in result.rejected if c.name == "cnn-2")
    assert large.row() | {"violated": large.violated} in steps[-1].data["candidates"]
    assert large.graph is None and large.violated.startswith("flash ") and large not in result.front


def test_time_is_a_limit_too_and_the_board_s_clock_counts() -> None:
    slow = found(Limits(latency_ms=1e9, clock_hz=1e6))
    assert slow.best.cost.latency_ms == pytest.approx((slow.best.cost.instructions_per_inference or 0) / 1000)
    least = min(c.cost.latency_ms or 0 for c in slow.candidates)
    result = found(Limits(latency_ms=least * 1.05, clock_hz=1e6))
    assert (result.best.cost.latency_ms or 0) <= least * 1.05 and result.rejected


def test_nothing_fits_and_the_message_says_how_far_off() -> None:
    with pytest.raises(TrainError, match=r"None of 4 candidates fits: the smallest, .*-1, needs RAM .* kB of 1\.0 kB"):
        found(Limits(ram_bytes=1024))


def test_a_candidate_that_grows_too_large_on_all_groups_gives_way_to_the_next() -> None:
    seen: list[Graph] = []

    def weigh(graph: Graph) -> Cost:
        seen.append(graph)
        return Cost(flash_bytes=100 if len(seen) != 3 else 300, ram_bytes=len(graph.nodes))

    work = search(toy(6), Limits(flash_bytes=200), ("forest",), 2, 5.0, 0, weigh)
    result = finish(work)
    first = recommended([dataclasses.replace(c, cost=Cost(100, 1)) for c in result.candidates])
    assert result.best.name != first.name and result.best.cost.flash_bytes == 100


def test_scores_are_macro_f1_of_the_kernels_on_people_held_out_and_the_last_fit_sees_everybody(monkeypatch) -> None:
    data = toy(6)
    wrong = np.random.default_rng(0).random(len(data)) < 0.3
    noisy = dataclasses.replace(data, y=np.where(wrong, (data.y + 1) % 3, data.y))
    learned: list[int] = []
    fit = RandomForest.fit
    monkeypatch.setattr(RandomForest, "fit", lambda self, d, seed: learned.append(len(d)) or fit(self, d, seed))
    result = finish(search(noisy, Limits(), ("forest",), 2, 5.0, 3, estimate))
    parts = split(noisy, 3)
    held = noisy.take(parts.test)
    assert learned == [len(parts.train), len(parts.train), len(noisy)]
    other = next(c for c in result.candidates if c is not result.best)
    assert other.graph is not None
    told = other.graph.decide(other.graph.scores(held.x))
    assert other.score == pytest.approx(f1_score(held.y, told, average="macro")) and other.score < 1


def test_time_told_by_a_board_is_not_guessed_again() -> None:
    def weigh(graph: Graph) -> Cost:
        return dataclasses.replace(estimate(graph), latency_ms=7.0, source="elf+board")

    result = finish(search(toy(4), Limits(clock_hz=1e6), ("forest",), 1, 5.0, 0, weigh))
    assert result.best.cost.latency_ms == 7.0


def test_out_of_time_ends_with_what_is_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(np.arange(0.0, 1e6, 10.0))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(clock)))
    result = found(minutes=0.1, trials=50)
    assert [c.name for c in result.candidates] == ["forest-1"] and result.best.name == "forest-1"


def test_closing_it_anywhere_leaves_nothing_behind() -> None:
    before = set(threading.enumerate())
    for n in (1, 3, 6, 9):
        work = search(toy(4), Limits(), ("cnn",), 2, 5.0, 0, estimate)
        for _ in range(n):
            next(work)
        work.close()
    assert set(threading.enumerate()) == before


def test_data_that_cannot_be_learned_from_is_refused() -> None:
    data = toy(4)
    few = data.take(np.flatnonzero(data.y != 2)[:40])
    with pytest.raises(DataError):
        finish(search(few, Limits(), ("forest",), 1, 1.0, 0, estimate))


def candidate(name: str, score: float, flash: int, violated: str = "") -> Candidate:
    return Candidate(name, "forest", RandomForest(), score, Cost(flash, 10), violated, None)


def test_front_and_recommendation() -> None:
    a, b, c = candidate("a", 0.90, 100), candidate("b", 0.95, 300), candidate("c", 0.90, 200)
    d, e = candidate("d", 0.947, 250), candidate("e", 0.99, 900, "flash")
    assert [x.name for x in front([a, b, c, d, e])] == ["a", "b", "d"]
    assert [x.name for x in front([a, dataclasses.replace(a, name="twin")])] == ["a", "twin"]
    assert recommended([a, b, c, d]).name == "d"
    assert recommended([a, b, c]).name == "b"


def test_what_goes_to_another_process_and_comes_back_is_the_same() -> None:
    data = pickle.loads(pickle.dumps(toy(4)))
    result = finish(search(data, Limits(), ("forest", "cnn"), 2, 5.0, 0, estimate))
    again = pickle.loads(pickle.dumps(result))
    assert same(again.best.graph, result.best.graph) and again.best in again.front
    assert np.array_equal(again.best.graph.scores(data.x), result.best.graph.scores(data.x))


def test_the_window_of_the_app_starts_without_the_libraries_that_learn() -> None:
    code = "import sys, studio.learn.search; assert not {'torch', 'sklearn', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
