"""Search for the best model under a board's limits, weigh it for real, and keep it with the lock of its origins."""

import hashlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from studio import __version__
from studio.app import models
from studio.app.actions.build import weigh
from studio.app.actions.cutting import around_events
from studio.app.actions.cutting import dataset as dataset
from studio.app.actions.cutting import trusted as trusted
from studio.app.actions.deciding import Tuned, keep, tune
from studio.app.actions.evaluate import judge
from studio.app.actions.looks import looked_at
from studio.app.tools import versions
from studio.data.project import Project, open_project, recordings
from studio.errors import InputError
from studio.firmware.board import Board, boards
from studio.graph.streaming import streaming
from studio.learn import DETECTORS, FAMILIES, tells, usual
from studio.learn.candidate import Best, Candidate, Limits
from studio.learn.cost import Cost, estimate
from studio.learn.dataset import Dataset, Split, data_sha256, split
from studio.learn.leak import Leak, leak
from studio.learn.matching import Evidence
from studio.learn.meaning import tasks
from studio.learn.search import Found, Plan, search
from studio.learn.space import fixed_knobs
from studio.learn.split import Ints, groups_of
from studio.learn.twins import Twins, twins, without_twins
from studio.params import check, param
from studio.progress import Progress, Work

#: What a model must do whose memory goes on: a mean over a window would begin anew with each.
AT_THE_END = {"read": "last"}
STREAMING = ("gru", "tcn")
#: A search of so few candidates is over before further processes have begun.
SHORT = 4


@dataclass(frozen=True)
class TrainSettings:
    """What a person may set for a search; the rest is found."""

    board: str = param("cortex-m4f", "Board whose memory and speed are the limits.")
    task: str = param(
        tasks.CLASSES, 'What to tell: one of the classes, a number (labels such as "12.5 kg"), or several labels at '
        'once (labels such as "music+speech").', choices=tasks.TASKS,
    )  # fmt: skip
    max_ram_kb: float = param(0.0, "Most RAM the model may need; 0: the board's.", unit="kB", low=0.0)
    max_flash_kb: float = param(0.0, "Most flash the model may need; 0: the board's.", unit="kB", low=0.0)
    max_latency_ms: float = param(0.0, "Longest time for one answer; 0: the stride.", unit="ms", low=0.0)
    minutes: float = param(5.0, "Stop looking for better models after this time.", unit="min", low=0.05, high=1440.0)
    trials: int = param(8, "Most candidates to train.", low=1, high=1000)
    families: tuple[str, ...] = param((), "Families to try; none: the usual ones.")
    seed: int = param(0, "Same seed, same model.", low=0)
    stream: str = param("", "Stream to learn from; empty: the one with most labelled data.")
    window_s: float = param(0.0, "Length of a window; 0: from the labels.", unit="s", low=0.0, high=60.0)
    stride_s: float = param(0.0, "Time between windows; 0: half a window.", unit="s", low=0.0, high=60.0)
    max_rate_error: float = param(0.05, "Most that a true rate may be off, as a share.", low=0.0, high=10.0)
    windows: str = param(
        "auto", "One after the other (slide), or around short events.", choices=("auto", "slide", "events")
    )
    alarms_per_hour: float = param(
        0.0, "Most false alarms that smoothing may leave; 0: fewest errors of both kinds.", unit="1/h", low=0.0
    )
    streaming: bool = param(
        False, "The memory goes on from answer to answer: each costs only the new samples. For recurrent families."
    )
    finalists: int = param(3, "Candidates that are judged on more groups.", low=0, high=20)
    folds: int = param(3, "Parts of the data that finalists are judged on.", low=1, high=20)
    seeds: int = param(1, "Times that a finalist learns on each part.", low=1, high=10)
    side_by_side: int = param(
        0, "Candidates that learn at the same time; 0: one for each core, four at most. The result is the same.",
        low=0, high=4,
    )  # fmt: skip
    fixed: tuple[str, ...] = param((), "Knobs that are not searched, such as cnn.width=16.")
    resume: bool = param(False, "Go on with an earlier search of the same data and settings.")

    def __post_init__(self) -> None:
        check(self)


def train(project_path: Path, settings: TrainSettings) -> Work[dict[str, Any]]:
    """Search, weigh, test once, save; returns the `train` result. DataError when the labels cannot carry a model."""
    began = time.monotonic()
    project, board = open_project(project_path), board_of(settings.board)
    yield Progress(0, 0, "cutting windows")
    whole = dataset(project, settings, board).meant(settings.task)
    double = twins(whole)
    data = without_twins(whole, double)
    parts = split(data, settings.seed)
    limits = limits_of(board, settings, data)
    what = {tasks.CLASSES: "classes", tasks.NUMBER: "different numbers"}.get(data.task, "sets of labels")
    yield Progress(0, 0, f"{len(data.y)} windows of {data.length} samples, {len(data.classes)} {what}")
    learn = data.take(parts.train)
    families = families_of(settings, data)
    plan = plan_of(project, settings, families, learn)
    weigh_fast = partial(estimate, clock_hz=board.clock_hz, fpu=board.fpu)
    found = yield from search(
        learn, limits, families, settings.trials, settings.minutes, settings.seed, weigh_fast, plan
    )
    gap = yield from leak(learn.unmarked(), split(learn.unmarked(), settings.seed), settings.seed)
    made = _Made(project, board, settings, data, parts, limits, found, warnings(whole, parts, double), gap)
    model, front, evidence = yield from _finished(made, began)
    models.save(project, model)
    if evidence is not None:
        keep(evidence, project, model.id)
    return _result(made, model, front, time.monotonic() - began)


@dataclass(frozen=True, eq=False)
class _Made:
    """What a search came to, and what it was about."""

    project: Project
    board: Board
    settings: TrainSettings
    data: Dataset
    parts: Split
    limits: Limits
    found: Found
    warnings: list[str]
    leak: Leak | None


def plan_of(project: Project, settings: TrainSettings, families: tuple[str, ...], learn: Dataset) -> Plan:
    """How the search is done: its journal and the file that stops it lie in the project's folder `search`."""
    kinds = {name: (FAMILIES | DETECTORS)[name] for name in families}
    fixed = fixed_knobs(settings.fixed, kinds) | (AT_THE_END if settings.streaming else {})
    same = (__version__, data_sha256(learn), families, settings.fixed, settings.seed, settings.folds)
    folder = project.path / "search"
    return Plan(
        fixed=fixed,
        finalists=settings.finalists,
        folds=settings.folds,
        seeds=settings.seeds,
        journal=folder / "journal.log",
        key=hashlib.sha256(repr(same).encode()).hexdigest()[:24],
        resume=settings.resume,
        side_by_side=settings.side_by_side or places(settings.trials),
        stop=stopper(project),
    )


def places(trials: int) -> int:
    """Candidates that learn at the same time when nobody says: one for each core; a short search is not worth it."""
    return 1 if trials <= SHORT else min(os.cpu_count() or 1, 4)


def stopper(project: Project) -> Callable[[], bool]:
    """Whether somebody asked the running search to end with what it has; an older request counts no more."""
    path = stop_file(project.path)
    path.unlink(missing_ok=True)
    return path.exists


def stop_file(project_path: Path) -> Path:
    """Making this file ends the looking: the best so far is judged, kept and tested."""
    return project_path / "search" / "stop"


def warnings(whole: Dataset, parts: Split, double: Twins) -> list[str]:
    """What a person should know about the data before believing the score."""
    found = []
    if parts.by == "given" and not parts.groups_disjoint:
        of = {"subject": "people"}.get(groups_of(whole)[1], "recordings")
        found.append(f"The split as marked has the same {of} on both sides: the score will be lower for anyone new.")
    elif not parts.groups_disjoint:
        found.append(
            "The only possible split shares recordings between learning and test: the score will be lower for anyone "
            "new. Record each class at least twice, better with several people."
        )
    elif groups_of(whole)[1] == "recording":
        found.append("Recordings name no people: the score holds for new recordings, perhaps not for new people.")
    if double.n:
        pairs = double.near_identical(whole)
        named = "; ".join(f"{a} and {b}" for a, b in pairs[:3]) or "several recordings"
        found.append(f"{double.n} windows are there twice ({named}): the second of each was left out.")
    return found


def board_of(name: str) -> Board:
    """The board with this id; InputError names the known ones."""
    known = boards()
    if name not in known:
        raise InputError(f"Board {name!r}", "is not known", f"Choose one of {', '.join(sorted(known))}.")
    return known[name]


def limits_of(board: Board, settings: TrainSettings, data: Dataset) -> Limits:
    """What the person set, but no more than the board has; an answer must be ready before the next window is."""
    stride_ms = 1000.0 * data.stride / data.stream.rate_hz
    return Limits(
        flash_bytes=min(int(settings.max_flash_kb * 1024) or board.app_bytes, board.app_bytes),
        ram_bytes=min(int(settings.max_ram_kb * 1024) or board.ram_bytes, board.ram_bytes),
        latency_ms=settings.max_latency_ms or stride_ms,
        clock_hz=board.clock_hz,
    )


def families_of(settings: TrainSettings, data: Dataset) -> tuple[str, ...]:
    """The names to try; InputError names the known ones."""
    for name in settings.families:
        if name not in FAMILIES | DETECTORS:
            raise InputError(f"Family {name!r}", "is not known", f"Choose from {', '.join(FAMILIES | DETECTORS)}.")
    able = [n for n, kind in FAMILIES.items() if "read" in {f.name for f in fields(kind)}]  # type: ignore[arg-type]
    chosen = settings.families or (STREAMING if settings.streaming else usual(data))
    _check_task(settings.task, chosen)
    for name in chosen if settings.streaming else ():
        if name not in able:
            raise InputError(
                f"Family {name!r}", "looks at whole windows: it cannot stream", f"Choose from {', '.join(able)}."
            )
    return chosen


def _check_task(task: str, chosen: Iterable[str]) -> None:
    """InputError for a family that cannot tell what is asked for; it names those that can."""
    able = [name for name, kind in (FAMILIES | DETECTORS).items() if task in tells(kind)]
    for name in chosen:
        if name not in able:
            words = {tasks.NUMBER: "a number", tasks.SEVERAL: "several labels at once"}[task]
            raise InputError(f"Family {name!r}", f"cannot tell {words}", f"Choose from {', '.join(able)}.")


def _finished(made: _Made, began: float) -> Work[tuple[models.Model, list[dict[str, Any]], Evidence | None]]:
    """The best candidate as a model: cost from the linked image, figures from the generated C."""
    model, best, decided = yield from _weighed(made)
    data, parts, settings = made.data, made.parts, made.settings
    yield Progress(0, 0, "testing with the generated C")
    sure = best.confidence.as_dict() if best.confidence else None
    told = {
        "why": best.why.replace(best.name, model.id),
        "confidence": sure,
        "leak": made.leak.as_dict() if made.leak else None,
    }
    spent = {"seconds": round(time.monotonic() - began, 2), "trials": made.found.trials}
    told |= decided.told | {"search": spent, "temperature": round(best.temperature, 4)}
    model = replace(model, lock=_lock(made) | told)
    test = judge(model, data.take(parts.test), recordings(made.project))
    lock = _lock(made) | told | {"test_looks": looked_at(made.project, model.id, "train")}
    front = [c.row() | ({"model": model.id} if c is made.found.best else {}) for c in made.found.front]
    return replace(model, test=test, lock=lock | {"settings": asdict(settings)}), front, decided.evidence


def _decided(made: _Made, best: Best, model: models.Model) -> Work[Tuned]:
    """How it decides along time, tuned on what the fits of the search had not learned from."""
    data, settings = made.data, made.settings
    if data.task != tasks.CLASSES:
        return Tuned(None, {}, None)
    found = [r for r in recordings(made.project) if r.id in set(data.recording.tolist())]
    return (yield from tune(model, best.fits, data, found, settings.alarms_per_hour, settings.seed))


def _lock(made: _Made) -> dict[str, Any]:
    data, parts = made.data, made.parts
    events = around_events(list(recordings(made.project)), made.settings)
    return {
        "seed": made.settings.seed,
        "data_sha256": data_sha256(data),
        "split_by": parts.by,
        "groups_disjoint": parts.groups_disjoint,
        "windows": "events" if events else "slide",
        "board": made.board.id,
        "tools": versions(),
        **({} if data.task == tasks.CLASSES else {"task": data.task, "unit": _unit(data)}),
        "parts": {"train": _counts(data, parts.train), "test": _counts(data, parts.test)},
        "test_recordings": sorted(set(data.recording[parts.test].tolist())) if parts.groups_disjoint else [],
        "warnings": made.warnings,
    }


def _unit(data: Dataset) -> str:
    return tasks.unit_of(data.classes) if data.task == tasks.NUMBER else ""


def _counts(data: Dataset, part: Ints) -> dict[str, int]:
    """How much of it, and from how many people as far as they are named."""
    people = {name for name in data.subject[part].tolist() if name}
    return {"windows": len(part), "recordings": len(set(data.recording[part].tolist())), "people": len(people)}


def _weighed(made: _Made) -> Work[tuple[models.Model, Best, Tuned]]:
    """The recommended candidate with its decision, weighed as a linked image; the next best where that is too large."""
    best: Best | None = made.found.best
    left = [c for c in made.found.candidates if c.runs and c.name != made.found.best.name]
    while True:
        assert best is not None
        best = turned(best) if made.settings.streaming else best
        model = models.Model(models.new_id(made.project, best.family), best.family, best.graph, made.data.stream)
        decided = yield from _decided(made, best, replace(model, lock=_lock(made)))
        model = replace(model, graph=replace(best.graph, decision=decided.decision))
        yield Progress(0, 0, f"building {model.id} for {made.board.title}")
        cost = yield from weigh(made.project, model, made.board)
        real = Cost(**{k: cost[k] for k in Cost.__dataclass_fields__})
        if not made.limits.violated(real) or not left:
            return replace(model, cost=cost), best, decided
        yield Progress(0, 0, f"{best.name} as an image: {made.limits.violated(real)}")
        best = yield from _next(made, left)


def turned(best: Best) -> Best:
    """The same model, its memory going on from answer to answer; GraphError for one that looks at whole windows."""
    return replace(
        best, graph=streaming(best.graph), fits=tuple(replace(f, graph=streaming(f.graph)) for f in best.fits)
    )


def _next(made: _Made, left: list[Candidate]) -> Work[Best]:
    """The best of those that are left, learned from all groups."""
    chosen = max(left, key=lambda c: (c.score, -c.cost.flash_bytes))
    left.remove(chosen)
    graph = yield from chosen.settings.final().fit(made.data.take(made.parts.train).unmarked(), made.settings.seed)
    words = f"{chosen.name} is the best of those whose linked image keeps the limits."
    return Best(**{**vars(chosen), "graph": graph, "why": words})


def _result(made: _Made, model: models.Model, front: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    found, parts = made.found, made.parts
    return {
        "model": model.id,
        "family": model.family,
        "test": model.test,
        "cost": model.cost,
        "front": front,
        "rejected": [c.row() | {"violated": c.violated} for c in found.rejected],
        "stopped": [c.row() | {"stopped": c.stopped} for c in found.candidates if c.stopped],
        "finalists": [c.row() for c in found.finalists],
        "why": model.lock["why"],
        "confidence": model.lock["confidence"],
        "leak": model.lock["leak"],
        "warnings": made.warnings,
        "test_looks": model.lock["test_looks"],
        "trials": found.trials,
        "trials_per_minute": round(60 * found.trials / max(found.seconds, 1e-3), 2),
        "seconds": round(seconds, 2),
        "groups_disjoint": parts.groups_disjoint,
        "split_by": parts.by,
        "seed": made.settings.seed,
        "data_sha256": model.lock["data_sha256"],
    }
