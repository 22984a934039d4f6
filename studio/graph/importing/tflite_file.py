"""TensorFlow Lite files, read with the field's own schema package `tflite`.

The file's tables are copied into plain values first; whatever a broken file does to the reader ends there.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from studio.errors import DataError, StudioError
from studio.graph.graph import Graph
from studio.graph.importing.build import MOST_LAYERS, Builder, Layer, Tensor
from studio.graph.importing.tflite_dilated import fused
from studio.graph.importing.tflite_layers import LAYERS
from studio.graph.importing.tflite_wide import WIDE, is_wide
from studio.graph.op import Array, Shape

BROKEN = (
    struct.error,
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    MemoryError,
    ZeroDivisionError,
    AssertionError,
    ArithmeticError,
)
MOST_TENSORS = 1 << 16
LOOP = (
    "Keras writes a GRU, or an LSTM without a fixed batch, as a loop. Convert an LSTM with a batch of 1 "
    "(`tf.keras.Input(shape, batch_size=1)`), which gives UNIDIRECTIONAL_SEQUENCE_LSTM; give any other recurrent layer "
    "`unroll=True`, or export to ONNX (tf2onnx, torch.onnx)."
)
BATCHES = "It is known around one convolution alone, as TensorFlow writes a dilated one; use `dilation_rate` there."
BACKWARD = "Use the forward direction: a sensor's future is not there yet."
#: What to do about operators that people meet.
INSTEAD = {
    **dict.fromkeys(("WHILE", "IF", "CALL", "CALL_ONCE", "STABLEHLO_WHILE"), LOOP),
    **dict.fromkeys(("BIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_RNN"), BACKWARD),
    **dict.fromkeys(("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"), BATCHES),
    "LSTM": "Export it with a current TFLite converter, which writes UNIDIRECTIONAL_SEQUENCE_LSTM.",
}
IDENTIFIER = b"TFL3"


def graph_of(data: bytes, name: str) -> Graph:
    """The network in a .tflite file; DataError when it is broken, GraphError when a layer is not known."""
    return built(data, name)[0]


def built(data: bytes, name: str) -> tuple[Graph, Builder]:
    """The graph, and the builder that knows which node gives which tensor of the file (before unused ones went)."""
    try:
        return _built(data, name)
    except StudioError:
        raise
    except BROKEN as e:
        seen = f"is not a whole TensorFlow Lite file: {type(e).__name__}: {e}"
        raise DataError(name, seen, "Export the model again.") from e


def _built(data: bytes, name: str) -> tuple[Graph, Builder]:
    import tflite

    if data[4:8] != IDENTIFIER:
        raise DataError(name, "does not begin as a TensorFlow Lite file does", "Choose a .tflite file.")
    model = tflite.Model.GetRootAs(data, 0)
    sub = model.Subgraphs(0)
    n_tensors, n_layers = sub.TensorsLength(), sub.OperatorsLength()
    if n_tensors > MOST_TENSORS or n_layers > MOST_LAYERS:
        raise DataError(name, f"{n_tensors} tensors and {n_layers} layers", "No board takes that.")
    tensors = [_tensor(model, sub.Tensors(i), len(data)) for i in range(n_tensors)]
    layers = [_layer(model, sub.Operators(i), i, n_tensors) for i in range(n_layers)]
    layers = fused(layers, tensors)
    build = Builder(tensors, name)
    build.begin(_indices(sub.InputsAsNumpy(), n_tensors, -1))
    for layer in layers:
        convert = (WIDE if is_wide(build, layer) else LAYERS).get(layer.kind)
        if convert is None and is_wide(build, layer):
            known = f"With int16 values these are known: {', '.join(sorted(WIDE))}. Export it in int8 or float32."
            build.refuse(layer, "is not known with int16 values", known)
        if convert is None:
            known = f"Build the model from these and export it again: {', '.join(sorted(LAYERS))}."
            build.refuse(layer, "is not known here", INSTEAD.get(layer.kind, known))
        convert(build, layer)
    return build.end(_indices(sub.OutputsAsNumpy(), n_tensors, -1)), build


def _indices(values: Any, n: int, least: int) -> list[int]:
    """Tensor numbers; ValueError when one is beyond the file's."""
    found = [] if isinstance(values, int) else [int(v) for v in values]  # 0: the vector is missing
    if any(not least <= v < n for v in found):
        raise ValueError(f"tensor numbers {found[:8]} of {n}")
    return found


@cache
def _names(kind: str) -> dict[int, str]:
    import tflite

    return {v: k for k, v in vars(getattr(tflite, kind)).items() if isinstance(v, int)}


def _layer(model: Any, operator: Any, place: int, n_tensors: int) -> Layer:
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
    kind = _names("BuiltinOperator").get(number, f"operator {number}")
    if kind == "CUSTOM":
        kind = f"CUSTOM {(code.CustomCode() or b'').decode(errors='replace')}"
    inputs = tuple(_indices(operator.InputsAsNumpy(), n_tensors, -1))
    outputs = tuple(_indices(operator.OutputsAsNumpy(), n_tensors, 0))
    if not outputs:
        raise ValueError(f"layer {place} gives nothing")
    return Layer(kind, place, inputs, outputs, operator.BuiltinOptions())


def _tensor(model: Any, tensor: Any, n_bytes: int) -> Tensor:
    shape: Shape = tuple(int(v) for v in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
    dtype = _names("TensorType").get(tensor.Type(), "?").lower()
    q = tensor.Quantization()
    scales, zeros, axis = np.zeros(0, np.float32), np.zeros(0, np.int64), 0
    if q is not None and q.ScaleLength():
        scales, axis = q.ScaleAsNumpy(), q.QuantizedDimension()
        zeros = q.ZeroPointAsNumpy() if q.ZeroPointLength() else np.zeros(len(scales), np.int64)
    name = (tensor.Name() or b"").decode(errors="replace")
    return Tensor(name, shape, dtype, scales, zeros, axis, _values(model, tensor.Buffer(), dtype, shape, n_bytes))


#: Types of constants; others may stand in a file, but no layer takes them.
DTYPES: dict[str, str] = {
    "int8": "<i1", "int16": "<i2", "int32": "<i4", "int64": "<i8", "float32": "<f4", "float16": "<f2", "uint8": "<u1",
    "bool": "<?",
}  # fmt: skip


def _values(model: Any, buffer: int, dtype: str, shape: Shape, n_bytes: int) -> Array | None:
    if buffer == 0 or dtype not in DTYPES:
        return None
    held = model.Buffers(buffer)
    if held is None or held.DataIsNone() or not held.DataLength():
        return None
    raw = held.DataAsNumpy().tobytes()
    values: Array = np.frombuffer(raw, DTYPES[dtype]).reshape(shape)
    return values


Convert = Callable[[Builder, Layer], None]
