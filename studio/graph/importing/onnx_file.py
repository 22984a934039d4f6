"""ONNX files, read with the field's own package `onnx` (an extra of this project).

ONNX keeps channels before time and space; here they come last. So an input (1, c, t) is a window of t samples with c
channels, as a sensor gives them, and flattening puts the values into ONNX's order first.
QuantizeLinear and DequantizeLinear are taken as they are written: the layers between them work in float.
"""

from typing import Any

import numpy as np

from studio.errors import DataError, StudioError
from studio.graph.graph import Graph
from studio.graph.importing.build import MOST_LAYERS, Layer, Tensor
from studio.graph.importing.onnx_carried import Carried, carried
from studio.graph.importing.onnx_int8 import in_int8
from studio.graph.importing.onnx_layers import LAYERS
from studio.graph.importing.onnx_moves import folded
from studio.graph.importing.onnx_order import OnnxBuilder, becomes, channels_last
from studio.graph.op import Array, Shape

NO_SCALE: Array = np.zeros(0, np.float32)
#: Layers that read an input in ONNX's own order; one of these, and the window's rows are the file's.
AS_WRITTEN = ("LSTM", "GRU", "RNN", "Transpose", "MatMul", "Gemm", "Gather")
EACH_ALONE = ("QuantizeLinear", "DequantizeLinear", "Identity", "Relu", "Clip", "Sigmoid", "Tanh")
LOOPS = "Export recurrent layers as LSTM, GRU or RNN, as torch.onnx and tf2onnx do, not as a loop."


def graph_of(data: bytes, name: str) -> Graph:
    """The network in an .onnx file; DataError when it is broken, GraphError when a layer is not known."""
    try:
        import onnx
    except ImportError as e:
        raise DataError(name, "needs the package onnx", "Run `pip install onnx`, or give a .tflite file.") from e
    try:
        return _built(onnx, data, name)
    except StudioError:
        raise
    except Exception as e:  # protobuf's and onnx's own errors share no base but this
        raise DataError(name, f"is not a whole ONNX file: {type(e).__name__}", "Export the model again.") from e


def _built(onnx: Any, data: bytes, name: str) -> Graph:
    model = onnx.load_model_from_string(data)
    if len(model.graph.node) > MOST_LAYERS:
        raise DataError(name, f"{len(model.graph.node)} layers", "No board takes that.")
    onnx.checker.check_model(model)
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True).graph
    constants = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer if not t.external_data}
    shapes = _shapes(onnx, graph)
    numbers: dict[str, int] = {}
    tensors: list[Tensor] = []

    def number(tensor: str) -> int:
        if not tensor:
            return -1
        if tensor not in numbers:
            numbers[tensor] = len(tensors)
            values = constants.get(tensor)
            shape = shapes.get(tensor, () if values is None else values.shape)
            kind = "float32" if values is None else str(values.dtype)
            tensors.append(Tensor(tensor, channels_last(shape), kind, NO_SCALE, NO_SCALE, 0, values))
        return numbers[tensor]

    layers = [_layer(onnx, node, i, number) for i, node in enumerate(graph.node)]
    inputs = [number(v.name) for v in graph.input if v.name not in constants]
    outputs = [number(v.name) for v in graph.output]
    on = carried(layers, inputs, outputs)
    build = _builder(tensors, name, layers, inputs, outputs, on)
    build.begin([i for i in inputs if i not in on.ends])
    for layer in layers:
        if layer.place not in on.moves:
            _convert(build, layer)
    return build.end([i for i in outputs if i not in on.ends], in_int8)


def _convert(build: OnnxBuilder, layer: Layer) -> None:
    values = folded(build, layer)
    if values is not None:
        becomes(build, layer.outputs[0], values)
        return
    convert = LAYERS.get(layer.kind)
    if convert is None:
        known = f"Build the model from these: {', '.join(sorted(LAYERS))}."
        build.refuse(layer, "is not known here", LOOPS if layer.kind in ("Loop", "Scan", "If") else known)
    convert(build, layer)


def _builder(
    tensors: list[Tensor], name: str, layers: list[Layer], inputs: list[int], outputs: list[int], on: Carried
) -> OnnxBuilder:
    """A builder that knows what is read, which inputs enter as they are written, and which memories go on."""
    readers: dict[int, list[Layer]] = {}
    for layer in layers:
        for i in layer.inputs:
            readers.setdefault(i, []).append(layer)
    as_written = {i for i in inputs if _plain_first(i, readers)}
    used = frozenset({*readers, *outputs} - {-1})
    return OnnxBuilder(tensors, name, as_written=frozenset(as_written), used=used, carried=on.layers)


def _plain_first(i: int, readers: dict[int, list[Layer]]) -> bool:
    """Whether a layer that takes a tensor as it is written meets tensor `i`, behind what works on each value alone."""
    met, asked = set[int](), [i]
    while asked:
        at = asked.pop()
        for layer in readers.get(at, []):
            if layer.kind in AS_WRITTEN:
                return True
            if layer.kind in EACH_ALONE and layer.outputs[0] not in met:
                met.add(layer.outputs[0])
                asked.append(layer.outputs[0])
    return False


def _shapes(onnx: Any, graph: Any) -> dict[str, Shape]:
    """Shapes of all tensors; a batch size that is left open is 1."""
    found = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
        found[value.name] = tuple(s or 1 if i == 0 else s for i, s in enumerate(sizes))
    return found


def _layer(onnx: Any, node: Any, place: int, number: Any) -> Layer:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    inputs, outputs = tuple(map(number, node.input)), tuple(map(number, node.output))
    return Layer(node.op_type, place, inputs, outputs, attributes)
