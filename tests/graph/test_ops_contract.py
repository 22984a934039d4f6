"""Every op in OPS, held to its contract. A new op is tested by being in the table and having an example."""

import numpy as np
import pytest

from studio.errors import GraphError
from studio.graph import OPS
from studio.graph.call import arguments
from studio.graph.host import call_stream, declarations
from studio.graph.op import Array, StreamOp
from studio.graph.ops.int8 import QuantizeChannels
from tests.graph.arithmetic import Example
from tests.graph.examples import EXAMPLES
from tests.graph.plane_examples import VARIANTS

N = 60


def inputs(example: Example) -> list[Array]:
    """Noise; a grid of eighths, whose halves are ties; nothing at all; and too much either way."""
    rng = np.random.default_rng(1)
    found = []
    for shape in example.shapes:
        if np.issubdtype(example.op.takes, np.integer):
            ends = np.iinfo(example.op.takes)
            x = rng.integers(ends.min, ends.max + 1, (N, *shape)).astype(example.op.takes)
            x[-1], x[-2], x[-3] = 0, ends.max, ends.min
        else:
            x = rng.normal(size=(N, *shape)).astype(np.float32)
            x[N // 2 :] = np.round(x[N // 2 :] * 8) / 8
            x[-1], x[-2], x[-3] = 0, 100, -100
            x = np.abs(x) if example.positive else x
        found.append(x)
    return found


def assert_close(got: Array, want: Array, tolerance: float) -> None:
    assert got.shape == np.shape(want)
    if tolerance == 0:
        np.testing.assert_array_equal(got, want)
    else:
        room = tolerance * max(1.0, float(np.abs(want).max()))
        np.testing.assert_allclose(got.astype(float), want, rtol=0, atol=room)


def test_every_op_has_an_example() -> None:
    assert set(EXAMPLES) == set(OPS)
    assert all(type(example.op).__name__ == name for name, example in EXAMPLES.items())


def test_every_kernel_has_an_op() -> None:
    shown = [*EXAMPLES.values(), *VARIANTS.values()]
    used = {e.op.kernel_on(*e.shapes) for e in shown} | {f"k_concat{n}" for n in range(2, 9)}
    assert set(declarations()) == used


@pytest.mark.parametrize("name", OPS)
def test_the_kernel_agrees_with_its_oracle(name: str) -> None:
    example = EXAMPLES[name]
    x = inputs(example)
    if isinstance(example.op, StreamOp):
        state = np.zeros(example.op.state(example.shapes[0]), np.float32)
        got, _ = call_stream(example.op, x[0], state)
        assert_close(got, example.oracle(x[0]), example.tolerance)
        return
    got = example.op.run(*x)
    assert got.dtype == example.op.gives and got.shape[1:] == example.op.shape(*example.shapes)
    for i in range(N):
        assert_close(got[i], example.oracle(*(v[i] for v in x)), example.tolerance)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_way_through_a_kernel_agrees_with_the_oracle(name: str) -> None:
    x = inputs(VARIANTS[name])
    got = VARIANTS[name].op.run(*x)
    for i in (*range(10), N - 3, N - 2, N - 1):
        np.testing.assert_array_equal(got[i], VARIANTS[name].oracle(*(v[i] for v in x)))


@pytest.mark.parametrize("name", [n for n, op in OPS.items() if issubclass(op, StreamOp)])
def test_a_stream_op_gives_the_same_in_two_parts(name: str) -> None:
    op = EXAMPLES[name].op
    assert isinstance(op, StreamOp)
    (x,) = inputs(EXAMPLES[name])
    state = np.zeros(op.state(x.shape[1:]), np.float32)
    whole, end = call_stream(op, x, state)
    first, between = call_stream(op, x[:17], state)
    second, after = call_stream(op, x[17:], between)
    assert not state.any()
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    np.testing.assert_array_equal(after, end)


@pytest.mark.parametrize("name", OPS)
def test_one_item_gives_what_it_gives_in_a_batch(name: str) -> None:
    op = EXAMPLES[name].op
    if isinstance(op, StreamOp):
        return
    x = inputs(EXAMPLES[name])
    np.testing.assert_array_equal(op.run(*(v[5:6] for v in x))[0], op.run(*x)[5])
    assert op.run(*(v[:0] for v in x)).shape == (0, *op.shape(*EXAMPLES[name].shapes))


@pytest.mark.parametrize("name", [n for n in OPS if EXAMPLES[n].op.scratch(*EXAMPLES[n].shapes)])
def test_scratch_is_never_read_before_it_is_written(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    x = inputs(EXAMPLES[name])
    clean = EXAMPLES[name].op.run(*x)
    monkeypatch.setattr("studio.graph.host.new_scratch", lambda n: np.full(n // 8 + 1, 1e300))
    np.testing.assert_array_equal(EXAMPLES[name].op.run(*x), clean)


@pytest.mark.parametrize("name", [n for n in OPS if not EXAMPLES[n].op.elementwise])
def test_a_wrong_shape_is_refused_by_name(name: str) -> None:
    with pytest.raises(GraphError, match=name):
        EXAMPLES[name].op.shape((0, 2, 3, 4))


@pytest.mark.parametrize("name", OPS)
def test_the_class_and_the_declaration_agree(name: str) -> None:
    example = EXAMPLES[name]
    given = arguments(example.op, *example.shapes)
    assert len(given) == len(declarations()[example.op.kernel(len(example.shapes))])


def test_quantize_takes_what_no_int_can_hold() -> None:
    x = np.array([[np.inf, -np.inf, np.nan, 1e30, -1e30]], np.float32)
    for op in (EXAMPLES["Quantize"].op, QuantizeChannels(np.zeros(5, np.float32), np.ones(5, np.float32))):
        np.testing.assert_array_equal(op.run(x), [[127, -128, -128, 127, -128]])
