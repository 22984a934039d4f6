"""Every operator of both formats, in float32 and in int8: it is imported, and gives what the format's reference gives.

TensorFlow Lite in int8: LiteRT's bits, but for operators whose rounding it does in another way than TensorFlow Lite
Micro (fully connected, LSTM: other tests hold these to the definition); for them a step, or a few. ONNX in int8: the
reference works in float between the steps, and whole numbers may end one step beside it.
"""

from typing import Any

import numpy as np
import pytest

from studio.graph.importing.onnx_file import graph_of as graph_of_onnx
from studio.graph.importing.tflite_file import graph_of
from studio.graph.op import Array
from tests.graph.importing.onnx_table import ONNX, Onx
from tests.graph.importing.op_table import TFLITE, Tfl

#: int8 operators that LiteRT rounds otherwise, and how many steps that comes to.
OTHERWISE = {
    "fully connected": 1,
    "fully connected on rows": 1,
    "lstm": 3,
    "mul": 1,
    "mul by a constant": 1,
    "batch norm": 1,
}
#: Operators that take an ONNX file's input as it is written; for all others channels come last.
PLAIN = (
    "transpose",
    "fully connected on rows",
    "one place",
    "lstm",
    "gru",
    "gru, reset after",
    "rnn",
    "rnn, rectified",
)
RECURRENT = ("lstm", "gru", "gru, reset after", "rnn")  # a state in int8 goes back in, so steps add up
N = 12
NOT_IN_REFERENCE = ("elu",)
CASES = [(name, small) for name, (_, types) in TFLITE.items() for small in types]


def litert(data: bytes, x: Array, y: int, name: str = "") -> Array:
    """What LiteRT gives for the samples one after the other, its variables going on."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    kinds = interpreter.OpResolverType
    kind = kinds.BUILTIN_WITHOUT_DEFAULT_DELEGATES if name in NOT_IN_REFERENCE else kinds.BUILTIN_REF
    it = interpreter.Interpreter(model_content=data, experimental_op_resolver_type=kind)
    it.allocate_tensors()
    found = []
    for sample in x:
        it.set_tensor(it.get_input_details()[0]["index"], sample)
        it.invoke()
        found.append(it.get_tensor(y).ravel())
    return np.array(found)


def fresh(data: bytes, x: Array, y: int, name: str) -> Array:
    """As `litert`, every sample by itself."""
    return np.concatenate([litert(data, x[i : i + 1], y, name) for i in range(len(x))])


@pytest.mark.parametrize(("name", "small"), CASES, ids=lambda v: v if isinstance(v, str) else "int8" if v else "float")
def test_an_operator_of_tensorflow_lite(name: str, small: bool) -> None:
    t = Tfl(small)
    x, y = TFLITE[name][0](t)
    data = t.file.bytes([x], [y])
    shape, _, scale, zero, *_ = t.file.tensors[x]
    rng = np.random.default_rng(1)
    q = rng.integers(-128, 128, (N, *shape)).astype(np.int8)
    real = ((q.astype(np.int32) - int(zero[0])) * scale[0]).astype(np.float32) if small else q.astype(np.float32) / 40
    graph = graph_of(data, name)
    got = graph.scores(real.reshape(N, *graph.window_shape()), in_order=graph.carries)
    want = (litert if graph.carries else fresh)(data, q if small else real, y, name)
    if not small:
        np.testing.assert_allclose(got, want, atol=1e-5)
        assert np.ptp(want) > 0.1
        return
    _, _, y_scale, y_zero, *_ = t.file.tensors[y]
    steps = np.rint(got / y_scale[0]) + y_zero[0]
    assert np.abs(steps - want).max() <= OTHERWISE.get(name, 0)
    assert np.ptp(want.astype(int)) > 20


def files(name: str, small: bool) -> tuple[bytes, Any, Any]:
    onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
    o = Onx(small)
    shapes = ONNX[name](o)
    made = [onnx.helper.make_node(op, i.split(), out.split(), **a) for op, i, out, a in o.nodes]
    ends = [onnx.helper.make_tensor_value_info(k, onnx.TensorProto.FLOAT, s) for k, s in zip("xy", shapes, strict=True)]
    initial = [onnx.numpy_helper.from_array(v, k) for k, v in o.constants.items()]
    graph = onnx.helper.make_graph(made, "g", ends[:1], ends[1:], initial)
    opset = [onnx.helper.make_opsetid("", 21)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=10)
    return bytes(model.SerializeToString()), pytest.importorskip("onnx.reference").ReferenceEvaluator(model), o


@pytest.mark.parametrize("small", [False, True], ids=["float", "int8"])
@pytest.mark.parametrize("name", ONNX)
def test_an_operator_of_onnx(name: str, small: bool) -> None:
    data, reference, o = files(name, small)
    graph = graph_of_onnx(data, name)
    shape = tuple(d.dim_value for d in reference.proto_.graph.input[0].type.tensor_type.shape.dim)
    q = np.random.default_rng(2).integers(-128, 128, (N, *shape))
    room = 3 if name in RECURRENT else 1
    x = ((q + 7) * np.float32(0.05)).astype(np.float32)  # on the steps of the input
    for sample in x:
        turned = sample if len(shape) < 3 or name in PLAIN else np.moveaxis(sample, 1, -1)
        got = graph.scores(np.ascontiguousarray(turned).reshape(1, *graph.window_shape()))[0]
        want = reference.run(None, {"x": sample})[0].ravel()
        tolerance = 1e-5 if not small else room * 1.01 * float(o.constants["out_s"])
        np.testing.assert_allclose(got, want, atol=tolerance)
    if small:
        assert sum(type(node.op).__name__ == "Quantize" for node in graph.nodes) >= 1
