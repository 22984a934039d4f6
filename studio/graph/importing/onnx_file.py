"""ONNX files, read with the field's own package `onnx` (an extra of this project).

ONNX keeps channels before time and space; here they come last. So an input (1, c, t) is a window of t samples with c
channels, as a sensor gives them, and flattening puts the values into ONNX's order first.
QuantizeLinear and DequantizeLinear are taken as they are written: the layers between them work in float.
"""

from typing import Any

import numpy as np

from studio.errors import DataError, StudioError
from studio.graph.graph import Graph
from studio.graph.importing.build import MOST_LAYERS, Builder, Layer, Tensor
from studio.graph.importing.onnx_int8 import in_int8
from studio.graph.importing.onnx_layers import LAYERS
from studio.graph.op import Array, Shape

NO_SCALE: Array = np.zeros(0, np.float32)


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
    graph = onnx.shape_inference.infer_shapes(model, strict_mode=True).graph
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
    build = Builder(tensors, name)
    build.begin(inputs)
    for layer in layers:
        convert = LAYERS.get(layer.kind)
        if convert is None:
            build.refuse(layer, "is not known here", f"Build the model from these: {', '.join(sorted(LAYERS))}.")
        convert(build, layer)
    return build.end(outputs, in_int8)


def channels_last(shape: Shape) -> Shape:
    """(n, c, ...) -> (n, ..., c)."""
    return (shape[0], *shape[2:], shape[1]) if len(shape) > 2 else shape


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
