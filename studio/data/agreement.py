"""How far two or more tracks of one recording agree: between people, or between a person and a model.

Time is sampled: both coefficients compare what each track says at every `step_s` (the middle of each step), so an
event counts by its length and a border that is a little off costs a little. Points have no length and are left out.
Cohen's kappa (Educational and Psychological Measurement 20, 1960) compares two tracks; Krippendorff's alpha (nominal;
Computing Krippendorff's Alpha-Reliability, 2011) any number, also with samples that somebody has not judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from studio.data.labels import BORDER_S, Labels, Segment
from studio.errors import DataError

#: What time without a label is called.
NOTHING = "(nothing)"
STEP_S = 0.02
#: More samples than this tell no more; the step grows for very long recordings.
MOST_SAMPLES = 1_000_000
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Two tracks compared: seconds (n, n) by `names`, rows the first track's, columns the second's."""

    names: tuple[str, ...]
    seconds: npt.NDArray[np.float64]
    kappa: float
    alpha: float

    @property
    def share(self) -> float:
        """Share of the time in which both say the same."""
        total = float(self.seconds.sum())
        return float(np.trace(self.seconds)) / total if total else 1.0


@dataclass(frozen=True)
class Piece:
    """[start_s, stop_s) in which the first track says `a` and the second `b`; NOTHING where one says nothing."""

    start_s: float
    stop_s: float
    a: str
    b: str


def agreement(a: Labels, b: Labels, end_s: float, step_s: float = STEP_S, nothing_counts: bool = True) -> Agreement:
    """Compare two tracks over [0, end_s). Time without a label is a class of its own, or is left out."""
    names, codes = sampled([a, b], end_s, step_s)
    step = end_s / max(codes.shape[1], 1)
    if nothing_counts:
        codes = np.where(codes < 0, len(names), codes)
        names = (*names, NOTHING)
    else:
        codes = codes[:, (codes >= 0).all(axis=0)]
    k = len(names)
    table = np.bincount(codes[0] * k + codes[1], minlength=k * k).reshape(k, k).astype(np.float64)
    said = np.flatnonzero(table.sum(axis=0) + table.sum(axis=1))
    kept = table[np.ix_(said, said)]
    return Agreement(tuple(names[i] for i in said), kept * step, cohen(kept), krippendorff(codes))


def sampled(tracks: Sequence[Labels], end_s: float, step_s: float = STEP_S) -> tuple[tuple[str, ...], Ints]:
    """(names, codes (n_tracks, n)): what each track says in the middle of each step; -1 where it says nothing."""
    if not step_s > 0:
        raise DataError("Step", f"{step_s:g} s", "Choose a step above zero.")
    n = min(max(round(end_s / step_s), 1), MOST_SAMPLES)
    times = (np.arange(n) + 0.5) * end_s / n
    names = tuple(sorted({s.label for track in tracks for s in track.segments if not s.is_point}))
    index = {name: i for i, name in enumerate(names)}
    return names, np.stack([_said(track, times, index) for track in tracks])


def _said(track: Labels, times: npt.NDArray[np.float64], index: dict[str, int]) -> Ints:
    spans = [s for s in track.segments if not s.is_point]
    if not spans:
        return np.full(len(times), -1, np.int64)
    starts, stops = np.array([s.start_s for s in spans]), np.array([s.stop_s for s in spans])
    codes = np.array([index[s.label] for s in spans], np.int64)
    at = np.searchsorted(starts, times, side="right") - 1
    return np.where((at >= 0) & (times < stops[np.maximum(at, 0)]), codes[np.maximum(at, 0)], -1)


def cohen(table: npt.ArrayLike) -> float:
    """Cohen's kappa of a table of counts (n_classes, n_classes); 1 when both always say one and the same."""
    counts = np.asarray(table, np.float64)
    total = counts.sum()
    if total == 0:
        return 1.0
    observed = np.trace(counts) / total
    expected = float(counts.sum(axis=0) @ counts.sum(axis=1)) / total**2
    return float((observed - expected) / (1 - expected)) if expected < 1 else 1.0


def krippendorff(codes: npt.ArrayLike) -> float:
    """Krippendorff's nominal alpha of codes (n_judges, n_units), negative where a judge said nothing of a unit.

    Units that fewer than two judged are left out; 1 when there is no variety to disagree about.
    """
    found = np.asarray(codes, np.int64)
    n_values = int(found.max(initial=-1)) + 1
    counts = np.stack([(found == v).sum(axis=0) for v in range(n_values)]) if n_values else np.zeros((0, 0))
    judged = counts.sum(axis=0)
    counts, judged = counts[:, judged >= 2], judged[judged >= 2]
    total, values = float(judged.sum()), counts.sum(axis=1).astype(np.float64)
    expected = total**2 - float((values**2).sum())
    if total < 2 or expected == 0:
        return 1.0
    # Within a unit of m judgements each pair of unlike ones counts 1 / (m - 1), both ways round.
    unlike = float(((judged**2 - (counts**2).sum(axis=0)) / (judged - 1)).sum())
    return float(1 - (total - 1) * unlike / expected)


# --- settling what differs -------------------------------------------------------------------


def pieces(a: Labels, b: Labels, end_s: float) -> tuple[Piece, ...]:
    """The time up to `end_s` cut at every border of either track; neighbours that say the same are one."""
    edges = sorted({0.0, end_s, *(t for track in (a, b) for s in track.segments for t in (s.start_s, s.stop_s))})
    middles = (np.array(edges[:-1]) + np.array(edges[1:])) / 2
    names = [NOTHING, *sorted({s.label for track in (a, b) for s in track.segments})]
    index = {name: i for i, name in enumerate(names)}
    said = zip(*(np.maximum(_said(track, middles, index), 0).tolist() for track in (a, b)), strict=True)
    found: list[Piece] = []
    meant = _meant(a, b)
    for (start, stop), (i, j) in zip(pairwise(edges), said, strict=True):
        if found and (found[-1].a, found[-1].b) == (names[i], names[j]) and round(start, 6) not in meant:
            found[-1] = Piece(found[-1].start_s, stop, names[i], names[j])
        else:
            found.append(Piece(start, stop, names[i], names[j]))
    return tuple(found)


def differences(a: Labels, b: Labels, end_s: float, tolerance_s: float = 0.0) -> tuple[Piece, ...]:
    """Where two tracks differ for longer than `tolerance_s`: what a person should look at."""
    return tuple(p for p in pieces(a, b, end_s) if p.a != p.b and p.stop_s - p.start_s > tolerance_s + BORDER_S)


def agreed(a: Labels, b: Labels, end_s: float, tolerance_s: float = 0.0) -> Labels:
    """What both say; differences up to `tolerance_s` go to the first. The ground that adjudication starts from."""
    short = tolerance_s + BORDER_S
    kept = [p for p in pieces(a, b, end_s) if p.a != NOTHING and (p.a == p.b or p.stop_s - p.start_s <= short)]
    return joined(Labels(tuple(Segment(p.start_s, p.stop_s, p.a) for p in kept)), a, b)


def settled(track: Labels, piece: Piece, label: str, a: Labels, b: Labels) -> Labels:
    """`track` with `label` (or NOTHING) on a piece; what touches it and says the same becomes one with it."""
    cleared = cut_out(track, piece.start_s, piece.stop_s)
    if label == NOTHING:
        return cleared
    return joined(cleared.add(Segment(piece.start_s, piece.stop_s, label)), a, b)


def cut_out(track: Labels, start_s: float, stop_s: float) -> Labels:
    """The track with nothing in [start_s, stop_s)."""
    covered = track.add(Segment(start_s, stop_s, NOTHING))
    return Labels(tuple(s for s in covered.segments if s.label != NOTHING))


def joined(track: Labels, *sources: Labels) -> Labels:
    """Neighbours that touch and say the same made one, but where a source has two labels side by side on purpose."""
    meant = _meant(*sources)
    found: list[Segment] = []
    for s in track.segments:
        last = found[-1] if found else None
        touching = last is not None and last.label == s.label and abs(s.start_s - last.stop_s) <= BORDER_S
        if last is not None and touching and round(s.start_s, 6) not in meant:
            found[-1] = Segment(last.start_s, s.stop_s, s.label, min(last.score, s.score), last.comment or s.comment)
        else:
            found.append(s)
    return Labels(tuple(found))


def _meant(*sources: Labels) -> set[float]:
    """Moments at which some source has two equal labels side by side."""
    return {
        round(s.start_s, 6)
        for source in sources
        for before, s in pairwise(source.segments)
        if s.label == before.label and abs(s.start_s - before.stop_s) <= BORDER_S
    }
