"""The search obeys its limits, its clock and its seed."""

import dataclasses
import multiprocessing
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from studio.errors import DataError, InputError, TrainError
from studio.graph.graph import Graph
from studio.learn import search as module
from studio.learn.candidate import TIE, Candidate, Limits, front, recommended
from studio.learn.confidence import Answers, confidence
from studio.learn.cost import Cost, estimate
from studio.learn.dataset import split
from studio.learn.families.cnn import Cnn
from studio.learn.families.forest import RandomForest
from studio.learn.folds import folds
from studio.learn.pool import Pool
from studio.learn.search import Found, Plan, search
from studio.learn.space import fixed_knobs
from studio.progress import Progress, finish
from tests.learn.test_families import same
from tests.learn.toys import toy


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that learn in a moment."""
    forests = tuple(RandomForest(trees=t, bands=b) for t, b in ((4, 6), (6, 12), (8, 6), (12, 12)))
    nets = tuple(Cnn(width=w, depth=2, epochs=4) for w in (4, 8, 12, 16))
    monkeypatch.setattr(RandomForest, "guesses", classmethod(lambda cls: forests))
    monkeypatch.setattr(Cnn, "guesses", classmethod(lambda cls: nets))


QUICK = Plan(fixed={"cnn.epochs": 4, "cnn.depth": 2}, finalists=2, folds=2)
NO_FINALS = dataclasses.replace(QUICK, finalists=0, folds=1)


def found(
    limits: Limits = Limits(),  # noqa: B008
    trials: int = 4,
    minutes: float = 5.0,
    seed: int = 0,
    watch: Callable[[Progress], None] | None = None,
    plan: Plan = QUICK,
    families: tuple[str, ...] = ("forest", "cnn"),
) -> Found:
    return finish(search(toy(6), limits, families, trials, minutes, seed, estimate, plan), watch)


def test_families_take_turns_and_the_best_is_recommended() -> None:
    steps: list[Progress] = []
    result = found(watch=steps.append)
    assert [c.name for c in result.candidates] == ["forest-1", "cnn-1", "forest-2", "cnn-2"] and result.trials == 4
    assert result.best in result.front and result.best in result.candidates
    assert result.best.score >= max(c.score for c in result.candidates) - TIE
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


def test_beyond_the_guesses_the_seed_decides_what_is_drawn() -> None:
    a, b, c = (found(trials=12, seed=s, plan=NO_FINALS) for s in (0, 0, 1))
    drawn = [[x.settings for x in r.candidates[8:]] for r in (a, b, c)]
    assert drawn[0] == drawn[1] != drawn[2] and len({repr(x.settings) for x in a.candidates}) == 12
    assert [x.settings for x in a.candidates[:8]] == [x.settings for x in c.candidates[:8]]


def test_what_is_too_large_is_told_before_learning() -> None:
    free = found()
    flash = {c.name: c.cost.flash_bytes for c in free.candidates}
    steps: list[Progress] = []
    result = found(Limits(flash_bytes=flash["cnn-2"] - 1), watch=steps.append)
    assert [c.name for c in result.rejected if c.family == "cnn"] == ["cnn-2"]
    (large,) = (c for c in result.rejected if c.name == "cnn-2")
    assert large.row() | {"violated": large.violated, "stopped": ""} in steps[-1].data["candidates"]
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
    result = finish(search(noisy, Limits(), ("forest",), 2, 5.0, 3, estimate, NO_FINALS))
    parts = split(noisy, 3)
    held = noisy.take(parts.test)
    assert learned == [len(parts.train), len(parts.train), len(noisy)]
    other = next(c for c in result.candidates if c is not result.best)
    assert other.graph is not None
    told = other.graph.decide(other.graph.scores(held.x))
    assert other.score == pytest.approx(f1_score(held.y, told, average="macro")) and other.score < 1


def test_a_network_that_cannot_fit_never_learns_a_single_step(monkeypatch: pytest.MonkeyPatch) -> None:
    fits: list[Cnn] = []
    fit = Cnn.fit
    monkeypatch.setattr(Cnn, "fit", lambda self, d, seed: fits.append(self) or fit(self, d, seed))
    flash = {
        c.settings.width: c.cost.flash_bytes for c in found(plan=NO_FINALS, trials=8, families=("cnn",)).candidates
    }
    fits.clear()
    limits = Limits(flash_bytes=sorted(flash.values())[1])
    result = found(limits, plan=NO_FINALS, trials=12, families=("cnn",))
    too_large = [c.settings for c in result.rejected]
    assert {12, 16} <= {s.width for s in too_large} and not set(too_large) & set(fits) and fits
    assert all(c.score == 0 and c.graph is None and "flash" in c.violated for c in result.rejected)


def test_a_network_that_falls_behind_is_stopped_early_and_never_recommended() -> None:
    plan = dataclasses.replace(NO_FINALS, fixed={"cnn.epochs": 14, "cnn.width": 4})
    wrong = np.random.default_rng(0).random(len(toy(6))) < 0.3
    noisy = dataclasses.replace(toy(6), y=np.where(wrong, (toy(6).y + 1) % 3, toy(6).y))
    steps: list[Progress] = []
    result = finish(search(noisy, Limits(), ("cnn",), 9, 5.0, 0, estimate, plan), steps.append)
    stopped = [c for c in result.candidates if c.stopped]
    assert stopped and all(c.stopped.startswith(("stopped after 8 ", "stopped after 24 ")) for c in stopped)
    assert not result.best.stopped and not {c.name for c in stopped} & {c.name for c in result.front}
    whole = [c for c in result.candidates if not c.stopped]
    assert min(c.score for c in whole) >= min(c.score for c in stopped)


def test_a_search_goes_on_from_its_journal_as_if_it_had_not_been_interrupted(tmp_path: Path) -> None:
    plan = dataclasses.replace(NO_FINALS, journal=tmp_path / "search" / "journal.log", key="k")
    whole = found(trials=11, plan=NO_FINALS)
    work = search(toy(6), Limits(), ("forest", "cnn"), 11, 5.0, 0, estimate, plan)
    while next(work).data.get("tried", 0) < 9:
        pass
    work.close()  # killed while the tenth learns
    begun: list[str] = []
    rest = found(trials=11, plan=dataclasses.replace(plan, resume=True), watch=lambda p: begun.append(p.text))
    assert [c.settings for c in rest.candidates] == [c.settings for c in whole.candidates]
    assert [c.score for c in rest.candidates] == [c.score for c in whole.candidates]
    assert rest.best.name == whole.best.name and same(rest.best.graph, whole.best.graph)
    learned = {t.partition(":")[0] for t in begun if "on all groups" not in t}
    assert learned <= {c.name for c in whole.candidates[9:]} and learned
    other = found(trials=1, plan=dataclasses.replace(plan, resume=True, key="other data"))
    assert other.trials == 1
    assert found(trials=2, plan=plan).trials == 2, "without resume it starts anew"


def test_fixed_knobs_stay_and_the_others_are_drawn() -> None:
    plan = dataclasses.replace(NO_FINALS, fixed={"bands": 5, "forest.leaf": 7})
    result = found(trials=12, plan=plan, families=("forest", "extra_trees"))
    knobs = [(c.settings.bands, c.settings.leaf) for c in result.candidates]
    assert {b for b, _ in knobs} == {5}
    assert {c.settings.leaf for c in result.candidates if c.family == "forest"} == {7}
    assert len({c.settings.leaf for c in result.candidates if c.family == "extra_trees"}) > 1
    kinds = {"cnn": Cnn, "forest": RandomForest}
    assert fixed_knobs(("cnn.width=20", "bands = 3"), kinds) == {"cnn.width": 20, "bands": 3}
    for wrong in ("colour=red", "cnn.width=wide", "forest.width=3"):
        with pytest.raises(InputError):
            fixed_knobs((wrong,), kinds)


def test_finalists_are_judged_on_groups_that_no_other_fold_judges() -> None:
    data = toy(6)
    parts = folds(data, 3, 0)
    judged = [set(data.subject[p.test].tolist()) for p in parts]
    assert len(parts) == 3 and sum(map(len, judged)) == len(set().union(*judged))
    assert all(not judged[i] & set(data.subject[p.train].tolist()) for i, p in enumerate(parts))
    assert (parts[0].test == split(data, 0).test).all()
    result = found(plan=dataclasses.replace(QUICK, folds=3))
    sure = result.best.confidence
    assert sure is not None and sure.n_fits == 3 and sure.of == "people"
    assert sure.n_groups == sum(map(len, judged)) and sure.low <= sure.mean <= sure.high + 1e-9
    assert (result.best.score == sure.mean and result.best.why.endswith("flash.")) or "smallest" in result.best.why
    assert len(result.finalists) == 2


def test_one_lucky_group_does_not_win() -> None:
    y = np.tile([0, 1], 50)
    group = np.repeat(["a", "b", "c", "d", "e"], 20)
    steady = np.where(np.arange(100) % 10 == 0, 1 - y, y)  # one in ten wrong everywhere
    lucky = np.where(group == "e", 1 - y, y)  # all right, but one person all wrong
    a, b = (confidence([Answers(y, d, group)], ("x", "y"), "people", 0) for d in (steady, lucky))
    assert b.low < a.low and a.std < 0.01 < b.std and a.n_groups == 5
    assert a.mean == pytest.approx(f1_score(y, steady, average="macro"))


def test_told_to_stop_it_ends_with_the_best_so_far() -> None:
    steps: list[Progress] = []
    stop = dataclasses.replace(QUICK, stop=lambda: len(steps) > 6)
    result = found(trials=50, plan=stop, watch=steps.append)
    assert 1 <= result.trials < 6 and result.best.graph is not None


def test_ctrl_c_keeps_the_best_so_far() -> None:
    n = [0]

    def stop() -> bool:
        n[0] += 1
        if n[0] == 40:
            raise KeyboardInterrupt
        return False

    result = found(trials=50, plan=dataclasses.replace(QUICK, stop=stop))
    assert 1 <= result.trials < 50 and result.best.graph is not None


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


def large() -> Plan:
    return dataclasses.replace(QUICK, fixed={"cnn.width": 4, "cnn.depth": 2, "cnn.epochs": 3, "forest.trees": 4})


@pytest.mark.slow
def test_side_by_side_comes_to_the_same_and_leaves_no_process(tmp_path: Path) -> None:
    alone = found(trials=6, plan=large())
    beside = found(trials=6, plan=dataclasses.replace(large(), side_by_side=2))
    assert [c.name for c in beside.candidates] == [c.name for c in alone.candidates]
    assert [c.score for c in beside.candidates] == [c.score for c in alone.candidates]
    assert beside.best.confidence == alone.best.confidence and same(beside.best.graph, alone.best.graph)
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_process_that_dies_is_told_and_closing_ends_the_others() -> None:
    data = toy(4)
    with Pool(data, 2) as pool:
        fits = [pool.start(Cnn(width=4, epochs=500), np.arange(len(data)), seed) for seed in (0, 1)]
        while not fits[0].news():
            pool.rest()
        victim, other = multiprocessing.active_children()
        victim.kill()
        with pytest.raises(TrainError, match="the process that it learned in has ended"):
            while True:
                for fit in fits:
                    fit.news()
        assert other.is_alive()
        failing = pool.start(Cnn(), np.arange(3), 0)
        with pytest.raises(DataError):
            while True:
                failing.news()
    assert not multiprocessing.active_children()


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
