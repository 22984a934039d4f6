"""Weights of int8 layers as the convolution's kernel reads them: for two outputs at a time what their sums begin with,
their weights four by four in turn, and how their sums are scaled. Everything lies in the order in which it is needed.

Cores with DSP instructions read weights in a code of their own (`firmware_stubs/kernels/quads.h`): the C text is
written with macros that make either form, and `table` makes both for calls from here.
"""

from dataclasses import dataclass

import numpy as np

from studio.graph.op import Array


@dataclass(frozen=True, eq=False)
class Paired:
    """`begin` (n_pairs, 2) int64, `weight` (n_pairs, n_words, 2, 4) int8, `end` (n_pairs, 2 or 3) int32."""

    begin: Array
    weight: Array
    end: Array

    @property
    def even(self) -> Array:
        """(n_pairs, 2): the sum of every second weight of each output."""
        total: Array = self.weight[..., ::2].astype(np.int64).sum(axis=(1, 3))
        return total

    def table(self, dsp: bool = False) -> Array:
        """All of it as int32, pair by pair."""
        begin, weight = self.begin, self.weight.astype(np.int64)
        if dsp:
            begin = begin - 127 * self.even
            weight = weight - np.roll(weight < 0, 1, axis=3) * np.array([0, 1, 0, 1])
        words = weight.astype(np.int8).reshape(len(weight), -1).view("<i4")
        rows = [begin.astype(np.int32), words, self.end.astype(np.int32)]
        return np.ascontiguousarray(np.concatenate(rows, axis=1), np.int32)


def paired(rows: Array, begin: Array, end: tuple[Array, ...], shifts: Array | None = None) -> Paired:
    """Rows (n, k) of weights, n at least 2, with `begin` (n,) and the numbers that scale them; zeros fill up k.

    An odd last row comes in a pair with the one before it. `shifts` (n,) become one number per pair, the second's 2^16
    times as great.
    """
    n, k = rows.shape
    order = np.arange(n) if n % 2 == 0 else np.append(np.arange(n - 1), [n - 2, n - 1])
    full = np.zeros((len(order), -(-k // 4) * 4), np.int8)
    full[:, :k] = rows[order]
    groups = full.reshape(-1, 2, full.shape[1] // 4, 4)
    tails = [values.astype(np.int64)[order].reshape(-1, 2) for values in end]
    if shifts is not None:
        two = shifts.astype(np.int64)[order].reshape(-1, 2)
        tails.append(two[:, :1] | two[:, 1:] << 16)
    weight = np.ascontiguousarray(groups.transpose(0, 2, 1, 3))
    return Paired(begin[order].reshape(-1, 2), weight, np.concatenate(tails, axis=1).astype(np.int32))
