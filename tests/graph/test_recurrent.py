"""Recurrent layers beyond their examples: the last row alone, the other reset, a bounded cell."""

import zlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from studio.errors import GraphError
from studio.graph.op import Array
from studio.graph.ops.lstm_s8 import sigmoid_table
from studio.graph.ops.recurrent import Gru, Lstm, Svdf
from studio.graph.ops.transposed import TransposedConv2d
from tests.graph.lstm_oracle import lstm_s8, sigmoid, tanh
from tests.graph.recurrent_examples import by_torch, small_lstm

CRC = 3092212404
RNG = np.random.default_rng(3)


def f32(*shape: int) -> Array:
    return RNG.normal(size=shape).astype(np.float32)


def test_the_last_row_is_that_of_all_rows() -> None:
    x, g, m = f32(6, 9, 4), (f32(18, 4), f32(18, 6), f32(18), f32(18)), (f32(24, 4), f32(24, 6), f32(24))
    np.testing.assert_array_equal(Gru(*g, last=True).run(x), Gru(*g).run(x)[:, -1])
    np.testing.assert_array_equal(Lstm(*m, last=True).run(x), Lstm(*m).run(x)[:, -1])
    s = (f32(6, 4), f32(6, 3), f32(2))
    np.testing.assert_array_equal(Svdf(*s, last=True).run(x), Svdf(*s).run(x)[:, -1])
    one = f32(5, 1, 4)  # a window of one sample, where both shapes hold as much
    np.testing.assert_array_equal(Gru(*g, last=True).run(one), Gru(*g).run(one)[:, 0])
    assert np.abs(Lstm(*m, last=True).run(x)[2] - by_torch(torch.nn.LSTM, (*m, 0 * m[2]), True)(x[2])).max() < 2e-6


def test_the_reset_before_the_product() -> None:
    w, r, b, rb, x = f32(9, 2), f32(9, 3), f32(9), f32(9), f32(1, 7, 2)
    h = np.zeros(3)
    for sample in x[0].astype(float):
        both = w @ sample + b
        reset, update = 1 / (1 + np.exp(-(both + r @ h + rb)[:6].reshape(2, 3)))
        new = np.tanh(both[6:] + r[6:] @ (reset * h) + rb[6:])
        h = (1 - update) * new + update * h
    np.testing.assert_allclose(Gru(w, r, b, rb, reset_after=False, last=True).run(x)[0], h, atol=2e-6)


def test_a_cell_stays_within_its_bound() -> None:
    w, r, b, x = 3 * f32(12, 2), f32(12, 3), f32(12), f32(1, 30, 2)
    h, cell = np.zeros(3), np.zeros(3)
    for sample in x[0].astype(float):
        i, f, g, o = (w @ sample + r @ h + b).reshape(4, 3)
        cell = np.clip(cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i)), -0.4, 0.4)
        h = np.tanh(cell) / (1 + np.exp(-o))
    assert np.abs(cell).max() == 0.4
    np.testing.assert_allclose(Lstm(w, r, b, clip=0.4, last=True).run(x)[0], h, atol=3e-6)


def test_a_transposed_convolution_is_torch_s() -> None:
    weight, bias, x = f32(3, 4, 2, 5), f32(3), f32(2, 4, 3, 5)
    op = TransposedConv2d(weight=weight, bias=bias, h_out=9, w_out=6, stride_h=2, stride_w=2, pad_top=1, pad_left=0)
    turned = torch.from_numpy(weight.transpose(3, 0, 1, 2).copy())
    want = torch.nn.functional.conv_transpose2d(
        torch.from_numpy(x.transpose(0, 3, 1, 2).copy()), turned, torch.from_numpy(bias), (2, 2)
    )
    np.testing.assert_allclose(op.run(x), want.permute(0, 2, 3, 1)[:, 1:10, :6], atol=1e-5)


def test_other_channels_are_refused() -> None:
    with pytest.raises(GraphError, match="gets 5 channels for 4"):
        Gru(f32(18, 4), f32(18, 6), f32(18), f32(18)).shape((9, 5))
    with pytest.raises(GraphError, match="Svdf"):
        Svdf(f32(6, 4), f32(6, 3), f32(4)).shape((9, 4))


@pytest.mark.parametrize(("cell_power", "clip"), [(-15, 0), (-12, 900), (-9, 0), (-4, 0)])
def test_the_int8_lstm_is_the_definition_s(cell_power: int, clip: int) -> None:
    op, x = small_lstm(-cell_power, cell_power, clip), RNG.integers(-128, 128, (20, 7, 5)).astype(np.int8)
    for window, rows in zip(x, op.run(x), strict=True):
        np.testing.assert_array_equal(rows, lstm_s8(op, window))
    np.testing.assert_array_equal(replace(op, last=True).run(x), op.run(x)[:, -1])


def test_the_table_of_the_curve_is_the_public_one() -> None:
    """Its sum and checksum as in TensorFlow Lite Micro's kernels."""
    table = sigmoid_table()
    assert table[:5].tolist() == [32768, 33451, 34133, 34813, 35493] and table[-3:].tolist() == [65534, 65534, 65535]
    assert zlib.crc32(table.astype("<u2").tobytes()) == CRC


def test_the_curves_are_near_the_true_ones() -> None:
    """For every one of the 2^16 gates: off by less than 2^-13, where 1/256 would do."""
    x = np.arange(-(2**15), 2**15)
    low, high = (np.array([curve(int(v)) for v in x]) / 2**15 for curve in (sigmoid, lambda v: tanh(v, 3, 0)))
    assert np.abs(low - 1 / (1 + np.exp(-x / 4096))).max() < 2.0**-13
    assert np.abs(high - np.tanh(x / 4096)).max() < 2.0**-13


def test_the_int8_lstm_follows_the_float_one() -> None:
    """The same weights in real numbers, within what eight bits can say."""
    op = small_lstm(5)
    s = [m * 2.0 ** (e - 31) for m, e in op.scale.reshape(-1, 2).tolist()]
    gain = [np.repeat(s[k:8:2], 6)[:, None] * 2.0**-12 for k in (0, 1)]
    x = RNG.integers(-20, 20, (1, 9, 5)).astype(np.int8)
    bias = (op.bias * gain[0][:, 0]).astype(np.float32)
    real = Lstm((op.weight * gain[0]).astype(np.float32), (op.recurrent * gain[1] / 0.0078).astype(np.float32), bias)
    want = np.round(real.run(x.astype(np.float32)) / 0.0078) - 3
    assert np.abs(op.run(x) - np.clip(want, -128, 127)).max() <= 4
