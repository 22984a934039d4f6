"""Decisions along scores as the rules say it, in plain Python; shares no line with the kernel."""

from itertools import pairwise

import numpy as np

from studio.graph.op import Array
from studio.graph.ops.decide import Decide


def means(op: Decide, scores: Array) -> Array:
    """Averaged scores (n, n_classes) float32 of one stretch without gaps."""
    single = scores.astype(np.float32)
    if op.average == 1:
        return single
    made = []
    for i in range(len(single)):
        if op.mean == "fading":
            share = np.float32(2 / (op.average + 1))
            made.append(single[0] if not made else made[-1] + share * (single[i] - made[-1]))
            continue
        total = np.zeros(single.shape[1], np.float32)
        rows = single[max(0, i + 1 - op.average) : i + 1]
        for row in rows:
            total = total + row
        made.append(total / np.float32(len(rows)))
    return np.array(made, np.float32).reshape(single.shape)


def stretch(op: Decide, scores: Array) -> list[int]:
    """Decisions along scores that are all numbers."""
    on, off = np.array(op.on, np.float32), np.array(op.off, np.float32)
    told, before, run, ended, found = -1, -1, 0, dict[int, int](), list[int]()
    for i, mean in enumerate(means(op, scores)):
        best = int(mean.argmax())
        over = bool(mean[best] >= on[best])
        if told >= 0 and mean[told] >= off[told] and (best == told or not over):
            found.append(told)
            continue
        if told >= 0:
            ended[told] = i
        run = (run + 1 if best == before else 1) if over else 0
        before = best
        silent = best in ended and i < ended[best] + op.quiet
        told = best if run >= op.least and not silent else -1
        found.append(told)
    return found


def decisions(op: Decide, scores: Array) -> Array:
    """(n, 1) int16: each stretch between rows that are no numbers, from an empty memory."""
    found: list[int] = []
    gaps = [-1, *np.flatnonzero(~np.isfinite(scores).all(axis=1)).tolist(), len(scores)]
    for left, right in pairwise(gaps):
        found += [*stretch(op, scores[left + 1 : right]), *([-1] if right < len(scores) else [])]
    return np.array(found, np.int16).reshape(-1, 1)
