"""ONNX networks against the reference evaluator of the package `onnx`."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.errors import DataError, GraphError, StudioError
from studio.graph.importing.onnx_file import graph_of
from studio.graph.int8_layers import most_steps
from studio.graph.op import Array

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
evaluator = pytest.importorskip("onnx.reference")
rng = np.random.default_rng(3)


def f32(*shape: int) -> Array:
    return (rng.normal(size=shape) / 2).astype(np.float32)


def model(nodes: list[tuple[Any, ...]], constants: dict[str, Array], shape: tuple[int, ...], n: int) -> bytes:
    """Nodes are (op, inputs, output, attributes); the input is "x", the output "y"."""
    made = [onnx.helper.make_node(op, i.split(), [o], **a) for op, i, o, a in nodes]
    ends = [onnx.helper.make_tensor_value_info(k, onnx.TensorProto.FLOAT, s) for k, s in (("x", shape), ("y", (1, n)))]
    initial = [onnx.numpy_helper.from_array(v, k) for k, v in constants.items()]
    graph = onnx.helper.make_graph(made, "g", ends[:1], ends[1:], initial)
    opset = [onnx.helper.make_opsetid("", 21)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString())


def over_time() -> bytes:
    nodes = [
        ("Conv", "x w1 b1", "c1", {"kernel_shape": [5], "pads": [2, 1], "strides": [2]}),
        ("BatchNormalization", "c1 g o m v", "n1", {"epsilon": 1e-3}),
        ("Relu", "n1", "r1", {}),
        ("Conv", "r1 w2", "c2", {"kernel_shape": [3], "group": 6, "dilations": [2]}),
        ("MaxPool", "c2", "p", {"kernel_shape": [2], "strides": [2]}),
        ("Flatten", "p", "f", {}),
        ("Gemm", "f w3 b3", "l", {"transB": 1}),
        ("Softmax", "l", "y", {"axis": 1}),
    ]
    constants = {"w1": f32(6, 3, 5), "b1": f32(6), "w2": f32(6, 1, 3), "w3": f32(4, 66), "b3": f32(4)}
    constants |= {"g": f32(6) + 1, "o": f32(6), "m": f32(6), "v": f32(6) ** 2 + 0.1}
    return model(nodes, constants, (1, 3, 54), 4)


def over_space() -> bytes:
    nodes = [
        ("Conv", "x w1", "c1", {"kernel_shape": [3, 2], "pads": [1, 0, 1, 1]}),
        ("Sigmoid", "c1", "s", {}),
        ("Mul", "c1 s", "m", {}),
        ("AveragePool", "m", "a", {"kernel_shape": [2, 3], "strides": [2, 1]}),
        ("Reshape", "a to", "f", {}),
        ("MatMul", "f w3", "l", {}),
        ("Add", "l b", "k", {}),
        ("Clip", "k low high", "y", {}),
    ]
    constants = {"w1": f32(5, 2, 3, 2), "to": np.array([1, -1]), "w3": f32(60, 3), "b": f32(3)}
    constants |= {"low": np.float32(-1).reshape(()), "high": np.float32(2).reshape(())}
    return model(nodes, constants, (1, 2, 7, 6), 3)


def with_branches() -> bytes:
    nodes = [
        ("ConvTranspose", "x w1 b1", "t", {"kernel_shape": [4, 3], "strides": [2, 1], "pads": [1, 1, 0, 1]}),
        ("Sub", "one t", "s", {}),
        ("HardSwish", "s", "h", {}),
        ("Max", "h t", "m", {}),
        ("Sub", "m s", "d", {}),
        ("Concat", "d h", "c", {"axis": 1}),
        ("Concat", "c c", "r", {"axis": 2}),
        ("Div", "r two", "q", {}),
        ("Min", "q half", "n", {}),
        ("ReduceMean", "n axes", "y", {"keepdims": 0}),
    ]
    constants = {"w1": f32(2, 3, 4, 3), "b1": f32(3), "one": f32(3, 1, 1), "two": np.float32(2).reshape(1)}
    constants |= {"half": np.float32(0.5).reshape(()), "axes": np.array([2, 3])}
    return model(nodes, constants, (1, 2, 4, 5), 6)


def quantized() -> bytes:
    nodes = [
        ("QuantizeLinear", "x sx zx", "xq", {}),
        ("DequantizeLinear", "xq sx zx", "xd", {}),
        ("DequantizeLinear", "wq sw zw", "w", {"axis": 0}),
        ("Conv", "xd w", "c", {"kernel_shape": [3]}),
        ("QuantizeLinear", "c sy zy", "cq", {}),
        ("DequantizeLinear", "cq sy zy", "cd", {}),
        ("GlobalAveragePool", "cd", "a", {}),
        ("Flatten", "a", "y", {}),
    ]
    constants = {"wq": rng.integers(-127, 128, (4, 3, 3), np.int8), "sw": np.full(4, 0.01, np.float32)}
    constants |= {"zw": np.zeros(4, np.int8), "sx": np.float32(0.05).reshape(()), "zx": np.int8(3).reshape(())}
    constants |= {"sy": np.float32(0.1).reshape(()), "zy": np.int8(-9).reshape(())}
    return model(nodes, constants, (1, 3, 20), 4)


def between_steps() -> bytes:
    """Every layer between a DequantizeLinear and a QuantizeLinear, as exporters write quantized networks."""
    nodes: list[tuple[Any, ...]] = [("QuantizeLinear", "x s0 z0", "q0", {}), ("DequantizeLinear", "q0 s0 z0", "d0", {})]
    constants: dict[str, Array] = {"s0": np.float32(0.04).reshape(()), "z0": np.int8(-5).reshape(())}

    def step(at: int, given: str, scale: float, zero: int) -> None:
        constants[f"s{at}"], constants[f"z{at}"] = np.float32(scale).reshape(()), np.int8(zero).reshape(())
        nodes.append(("QuantizeLinear", f"{given} s{at} z{at}", f"q{at}", {}))
        nodes.append(("DequantizeLinear", f"q{at} s{at} z{at}", f"d{at}", {}))

    def weight(name: str, *shape: int) -> None:
        constants[f"{name}q"] = rng.integers(-120, 121, shape, np.int8)
        constants[f"{name}s"] = rng.uniform(0.004, 0.01, shape[0]).astype(np.float32)
        constants[f"{name}z"] = np.zeros(shape[0], np.int8)
        nodes.append(("DequantizeLinear", f"{name}q {name}s {name}z", name, {"axis": 0}))

    weight("w1", 6, 3, 5)
    nodes.append(("Conv", "d0 w1 b1", "c1", {"kernel_shape": [5], "pads": [2, 2]}))
    nodes.append(("Relu", "c1", "r1", {}))
    step(1, "r1", 0.05, -128)
    nodes.append(("MaxPool", "d1", "p1", {"kernel_shape": [2], "strides": [2]}))
    step(2, "p1", 0.05, -128)
    weight("w2", 6, 1, 3)
    nodes.append(("Conv", "d2 w2", "c2", {"kernel_shape": [3], "group": 6, "pads": [1, 1]}))
    step(3, "c2", 0.03, 7)
    nodes.append(("Add", "d3 d2", "a", {}))
    step(4, "a", 0.06, -30)
    nodes.append(("Flatten", "d4", "f", {}))
    weight("w3", 4, 60)
    nodes.append(("Gemm", "f w3", "g", {"transB": 1}))
    step(5, "g", 0.3, 3)
    nodes.append(("Softmax", "d5", "y", {"axis": 1}))
    constants["b1"] = f32(6)
    return model(nodes, constants, (1, 3, 20), 4)


def test_a_quantized_network_becomes_an_int8_one() -> None:
    data = between_steps()
    graph = graph_of(data, "m.onnx")
    kinds = [type(node.op).__name__ for node in graph.nodes]
    small = ("Conv2dS8", "DepthwiseConv2dS8", "MaxPool2dS8", "AddS8", "DenseS8")
    assert all(kinds.count(kind) == 1 for kind in small) and kinds.count("Quantize") == kinds.count("Dequantize") == 1
    reference = evaluator.ReferenceEvaluator(onnx.load_model_from_string(data))
    for _ in range(20):
        x = f32(1, 3, 20) * 4
        want = reference.run(None, {"x": x})[0]
        stages = dict(graph.stages(np.moveaxis(x, 1, -1).reshape(1, *graph.window_shape())))
        logits = np.log(want / want.max())
        got = np.log(stages["scores"] / stages["scores"].max())
        assert np.abs(got - logits).max() < 0.3 * 2.5  # two steps of the last scale


def test_weights_that_lie_on_steps_keep_them() -> None:
    q = np.array([[3, -90, 40, 7, 15], [64, -32, 16, 8, 0]], np.float64)
    assert most_steps(q * 0.0123, 0).tolist() == [90, 8]
    assert most_steps(rng.normal(size=(3, 40)), 0).tolist() == [127] * 3


@pytest.mark.parametrize(
    ("make", "tolerance"), [(over_time, 2e-5), (over_space, 2e-5), (with_branches, 2e-5), (quantized, 0.1 / 18 * 1.01)]
)
def test_a_network_gives_what_the_reference_gives(make: Any, tolerance: float) -> None:
    """In int8 one of the 18 values that are averaged may be a step off."""
    data = make()
    graph = graph_of(data, "m.onnx")
    reference = evaluator.ReferenceEvaluator(onnx.load_model_from_string(data))
    shape = reference.proto_.graph.input[0].type.tensor_type.shape.dim
    x = f32(*(d.dim_value for d in shape)) * 4
    window = np.moveaxis(x, 1, -1).reshape(1, *graph.window_shape())
    np.testing.assert_allclose(graph.scores(window), reference.run(None, {"x": x})[0], atol=tolerance)


@pytest.mark.parametrize("scale", [0.0, np.nan, np.inf, -1.0])
def test_steps_that_are_none_are_refused(scale: float) -> None:
    nodes = [("QuantizeLinear", "x s z", "q", {}), ("DequantizeLinear", "q s z", "y", {})]
    constants = {"s": np.float32(scale).reshape(()), "z": np.int8(3).reshape(())}
    with pytest.raises(GraphError, match=r"Layer 0 \(QuantizeLinear\).*scale of"):
        graph_of(model(nodes, constants, (1, 4), 4), "m.onnx")


def test_an_unknown_op_is_named() -> None:
    data = model([("Erf", "x", "y", {})], {}, (1, 4), 4)
    with pytest.raises(GraphError, match=r"Layer 0 \(Erf\) of m\.onnx.*Conv"):
        graph_of(data, "m.onnx")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_give_a_graph_or_an_error(data: st.DataObject) -> None:
    whole = bytearray(over_time())
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        graph_of(bytes(whole), "m.onnx").shapes()
    except StudioError as e:
        assert e.thing and e.seen and e.next_step


def test_no_onnx_at_all() -> None:
    with pytest.raises(DataError, match=r"m\.onnx"):
        graph_of(b"\x08\x01nothing", "m.onnx")
