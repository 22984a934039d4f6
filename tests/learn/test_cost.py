"""The guess before anything is compiled."""

import numpy as np
import pytest

from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.conv import Conv1d, GlobalAverage
from studio.graph.ops.vector import Dense, Softmax
from studio.learn.candidate import Limits
from studio.learn.cost import RUNTIME_FLASH_BYTES, RUNTIME_RAM_BYTES, STACK_BYTES, Cost, estimate


def graph(c_out: int, length: int = 50) -> Graph:
    conv = Conv1d(np.zeros((c_out, 5, 3), np.float32), np.zeros(c_out, np.float32))
    dense = Dense(np.zeros((2, c_out), np.float32), np.zeros(2, np.float32))
    assert WINDOW == -1  # so the first node reads the window
    ops = (conv, GlobalAverage(), dense, Softmax())
    names = ("conv", "features", "logits", "scores")
    nodes = tuple(
        Node(op, (i - 1 if i else WINDOW,), name) for i, (op, name) in enumerate(zip(ops, names, strict=True))
    )
    return Graph(("x", "y", "z"), 50.0, length, 25, nodes, ("a", "b"))


def test_constants_window_and_arena_are_counted_to_the_byte() -> None:
    cost = estimate(graph(8))
    weights = 4 * (8 * 15 + 8 + 16 + 2)
    assert cost.flash_bytes == RUNTIME_FLASH_BYTES + weights
    arena = 4 * 46 * 8 + 4 * 8  # the convolution's output and the mean of it live at the same time
    assert cost.ram_bytes == RUNTIME_RAM_BYTES + STACK_BYTES + 4 * 50 * 3 + arena
    assert cost.source == "estimate"


def test_products_decide_the_time() -> None:
    few, many = estimate(graph(8)), estimate(graph(80))
    assert 8 < (many.instructions_per_inference or 0) / (few.instructions_per_inference or 1) < 12
    assert estimate(graph(8), 32e6).latency_ms == pytest.approx(2 * (few.latency_ms or 0))


def test_a_core_without_floats_takes_longer_and_the_firmware_s_own_memory_can_be_told() -> None:
    with_fpu, without = estimate(graph(8)), estimate(graph(8), fpu=False)
    assert (without.instructions_per_inference or 0) > 20 * (with_fpu.instructions_per_inference or 0)
    assert estimate(graph(8), ram_bytes=0).ram_bytes == with_fpu.ram_bytes - RUNTIME_RAM_BYTES


def test_limits_name_what_is_exceeded_and_by_how_much() -> None:
    cost = Cost(20480, 10240, latency_ms=3.0)
    assert Limits().violated(cost) == ""
    assert Limits(20480, 10240, 3.0).violated(cost) == ""
    assert Limits(flash_bytes=20479).violated(cost) == "flash 20.0 kB of 20.0 kB"
    seen = Limits(10240, 5120, 2.0).violated(cost)
    assert seen == "flash 20.0 kB of 10.0 kB, RAM 10.0 kB of 5.0 kB, latency 3.0 ms of 2.0 ms"
