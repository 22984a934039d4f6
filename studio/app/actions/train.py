"""Search for the best model under a board's limits, weigh it for real, and keep it with the lock of its origins."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from studio.app import models
from studio.app.actions.build import weigh
from studio.app.actions.evaluate import judge
from studio.app.tools import versions
from studio.data.certificate import Certificate, certificate
from studio.data.project import Project, open_project, recordings
from studio.data.raw import merged
from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.errors import DataError, InputError
from studio.firmware.board import Board, boards
from studio.learn import DETECTORS, FAMILIES, USUAL
from studio.learn.cost import estimate
from studio.learn.dataset import Dataset, Split, data_sha256, split, windows
from studio.learn.candidate import Limits
from studio.learn.search import Found, search
from studio.params import check, param
from studio.progress import Progress, Work

WINDOW_SHARE = 1 / 3  # of the board's RAM may hold the window of samples
LONGEST_WINDOW_S = 2.56  # what the field uses for motion; a longer one waits too long for its first answer


@dataclass(frozen=True)
class TrainSettings:
    """What a person may set for a search; the rest is found."""

    board: str = param("cortex-m4f", "Board whose memory and speed are the limits.")
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

    def __post_init__(self) -> None:
        check(self)


def train(project_path: Path, settings: TrainSettings) -> Work[dict[str, Any]]:
    """Search, weigh, test once, save; returns the `train` result. DataError when the labels cannot carry a model."""
    began = time.monotonic()
    project, board = open_project(project_path), board_of(settings.board)
    yield Progress(0, 0, "cutting windows")
    data = dataset(project, settings, board)
    parts = split(data, settings.seed)
    limits = limits_of(board, settings, data)
    yield Progress(0, 0, f"{len(data.y)} windows of {data.length} samples, {len(data.classes)} classes")
    found = yield from search(
        data.take(parts.train),
        limits,
        families_of(settings),
        settings.trials,
        settings.minutes,
        settings.seed,
        partial(estimate, clock_hz=board.clock_hz, fpu=board.fpu),
    )
    model, front = yield from _finished(project, found, data, parts, board, settings)
    models.save(project, model)
    return _result(model, front, found, parts, settings, time.monotonic() - began)


def dataset(project: Project, settings: TrainSettings, board: Board) -> Dataset:
    """The labelled windows of the project's most telling stream."""
    labelled = [r for r in recordings(project) if any(len(t) for t in r.labels.values())]
    if not labelled:
        raise DataError(f"Project {project.path}", "has no labels", "Label a recording first.")
    stream = choose_stream(labelled, settings.stream)
    have = [r for r in labelled if stream.name in r.n_samples]
    seconds = settings.window_s or min(LONGEST_WINDOW_S, _typical_label_s(have) / 2)
    most = board.ram_bytes * WINDOW_SHARE / (4 * len(stream.channels))
    length = 2 ** max(4, int(np.log2(min(seconds * stream.rate_hz, most)) + 1e-9))
    stride = round(settings.stride_s * stream.rate_hz) or length // 2
    return windows(trusted(have, stream.name, settings.max_rate_error), stream.name, length, stride)


def trusted(have: Iterable[Recording], name: str, max_rate_error: float) -> list[Recording]:
    """The recordings, with what cannot be trusted added to the gaps; DataError when a rate is too far off."""
    found = []
    for recording in have:
        seen = certificate(recording, name)
        if seen.rate_off > max_rate_error:
            raise _off(recording, seen)
        bad = merged([*seen.gaps, *seen.bad], seen.n_samples)
        found.append(replace(recording, gaps=recording.gaps | {name: bad}))
    return found


def _off(recording: Recording, seen: Certificate) -> DataError:
    stated, hz = seen.stream.rate_hz, seen.rate.hz
    told = f"came at {hz:.2f} Hz where the device says {stated:g} Hz, off by {abs(hz / stated - 1):.1%}"
    step = "Record it again at its true rate, remove its labels, or allow a greater rate error (--max-rate-error)."
    return DataError(f"Stream {seen.stream.name!r} of recording {recording.id!r}", told, step)


def choose_stream(labelled: list[Recording], name: str) -> Stream:
    """The stream `name`, or the one that most labelled recordings have (the first of equals, motion before sound)."""
    streams = [s for r in labelled for s in r.streams]
    if name and name not in {s.name for s in streams}:
        seen = f"is in no labelled recording; there are {', '.join(sorted({s.name for s in streams}))}"
        raise InputError(f"Stream {name!r}", seen, "Choose one of those.")
    names = [s.name for s in streams]
    wanted = name or max(names, key=lambda n: (names.count(n), -names.index(n)))
    return next(s for s in streams if s.name == wanted)


def _typical_label_s(labelled: list[Recording]) -> float:
    return float(np.median([s.stop_s - s.start_s for r in labelled for t in r.labels.values() for s in t.segments]))


def board_of(name: str) -> Board:
    """The board with this id; InputError names the known ones."""
    known = boards()
    if name not in known:
        raise InputError(f"Board {name!r}", "is not known", f"Choose one of {', '.join(sorted(known))}.")
    return known[name]


def limits_of(board: Board, settings: TrainSettings, data: Dataset) -> Limits:
    """What the person set, else what the board has; an answer must be ready before the next window is."""
    stride_ms = 1000.0 * data.stride / data.stream.rate_hz
    return Limits(
        flash_bytes=int(settings.max_flash_kb * 1024) or board.app_bytes,
        ram_bytes=int(settings.max_ram_kb * 1024) or board.ram_bytes,
        latency_ms=settings.max_latency_ms or stride_ms,
        clock_hz=board.clock_hz,
    )


def families_of(settings: TrainSettings) -> tuple[str, ...]:
    """The names to try; InputError names the known ones."""
    for name in settings.families:
        if name not in FAMILIES | DETECTORS:
            raise InputError(f"Family {name!r}", "is not known", f"Choose from {', '.join(FAMILIES | DETECTORS)}.")
    return settings.families or USUAL


def _finished(
    project: Project, found: Found, data: Dataset, parts: Split, board: Board, settings: TrainSettings
) -> Work[tuple[models.Model, list[dict[str, Any]]]]:
    """The best candidate as a model: cost from the linked image, figures from the generated C."""
    best = found.best
    model = models.Model(models.new_id(project, best.family), best.family, best.graph, data.stream)
    yield Progress(0, 0, f"building {model.id} for {board.title}")
    cost = yield from weigh(project, model, board)
    yield Progress(0, 0, "testing with the generated C")
    test = judge(model, data.take(parts.test), recordings(project))
    lock = {
        "settings": asdict(settings),
        "seed": settings.seed,
        "data_sha256": data_sha256(data),
        "split_by": parts.by,
        "groups_disjoint": parts.groups_disjoint,
        "board": board.id,
        "tools": versions(),
        "test_recordings": sorted(set(data.recording[parts.test].tolist())) if parts.groups_disjoint else [],
    }
    front = [c.row() | ({"model": model.id} if c is best else {}) for c in found.front]
    return replace(model, cost=cost, test=test, lock=lock), front


def _result(
    model: models.Model,
    front: list[dict[str, Any]],
    found: Found,
    parts: Split,
    settings: TrainSettings,
    seconds: float,
) -> dict[str, Any]:
    return {
        "model": model.id,
        "family": model.family,
        "test": model.test,
        "cost": model.cost,
        "front": front,
        "rejected": [c.row() | {"violated": c.violated} for c in found.rejected],
        "trials": found.trials,
        "seconds": round(seconds, 2),
        "groups_disjoint": parts.groups_disjoint,
        "split_by": parts.by,
        "seed": settings.seed,
        "data_sha256": model.lock["data_sha256"],
    }
