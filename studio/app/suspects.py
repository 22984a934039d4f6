"""Which labels of a project are probably wrong, the worst first."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.app.actions.cutting import choose_stream
from studio.data.certificate import trusted_gaps
from studio.data.labels import Labels, Segment
from studio.data.project import open_project, recordings
from studio.data.recording import Recording
from studio.errors import DataError
from studio.learn.dataset import Dataset, windows
from studio.learn.propose.suspects import Doubts, doubts
from studio.learn.split import Ints
from studio.progress import Progress, Work

#: Windows are as long as nine of ten labels can hold, within these bounds in seconds.
SHORTEST_S, LONGEST_S = 0.2, 2.56


def suspects(project_path: Path, track: str = "labels", stream: str = "") -> Work[dict[str, Any]]:
    """Every label of `track` that can be judged, the most doubtful first.

    Gives `labels` (rows as in `suspect_labels` of the check, each with `flagged`), `by` (what the folds kept apart)
    and `unjudged` (labels too short for a window). DataError when there is too little to tell.
    """
    yield Progress(0, 0, "cutting windows")
    found = [r for r in recordings(open_project(project_path)) if _spans(r, track)]
    if not found:
        raise DataError(f"Project {project_path}", "has no labels", "Label a recording first.")
    chosen = choose_stream(found, stream)
    have = [_trusted(r, chosen.name) for r in found if chosen.name in r.n_samples]
    length = _length([s for r in have for s in _spans(r, track)], chosen.rate_hz)
    data = windows(have, chosen.name, length, max(1, length // 2), track)
    every, of = _numbered(data, have, track)
    judged, renumbered = np.unique(of, return_inverse=True)
    told = yield from doubts(data, renumbered.reshape(-1).astype(np.int64))
    return {
        "labels": _rows(told, data, [every[i] for i in judged]),
        "by": told.by,
        "unjudged": len(every) - len(judged),
        "stream": chosen.name,
    }


def _spans(r: Recording, track: str) -> list[Segment]:
    return [s for s in r.labels.get(track, Labels()).segments if s.stop_s > s.start_s]


def _trusted(r: Recording, name: str) -> Recording:
    return replace(r, gaps=r.gaps | {name: trusted_gaps(r, name)})


def _length(spans: list[Segment], rate_hz: float) -> int:
    seconds = float(np.percentile([s.stop_s - s.start_s for s in spans], 10)) if spans else SHORTEST_S
    return max(8, int(np.clip(seconds, SHORTEST_S, LONGEST_S) * rate_hz))


def _numbered(data: Dataset, have: list[Recording], track: str) -> tuple[list[tuple[str, Segment]], Ints]:
    """Every label with its recording, and for each window the number of the one it lies in."""
    every: list[tuple[str, Segment]] = []
    of = np.zeros(len(data), np.int64)
    for r in have:
        spans = _spans(r, track)
        starts = np.array([s.start_s for s in spans]) * data.stream.rate_hz
        own = np.flatnonzero(data.recording == r.id)
        of[own] = len(every) + np.searchsorted(starts, data.start[own] + 1e-3, side="right") - 1
        every.extend((r.id, s) for s in spans)
    return every, of


def _rows(told: Doubts, data: Dataset, judged: list[tuple[str, Segment]]) -> list[dict[str, Any]]:
    """Rows of `suspect_labels`; `confidence` is how sure the suggestion is."""
    suggested = told.suggested
    rows = []
    for i in told.order.tolist():
        recording, segment = judged[i]
        other = int(suggested[i])
        rows.append(
            {
                "recording": recording,
                "start_s": round(segment.start_s, 6),
                "stop_s": round(segment.stop_s, 6),
                "label": segment.label,
                "suggested": data.classes[other],
                "confidence": round(float(told.probabilities[i, other]), 4),
                "flagged": bool(told.flagged[i]),
            }
        )
    return rows
