"""Looking for the best model that a board can carry.

What is too large is told by a draft, before any learning, and never learns; the others learn from some of the groups
and are judged on the rest, by the very C kernels that the board will run; networks that fall behind are stopped early.
The finalists are judged on more groups and with more seeds, so that luck is not taken for skill. The recommended one
learns once more from all groups. The test part is never seen here.

The same data and seed give the same answer as long as the time does not run out; when it does, or when it is told to
stop, fewer candidates have been tried. What was tried is kept in a journal, and a search can go on from there.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from studio.errors import TrainError
from studio.graph.graph import Graph
from studio.learn import DETECTORS, FAMILIES
from studio.learn.candidate import Best, Candidate, Fit, Limits, front, recommended, why
from studio.learn.cost import Cost
from studio.learn.dataset import Dataset, check_classes
from studio.learn.folds import folds
from studio.learn.judging import judge, unseen
from studio.learn.looking import look
from studio.learn.meaning import tasks
from studio.learn.pool import Cuts, Here, Pool
from studio.learn.quality import temperature, tempered
from studio.learn.race import Plan as Plan
from studio.learn.race import Race, step
from studio.learn.space import Space
from studio.learn.study import Study
from studio.progress import Work


@dataclass(frozen=True, eq=False)
class Found:
    """What a search came to: all that were tried, and as `front` the best, then those that nothing beats."""

    best: Best
    candidates: tuple[Candidate, ...]
    front: tuple[Candidate, ...]
    seconds: float
    finalists: tuple[Candidate, ...] = ()

    @property
    def trials(self) -> int:
        """How many were tried, also those that were rejected by their draft."""
        return len(self.candidates)

    @property
    def rejected(self) -> tuple[Candidate, ...]:
        """Those that exceed a limit."""
        return tuple(c for c in self.candidates if c.violated)


def search(
    data: Dataset,
    limits: Limits,
    families: Sequence[str],
    trials: int,
    minutes: float,
    seed: int,
    weigh: Callable[[Graph], Cost],
    plan: Plan = Plan(),  # noqa: B008
) -> Work[Found]:
    """Try up to `trials` candidates for up to `minutes`; `data` is the training part alone.

    Progress.data carries `front`, a list of {"model", "family", "score", "cost"}, `candidates` (all that were tried,
    with the limits each exceeds as "violated"), and what the candidate in training tells. Raises DataError for data
    that cannot be learned from, TrainError when nothing fits the limits. Ctrl+C ends the looking, not the search.
    """
    began = time.monotonic()
    cuts = Cuts(data.unmarked())
    with _places(cuts, plan) as fits:
        race = _race(cuts, limits, families, trials, minutes, seed, weigh, plan, began, fits)
        tried = race.study.kept()
        try:
            yield from look(race, tried)
            finalists = yield from judge(race, tried)
        except KeyboardInterrupt:
            if not any(c.runs for c in tried):
                raise
            finalists = []
    best = yield from _settle(race, tried, finalists)
    judged = {c.name: c for c in finalists} | {best.name: best}
    everyone = tuple(judged.get(c.name, c) for c in tried)
    others = tuple(c for c in front(everyone) if c is not best)
    return Found(best, everyone, (best, *others), time.monotonic() - began, tuple(finalists))


def _places(cuts: Cuts, plan: Plan) -> Here | Pool:
    if plan.side_by_side <= 1:
        return Here(cuts)
    return Pool(cuts.data, plan.side_by_side, plan.journal and plan.journal.with_name("windows"))


def _race(
    cuts: Cuts, limits: Limits, families: Sequence[str], trials: int, minutes: float, seed: int,
    weigh: Callable[[Graph], Cost], plan: Plan, began: float, fits: Here | Pool,
) -> Race:  # fmt: skip
    everyone, data = FAMILIES | DETECTORS, cuts.data
    if not all(name in DETECTORS for name in families):
        check_classes(data)
    parts = folds(data, plan.folds, seed)
    space = Space({name: everyone[name] for name in families}, plan.fixed)
    study = Study(space, limits, seed, plan.journal, plan.key, plan.resume)
    return Race(data, parts, limits, weigh, seed, trials, began, 60 * minutes, plan, study, cuts, fits)


def _settle(race: Race, tried: list[Candidate], finalists: list[Candidate]) -> Work[Best]:
    """The recommended candidate, learned once more from all data; the next best where that made it too large."""
    judged = {c.name: c for c in finalists}
    left = [judged.get(c.name, c) for c in tried if c.runs]
    while left:
        chosen = recommended(left)
        words = why(chosen, left)
        left.remove(chosen)
        work = chosen.settings.final().fit(race.data, race.seed)
        graph = yield from _last(race, work, f"{chosen.name} on all groups", tried)
        doubt = _doubt(chosen.graph, race.held)
        hot, graph = graph, tempered(graph, doubt)
        cost = race.cost(graph)
        if not race.limits.violated(cost):
            return Best(
                **vars(chosen) | {"cost": cost, "violated": "", "graph": graph, "fits": _fits(race, chosen, doubt)},
                why=words,
                temperature=doubt if graph is not hot else 1.0,
            )
    raise _nothing(race, tried)


def _fits(race: Race, chosen: Candidate, doubt: float) -> tuple[Fit, ...]:
    """Its fits as sure as the last one; where it was judged on one fold only, what it learned there."""
    known = chosen.fits or ((Fit(chosen.graph, unseen(race.data, race.folds[0])),) if chosen.graph else ())
    return tuple(Fit(tempered(f.graph, doubt), f.unseen) for f in known)


def _doubt(graph: Graph | None, held: Dataset) -> float:
    """The temperature that suits a graph on windows that it has not learned from; 1 where nothing is known."""
    known = graph is not None and held.task == tasks.CLASSES and len(np.unique(held.y)) > 1
    return temperature(held.y, graph.scores(held.x)) if known and graph is not None else 1.0


def _last(race: Race, work: Work[Graph], title: str, tried: list[Candidate]) -> Work[Graph]:
    """The last fit, which no clock ends."""
    try:
        while True:
            news = next(work)
            part = news.done / news.total if news.total else 0.0
            yield step(race, race.trials + part, tried, f"{title}: {news.text}", news.data)
    except StopIteration as end:
        graph: Graph = end.value
        return graph
    finally:
        work.close()


def _nothing(race: Race, tried: Sequence[Candidate]) -> TrainError:
    smallest = min(tried, key=lambda c: (c.cost.flash_bytes, c.cost.ram_bytes))
    violated = smallest.violated or race.limits.violated(smallest.cost) or "too large on all groups"
    step = "Choose a larger board, raise the limit, or shorten the window."
    return TrainError(f"None of {len(tried)} candidates fits", f"the smallest, {smallest.name}, needs {violated}", step)
