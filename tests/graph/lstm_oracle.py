"""The int8 LSTM of TensorFlow Lite Micro from its definition, in Python's whole numbers."""

import numpy as np

from studio.graph.op import Array
from studio.graph.ops.lstm_s8 import LstmS8, sigmoid_table
from tests.graph.arithmetic import requantized

WIDE = (-(2**15), 2**15 - 1)


def sigmoid(x: int) -> int:
    """x with 12 fractional bits -> 15."""
    table, x = sigmoid_table(), 3 * x
    place, rest = divmod(abs(x), 512)
    y = 0x7FFF << 10 if place >= 255 else (int(table[place]) << 9) + rest * (int(table[place + 1]) - int(table[place]))
    return (y + 512 if x >= 0 else (1 << 25) - y + 511) >> 10


def tanh(x: int, multiplier: int, shift: int) -> int:
    table = sigmoid_table()
    x = (x * multiplier + ((1 << (shift - 1)) if shift else 0)) >> shift
    place, rest = divmod(abs(x), 256)
    y = 0xFFFF << 8 if place >= 255 else (int(table[place]) << 8) + rest * (int(table[place + 1]) - int(table[place]))
    return (y - (1 << 23) + 128 if x >= 0 else -y + (1 << 23) + 127) >> 8


def wide(x: int) -> int:
    return min(max(x, WIDE[0]), WIDE[1])


def lstm_s8(op: LstmS8, x: Array) -> Array:
    n, s = op.hidden(), [int(v) for v in op.scale]
    state, cell, rows = [op.y_zero] * n, [0] * n, []
    left = 12 + op.cell_power
    curve = (3 << max(left, 0), max(-left, 0))
    for sample in x.astype(int):
        gates = []
        for k in range(4 * n):
            g = 4 * (k // n)
            a = int(op.bias[k]) + int((op.weight[k].astype(int) * sample).sum())
            b = int(op.recurrent_bias[k]) + int((op.recurrent[k].astype(int) * np.array(state)).sum())
            a, b = requantized(a, s[g], s[g + 1], 0, *WIDE), requantized(b, s[g + 2], s[g + 3], 0, *WIDE)
            gates.append(wide(a + b))
        take, keep, new, show = (gates[g * n : (g + 1) * n] for g in range(4))
        for i in range(n):
            kept = requantized(sigmoid(keep[i]) * cell[i], s[16], s[17], 0, *WIDE)
            taken = requantized(sigmoid(take[i]) * tanh(new[i], 3, 0), s[18], s[19], 0, *WIDE)
            cell[i] = wide(kept + taken)
            if op.clip:
                cell[i] = min(max(cell[i], -op.clip), op.clip)
            state[i] = requantized(tanh(cell[i], *curve) * sigmoid(show[i]), s[20], s[21], op.y_zero, -128, 127)
        rows.append(list(state))
    return np.array(rows[-1] if op.last else rows, np.int8)
