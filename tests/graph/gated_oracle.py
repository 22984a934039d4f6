"""Recurrent int8 layers and SVDF from their definition, in Python's whole numbers."""

import numpy as np

from studio.graph.op import Array
from studio.graph.ops.recurrent_s8 import GruS8, RnnS8, SvdfS8
from tests.graph.arithmetic import requantized
from tests.graph.lstm_oracle import WIDE, sigmoid, tanh, wide


def products(rows: Array, bias: Array, x: list[int], pair: list[int]) -> list[int]:
    """Rows times x, scaled and kept within 16 bits."""
    sums = [int(b) + sum(int(w) * v for w, v in zip(row, x, strict=True)) for row, b in zip(rows, bias, strict=True)]
    return [requantized(s, *pair, 0, *WIDE) for s in sums]


def rnn_s8(op: RnnS8, x: Array) -> Array:
    s = [int(v) for v in op.scale]
    state, rows = [op.y_zero] * op.hidden(), []
    for sample in x:
        a = products(op.weight, op.bias, [int(v) for v in sample], s[:2])
        b = products(op.recurrent, op.recurrent_bias, state, s[2:4])
        both = [wide(u + v) for u, v in zip(a, b, strict=True)]
        if op.rectified:
            state = [min(max(v, 0) + op.y_zero, 127) for v in both]
        else:
            state = [requantized(tanh(v, 3, 0), s[4], s[5], op.y_zero, -128, 127) for v in both]
        rows.append(list(state))
    return np.array(rows[-1] if op.last else rows, np.int8)


def shift_15(x: int) -> int:
    """x / 2^15, halves up."""
    return (2 * x + 2**15) // 2**16


def gru_s8(op: GruS8, x: Array) -> Array:
    n, s = op.hidden(), [int(v) for v in op.scale]
    gates = [slice(k * n, (k + 1) * n) for k in range(3)]

    def shown(v: int) -> int:
        return requantized(v, s[12], s[13], op.y_zero, -128, 127)

    def sums(g: int, sample: list[int], state: list[int]) -> tuple[list[int], list[int]]:
        a = products(op.weight[gates[g]], op.bias[gates[g]], sample, s[4 * g : 4 * g + 2])
        return a, products(op.recurrent[gates[g]], op.recurrent_bias[gates[g]], state, s[4 * g + 2 : 4 * g + 4])

    held, rows = [0] * n, []
    for values in x:
        sample, state = [int(v) for v in values], [shown(v) for v in held]
        reset, update = ([sigmoid(wide(u + v)) for u, v in zip(*sums(g, sample, state), strict=True)] for g in (0, 1))
        kept = state if op.reset_after else [shown(shift_15(r * h)) for r, h in zip(reset, held, strict=True)]
        a, b = sums(2, sample, kept)
        past = [shift_15(r * v) for r, v in zip(reset, b, strict=True)] if op.reset_after else b
        new = [tanh(wide(u + v), 3, 0) for u, v in zip(a, past, strict=True)]
        held = [wide(m + shift_15(z * (h - m))) for m, z, h in zip(new, update, held, strict=True)]
        rows.append([shown(v) for v in held])
    return np.array(rows[-1] if op.last else rows, np.int8)


def svdf_s8(op: SvdfS8, x: Array) -> Array:
    s, rank, length = [int(v) for v in op.scale], len(op.feature) // len(op.bias), op.time.shape[1]
    seen, rows = [[0] * length for _ in op.feature], []
    for sample in x:
        found = products(op.feature, op.offset(), [int(v) for v in sample], s[:2])
        seen = [[*past[1:], v] for past, v in zip(seen, found, strict=True)]
        sums = [
            sum(a * int(w) for a, w in zip(past, row, strict=True)) for past, row in zip(seen, op.time, strict=True)
        ]
        totals = [int(b) + sum(sums[u * rank : (u + 1) * rank]) for u, b in enumerate(op.bias)]
        rows.append([requantized((t + 2**31) % 2**32 - 2**31, s[2], s[3], op.y_zero, -128, 127) for t in totals])
    return np.array(rows[-1] if op.last else rows, np.int8)
