"""Looking for the best model that a board can carry.

What is too large is told by a draft, before any learning, and never learns; the others learn from some of the groups
and are judged on the rest, by the very C kernels that the board will run; networks that fall behind are stopped early.
The finalists are judged on more groups and with more seeds, so that luck is not taken for skill. The recommended one
learns once more from all groups. The test part is never seen here.

The same data and seed give the same answer as long as the time does not run out; when it does, or when it is told to
stop, fewer candidates have been tried. What was tried is kept in a journal, and a search can go on from there.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.errors import TrainError
from studio.graph.graph import Graph
from studio.learn import DETECTORS, FAMILIES
from studio.learn.candidate import Best, Candidate, Fit, Limits, front, recommended, why
from studio.learn.confidence import Answers, confidence
from studio.learn.cost import Cost
from studio.learn.dataset import Dataset, check_classes
from studio.learn.families.family import Family
from studio.learn.folds import folds
from studio.learn.metrics import macro_f1
from studio.learn.quality import temperature, tempered
from studio.learn.space import Space
from studio.learn.split import Ints, Split, groups_of
from studio.learn.study import Proposal, Study
from studio.learn.surrogate import surrogate_score
from studio.progress import Progress, Work

#: Share of the time that is for looking; the rest is for judging the finalists and for the last fit.
LOOKING = 0.6


@dataclass(frozen=True)
class Plan:
    """How a search is done beyond its budget: fixed knobs, finalists, folds, seeds, journal, and when to stop."""

    fixed: Mapping[str, Any] = field(default_factory=dict)
    finalists: int = 3
    folds: int = 3
    seeds: int = 1
    journal: Path | None = None
    key: str = "search"
    resume: bool = False
    stop: Callable[[], bool] = lambda: False


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


@dataclass(frozen=True, eq=False)
class _Race:
    """What does not change during a search."""

    data: Dataset
    folds: tuple[Split, ...]
    limits: Limits
    weigh: Callable[[Graph], Cost]
    seed: int
    trials: int
    began: float
    seconds: float
    plan: Plan
    study: Study
    learn: Dataset
    held: Dataset

    def cost(self, graph: Graph) -> Cost:
        """The cost of a graph on the board that the limits are about."""
        cost, clock_hz = self.weigh(graph), self.limits.clock_hz
        if clock_hz is None or cost.source != "estimate" or cost.instructions_per_inference is None:
            return cost
        return replace(cost, latency_ms=1000 * cost.instructions_per_inference / clock_hz)

    def late(self, share: float = 1.0) -> bool:
        """Whether this share of the time is over, or somebody wants it to end."""
        return time.monotonic() > self.began + share * self.seconds or self.plan.stop()


def search(
    data: Dataset,
    limits: Limits,
    families: Sequence[str],
    trials: int,
    minutes: float,
    seed: int,
    weigh: Callable[[Graph], Cost],
    plan: Plan = Plan(),
) -> Work[Found]:
    """Try up to `trials` candidates for up to `minutes`; `data` is the training part alone.

    Progress.data carries `front`, a list of {"model", "family", "score", "cost"}, `candidates` (all that were tried,
    with the limits each exceeds as "violated"), and what the candidate in training tells. Raises DataError for data
    that cannot be learned from, TrainError when nothing fits the limits. Ctrl+C ends the looking, not the search.
    """
    began = time.monotonic()
    race = _race(data, limits, families, trials, minutes, seed, weigh, plan, began)
    tried = race.study.kept()
    try:
        yield from _look(race, tried)
        finalists = yield from _judge(race, tried)
    except KeyboardInterrupt:
        if not any(c.runs for c in tried):
            raise
        finalists = []
    best = yield from _settle(race, tried, finalists)
    judged = {c.name: c for c in finalists} | {best.name: best}
    everyone = tuple(judged.get(c.name, c) for c in tried)
    others = tuple(c for c in front(everyone) if c is not best)
    return Found(best, everyone, (best, *others), time.monotonic() - began, tuple(finalists))


def _race(
    data: Dataset, limits: Limits, families: Sequence[str], trials: int, minutes: float, seed: int,
    weigh: Callable[[Graph], Cost], plan: Plan, began: float,
) -> _Race:  # fmt: skip
    everyone = FAMILIES | DETECTORS
    if not all(name in DETECTORS for name in families):
        check_classes(data)
    loose = data.unmarked()
    parts = folds(loose, plan.folds, seed)
    space = Space({name: everyone[name] for name in families}, plan.fixed)
    study = Study(space, limits, seed, plan.journal, plan.key, plan.resume)
    sides = loose.take(parts[0].train), loose.take(parts[0].test)
    return _Race(loose, parts, limits, weigh, seed, trials, began, 60 * minutes, plan, study, *sides)


# --- looking -----------------------------------------------------------------------------


def _look(race: _Race, tried: list[Candidate]) -> Work[None]:
    """Try members until the trials or the time for looking are used up; the first that fits is always tried out."""
    while len(tried) < race.trials:
        if race.late(LOOKING) and any(c.runs for c in tried):
            return
        proposal = race.study.propose()
        candidate = None if proposal is None else (yield from _try(race, proposal, tried))
        if proposal is None or candidate is None:
            return
        race.study.keep(proposal, candidate)
        tried.append(candidate)


def _try(race: _Race, proposal: Proposal, tried: list[Candidate]) -> Work[Candidate | None]:
    """Draft, learn, judge one candidate; None when the time ran out on the way."""
    name = proposal.family
    settings = race.study.space.member(name, proposal.at)
    title = f"{name}-{race.study.by_family[name] + 1}"
    draft = settings.draft(race.learn)
    if draft is not None:
        cost = race.cost(draft)
        if violated := race.limits.violated(cost):
            yield _step(race, len(tried) + 1, tried, f"{title} rejected: {violated}", {})
            return Candidate(title, name, settings, 0.0, cost, violated, None)
    race.study.begin()
    watched = yield from _watched(race, settings, title, tried)
    if isinstance(watched, str):
        score, cost = race.study.last, race.cost(draft) if draft else Cost(0, 0)
        return Candidate(title, name, settings, score, cost, "", None, watched)
    if watched is None:
        return None
    score, cost = _score(watched, race.held, race.seed), race.cost(watched)
    return Candidate(title, name, settings, score, cost, race.limits.violated(cost), watched)


def _score(graph: Graph, held: Dataset, seed: int) -> float:
    """Macro-F1; where only one class was recorded, how well made-up anomalies are told from it."""
    if len(np.unique(held.y)) == 1:
        name = held.classes[int(held.y[0])]
        return surrogate_score(graph, held, graph.classes.index(name), seed)
    return macro_f1(held.y, graph.decide(graph.scores(held.x)), held.classes)


def _watched(race: _Race, settings: Family, title: str, tried: list[Candidate]) -> Work[Graph | str | None]:
    """Learn on the first fold: the graph, or when it was stopped (in words), or None when the time ran out."""
    work, number = settings.fit(race.learn, race.seed), len(tried)
    anything = any(c.runs for c in tried)
    try:
        while not (anything and race.late()):
            step = next(work)
            part = step.done / step.total if step.total else 0.0
            yield _step(race, number + part, tried, f"{title}: {step.text}", step.data)
            score = step.data.get("validation")
            if score is not None and race.study.behind(int(step.data["epoch"]), score):
                return f"stopped after {step.data['epoch']} epochs: behind others"
    except StopIteration as end:
        graph: Graph = end.value
        return graph
    finally:
        work.close()
    return None


# --- the finalists -----------------------------------------------------------------------


def finalists_of(tried: Sequence[Candidate], most: int) -> list[Candidate]:
    """The best by score, and of the front those that are smaller, up to `most`."""
    fitting = sorted((c for c in tried if c.runs), key=lambda c: (-c.score, c.cost.flash_bytes, c.name))
    on_front = [c for c in fitting if c in front(fitting)]
    chosen = [*on_front, *(c for c in fitting if c not in on_front)]
    return chosen[:most]


def _judge(race: _Race, tried: list[Candidate]) -> Work[list[Candidate]]:
    """The finalists, each judged on all folds and seeds as far as the time reaches."""
    chosen = finalists_of(tried, race.plan.finalists)
    if (len(chosen) < 2 and len(race.folds) < 2) or len(np.unique(race.data.y)) == 1:
        return []
    done: list[Candidate] = []
    for c in chosen:
        answers, fits = yield from _answers(race, c, tried, len(done))
        if not answers:
            break
        by = groups_of(race.data)[1]
        sure = confidence(answers, race.data.classes, f"{by}s" if by != "subject" else "people", race.seed)
        done.append(replace(c, score=sure.mean, confidence=sure, fits=fits))
    return done


def _answers(
    race: _Race, c: Candidate, tried: list[Candidate], n_done: int
) -> Work[tuple[list[Answers], tuple[Fit, ...]]]:
    """What fits on each fold with each seed say of those they have not seen, and those of the first seed.

    Nothing when it got late.
    """
    found, fits = list[Answers](), list[Fit]()
    groups = groups_of(race.data)[0]
    plan = [(f, s) for s in range(race.plan.seeds) for f in range(len(race.folds))]
    for f, s in plan:
        if race.late():
            return [], ()
        parts = race.folds[f]
        graph = c.graph if f == s == 0 else None
        if graph is None:
            work = c.settings.fit(race.data.take(parts.train), race.seed + s)
            graph = yield from _told(race, work, f"finalist {c.name}, fold {f + 1}", tried, n_done)
        if graph is None:
            return [], ()
        fits += [Fit(graph, unseen(race.data, parts))] if s == 0 else []
        held = race.data.take(parts.test)
        decided = graph.decide(graph.scores(held.x)).astype(np.int64)
        found.append(Answers(held.y, decided, groups[parts.test]))
    return found, tuple(fits)


def unseen(data: Dataset, parts: Split) -> dict[str, Ints]:
    """The starts of the windows on the judging side, by recording."""
    held = data.recording[parts.test]
    return {str(r): data.start[parts.test][held == r] for r in np.unique(held)}


def _told(race: _Race, work: Work[Graph], title: str, tried: list[Candidate], n_done: int) -> Work[Graph | None]:
    """Run a finalist's fit; None when the time ran out."""
    try:
        while not race.late():
            step = next(work)
            yield _step(race, race.trials, tried, f"{title}: {step.text}", {**step.data, "finalist": n_done + 1})
    except StopIteration as end:
        graph: Graph = end.value
        return graph
    finally:
        work.close()
    return None


# --- the end -----------------------------------------------------------------------------


def _step(race: _Race, done: float, tried: list[Candidate], text: str, data: dict[str, Any]) -> Progress:
    rows = [c.row() for c in front(tried)]
    everyone = [c.row() | {"violated": c.violated, "stopped": c.stopped} for c in tried]
    total = race.trials + 1
    return Progress(done, total, text, {**data, "front": rows, "tried": len(tried), "candidates": everyone})


def _settle(race: _Race, tried: list[Candidate], finalists: list[Candidate]) -> Work[Best]:
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
        graph = tempered(graph, doubt)
        cost = race.cost(graph)
        if not race.limits.violated(cost):
            return Best(
                **vars(chosen) | {"cost": cost, "violated": "", "graph": graph, "fits": _fits(race, chosen, doubt)},
                why=words,
                temperature=doubt,
            )
    raise _nothing(race, tried)


def _fits(race: _Race, chosen: Candidate, doubt: float) -> tuple[Fit, ...]:
    """Its fits as sure as the last one; where it was judged on one fold only, what it learned there."""
    known = chosen.fits or ((Fit(chosen.graph, unseen(race.data, race.folds[0])),) if chosen.graph else ())
    return tuple(Fit(tempered(f.graph, doubt), f.unseen) for f in known)


def _doubt(graph: Graph | None, held: Dataset) -> float:
    """The temperature that suits a graph on windows that it has not learned from; 1 where nothing is known."""
    known = graph is not None and len(np.unique(held.y)) > 1
    return temperature(held.y, graph.scores(held.x)) if known and graph is not None else 1.0


def _last(race: _Race, work: Work[Graph], title: str, tried: list[Candidate]) -> Work[Graph]:
    """The last fit, which no clock ends."""
    try:
        while True:
            step = next(work)
            part = step.done / step.total if step.total else 0.0
            yield _step(race, race.trials + part, tried, f"{title}: {step.text}", step.data)
    except StopIteration as end:
        graph: Graph = end.value
        return graph
    finally:
        work.close()


def _nothing(race: _Race, tried: Sequence[Candidate]) -> TrainError:
    smallest = min(tried, key=lambda c: (c.cost.flash_bytes, c.cost.ram_bytes))
    violated = smallest.violated or race.limits.violated(smallest.cost) or "too large on all groups"
    step = "Choose a larger board, raise the limit, or shorten the window."
    return TrainError(f"None of {len(tried)} candidates fits", f"the smallest, {smallest.name}, needs {violated}", step)
