"""Trying members: draft, learn, judge, some of them side by side; what they come to is kept in their order."""

from dataclasses import dataclass

import numpy as np

from studio.graph.graph import Graph
from studio.learn.candidate import Candidate
from studio.learn.cost import Cost
from studio.learn.dataset import Dataset
from studio.learn.families.family import Family
from studio.learn.meaning import tasks
from studio.learn.metrics import macro_f1
from studio.learn.pool import Fitting
from studio.learn.race import Race, step
from studio.learn.study import Halving, Proposal
from studio.learn.surrogate import surrogate_score
from studio.progress import Progress, Work

#: Share of the time that is for looking; the rest is for judging the finalists and for the last fit.
LOOKING = 0.6


@dataclass
class _Trial:
    """A member under way; `candidate` is what it came to, `part` how far it is."""

    proposal: Proposal
    title: str
    settings: Family
    draft: Cost | None = None
    fitting: Fitting | None = None
    halving: Halving | None = None
    candidate: Candidate | None = None
    part: float = 0.0

    def over(self, candidate: Candidate) -> None:
        """It has come to this."""
        self.candidate, self.part = candidate, 1.0


def look(race: Race, tried: list[Candidate]) -> Work[None]:
    """Try members until the trials or the time for looking are used up; the first that fits is always tried out."""
    under_way: list[_Trial] = []
    try:
        while True:
            yield from _more(race, tried, under_way)
            if not under_way or _too_late(race, tried):
                return
            yield from _go_on(race, tried, under_way)
            while under_way and under_way[0].candidate is not None:
                first = under_way.pop(0)
                assert first.candidate is not None
                race.study.keep(first.proposal, first.candidate, first.halving)
                tried.append(first.candidate)
    finally:
        for trial in under_way:
            if trial.fitting is not None:
                trial.fitting.stop()


def _too_late(race: Race, tried: list[Candidate], share: float = 1.0) -> bool:
    return any(c.runs for c in tried) and race.late(share)


def _more(race: Race, tried: list[Candidate], under_way: list[_Trial]) -> Work[None]:
    """Begin as many members as may learn side by side."""
    while len(under_way) < race.fits.side_by_side and len(tried) + len(under_way) < race.trials:
        if _too_late(race, tried, LOOKING):
            return
        asked = [t.proposal for t in under_way]
        proposal = race.study.propose(asked)
        if proposal is None:
            return
        trial = _begun(race, proposal, asked)
        under_way.append(trial)
        if trial.candidate is not None:
            yield _told(race, tried, under_way, f"{trial.title} rejected: {trial.candidate.violated}")


def _begun(race: Race, proposal: Proposal, asked: list[Proposal]) -> _Trial:
    """Draft it; learn only if it fits."""
    name = proposal.family
    number = race.study.by_family[name] + sum(p.family == name for p in asked) + 1
    trial = _Trial(proposal, f"{name}-{number}", race.study.space.member(name, proposal.at))
    draft = trial.settings.draft(race.learn)
    if draft is not None:
        trial.draft = race.cost(draft)
        if violated := race.limits.violated(trial.draft):
            trial.over(Candidate(trial.title, name, trial.settings, 0.0, trial.draft, violated, None))
            return trial
    trial.halving = race.study.begin(proposal.number)
    trial.fitting = race.fits.start(trial.settings, race.folds[0].train, race.seed)
    return trial


def _go_on(race: Race, tried: list[Candidate], under_way: list[_Trial]) -> Work[None]:
    """What those under way have to tell; those that fall behind are stopped."""
    quiet = True
    for trial in under_way:
        if trial.candidate is not None or trial.fitting is None:
            continue
        for news in trial.fitting.news():
            quiet = False
            trial.part = max(trial.part, news.done / news.total if news.total else 0.0)
            yield _told(race, tried, under_way, f"{trial.title}: {news.text}", news)
            if _behind(race, trial, news):
                break
        if trial.fitting.done and trial.candidate is None and trial.fitting.graph is not None:
            trial.over(_judged(race, trial, trial.fitting.graph))
            quiet = False
    if quiet and all(t.candidate is None for t in under_way):
        race.fits.rest()


def _behind(race: Race, trial: _Trial, news: Progress) -> bool:
    """Whether it fell too far behind the others; then it is over."""
    score, halving = news.data.get("validation"), trial.halving
    assert halving is not None and trial.fitting is not None
    if score is None or not halving.behind(int(news.data["epoch"]), score):
        return False
    trial.fitting.stop()
    words = f"stopped after {news.data['epoch']} epochs: behind others"
    cost = trial.draft or Cost(0, 0)
    trial.over(
        Candidate(trial.title, trial.proposal.family, trial.settings, halving.last, cost, "", None, words)
    )  # fmt: skip
    return True


def _judged(race: Race, trial: _Trial, graph: Graph) -> Candidate:
    score, cost = _score(graph, race.held, race.seed), race.cost(graph)
    name, violated = trial.proposal.family, race.limits.violated(cost)
    return Candidate(trial.title, name, trial.settings, score, cost, violated, graph)


def _told(
    race: Race, tried: list[Candidate], under_way: list[_Trial], text: str, news: Progress | None = None
) -> Progress:
    done = len(tried) + sum(t.part for t in under_way)
    return step(race, min(done, race.trials), tried, text, dict(news.data) if news else {})


def _score(graph: Graph, held: Dataset, seed: int) -> float:
    """Macro-F1, or R2 of numbers; where only one class was recorded, how well made-up anomalies are told from it."""
    if held.task != tasks.CLASSES:
        return tasks.score(held, graph.scores(held.x), graph.classes)
    if len(np.unique(held.y)) == 1:
        name = held.classes[int(held.y[0])]
        return surrogate_score(graph, held, graph.classes.index(name), seed)
    return macro_f1(held.y, graph.decide(graph.scores(held.x)), held.classes)
