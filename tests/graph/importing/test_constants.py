"""Products and sums with a constant of the file: tables, held to the definition in whole numbers."""

import numpy as np
import pytest

from studio.errors import GraphError
from studio.graph.importing.tflite_file import graph_of
from studio.graph.int8_layers import multiplier
from studio.graph.op import Array
from studio.graph.ops.pointwise import LookupS8, TablesS8
from tests.graph.arithmetic import requantized
from tests.graph.importing.write_tflite import File


def product(values: Array, channels: int) -> bytes:
    f = File()
    x, y = f.tensor((1, 3, channels), "int8", 0.05, -7), f.tensor((1, 3, channels), "int8", 0.11, 9)
    constant = f.tensor(values.shape, "int8", 0.02, 3, 0, values)
    f.layer("MUL", [constant, x], [y], "MulOptions", FusedActivationFunction=1)
    return f.bytes([x], [y])


@pytest.mark.parametrize("n", [1, 5])
def test_a_product_with_constants(n: int) -> None:
    values = np.array([-128, 127, 3, 4, 90], np.int8)[:n]
    graph = graph_of(product(values, 5), "product")
    op = next(node.op for node in graph.nodes if isinstance(node.op, LookupS8 | TablesS8))
    assert isinstance(op, TablesS8) == (n > 1)
    m, shift = multiplier(float(np.float32(0.05)) * float(np.float32(0.02)) / float(np.float32(0.11)))
    q = np.arange(-128, 128).astype(np.int8)
    x = np.repeat(q[:, None], 5, 1)
    want = [[requantized((int(v) + 7) * (int(values[j % n]) - 3), m, shift, 9, 9, 127) for j in range(5)] for v in q]
    np.testing.assert_array_equal(op.run(x), want)


def test_too_many_tables_are_refused() -> None:
    with pytest.raises(GraphError, match="at most 64 channels"):
        graph_of(product(np.ones(65, np.int8), 65), "product")
