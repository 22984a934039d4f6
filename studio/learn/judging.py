"""The finalists: the best and what is smaller, judged on more groups and with more seeds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from studio.graph.graph import Graph
from studio.learn.candidate import Candidate, Fit, front
from studio.learn.confidence import Answers, Told, confidence, confidence_of
from studio.learn.dataset import Dataset
from studio.learn.meaning import tasks
from studio.learn.pool import Fitting
from studio.learn.race import Race, step
from studio.learn.split import Ints, Split, groups_of
from studio.progress import Work


def finalists_of(tried: Sequence[Candidate], most: int) -> list[Candidate]:
    """The best by score, and of the front those that are smaller, up to `most`."""
    fitting = sorted((c for c in tried if c.runs), key=lambda c: (-c.score, c.cost.flash_bytes, c.name))
    on_front = [c for c in fitting if c in front(fitting)]
    chosen = [*on_front, *(c for c in fitting if c not in on_front)]
    return chosen[:most]


def judge(race: Race, tried: list[Candidate]) -> Work[list[Candidate]]:
    """The finalists, each judged on all folds and seeds as far as the time reaches."""
    chosen = finalists_of(tried, race.plan.finalists)
    if (len(chosen) < 2 and len(race.folds) < 2) or len(np.unique(race.data.y)) == 1:
        return []
    rounds = [(s, f) for s in range(race.plan.seeds) for f in range(len(race.folds))]
    graphs = yield from _fitted(race, tried, [_Round(c, *r) for c in chosen for r in rounds])
    done: list[Candidate] = []
    for i, c in enumerate(chosen):
        own = graphs[i * len(rounds) : (i + 1) * len(rounds)]
        if len(own) < len(rounds):
            break
        done.append(_sure(race, c, list(zip(rounds, own, strict=True))))
    return done


@dataclass(frozen=True, eq=False)
class _Round:
    """A finalist, to learn with one seed on one fold."""

    candidate: Candidate
    seed: int
    fold: int

    @property
    def known(self) -> Graph | None:
        """What it came to while looking, on the very same windows with the same seed."""
        return self.candidate.graph if self.seed == self.fold == 0 else None


def _fitted(race: Race, tried: list[Candidate], rounds: list[_Round]) -> Work[list[Graph]]:
    """The graphs of the rounds in turn, some learned side by side; fewer when it got late."""
    found: list[Graph] = []
    under_way: list[tuple[_Round, Fitting | None]] = []
    left: Iterator[_Round] = iter(rounds)
    try:
        while len(found) < len(rounds) and not race.late():
            while len(under_way) < race.fits.side_by_side and (r := next(left, None)) is not None:
                parts = race.folds[r.fold]
                fit = None if r.known else race.fits.start(r.candidate.settings, parts.train, race.seed + r.seed)
                under_way.append((r, fit))
            quiet = True
            for r, fit in under_way:
                for news in fit.news() if fit else ():
                    quiet = False
                    text = f"finalist {r.candidate.name}, fold {r.fold + 1}: {news.text}"
                    data = {**news.data, "finalist": len({id(x.candidate) for x in rounds[: rounds.index(r) + 1]})}
                    yield step(race, race.trials, tried, text, data)
            while under_way and (graph := _end(*under_way[0])) is not None:
                found.append(graph)
                under_way.pop(0)
                quiet = False
            if quiet:
                race.fits.rest()
    finally:
        for _, fit in under_way:
            if fit is not None:
                fit.stop()
    return found


def _end(r: _Round, fit: Fitting | None) -> Graph | None:
    """What a round came to; None while it learns."""
    return r.known if fit is None else fit.graph


def _sure(race: Race, c: Candidate, rounds: list[tuple[tuple[int, int], Graph]]) -> Candidate:
    """The finalist with what is known of its score from windows that its graphs have not seen."""
    groups, by = groups_of(race.data)
    answers, told, fits = list[Answers](), list[Told](), list[Fit]()
    for (seed, fold), graph in rounds:
        parts = race.folds[fold]
        held = race.cuts.of(parts.test)
        fits += [Fit(graph, unseen(race.data, parts))] if seed == 0 else []
        scores = graph.scores(held.x)
        if held.task != tasks.CLASSES:
            found = tasks.tally(held.task, tasks.targets(held, graph.classes), scores)
            told.append(Told(found, groups[parts.test]))
            continue
        answers.append(Answers(held.y, graph.decide(scores).astype(np.int64), groups[parts.test]))
    of = f"{by}s" if by != "subject" else "people"
    if told:
        sure = confidence_of(told, partial(tasks.worth, race.data.task), of, race.seed)
    else:
        sure = confidence(answers, race.data.classes, of, race.seed)
    return replace(c, score=sure.mean, confidence=sure, fits=tuple(fits))


def unseen(data: Dataset, parts: Split) -> dict[str, Ints]:
    """The starts of the windows on the judging side, by recording."""
    held = data.recording[parts.test]
    return {str(r): data.start[parts.test][held == r] for r in np.unique(held)}
