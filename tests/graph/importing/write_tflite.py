"""TensorFlow Lite files made by hand, for the tests: tensors and layers in, bytes out."""

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

from studio.graph.op import Array, Shape

TYPES = {
    "int8": tflite.TensorType.INT8,
    "int16": tflite.TensorType.INT16,
    "int32": tflite.TensorType.INT32,
    "int64": tflite.TensorType.INT64,
    "float32": tflite.TensorType.FLOAT32,
}


@dataclass
class File:
    """`tensor` and `layer` give numbers; `bytes` the file."""

    tensors: list[tuple[Shape, str, Array, Array, int, Array | None]] = field(default_factory=list)
    variables: set[int] = field(default_factory=set)  # tensors that are the memory of a layer
    layers: list[tuple[int, list[int], list[int], str, dict[str, Any]]] = field(default_factory=list)
    intermediates: dict[int, list[int]] = field(default_factory=dict)  # layer -> tensors that it works in

    def tensor(
        self, shape: Shape, dtype: str = "int8", scale: Any = (), zero: Any = (), axis: int = 0, data: Any = None
    ) -> int:
        scales, zeros = np.atleast_1d(np.asarray(scale, np.float32)), np.atleast_1d(np.asarray(zero, np.int64))
        self.tensors.append((shape, dtype, scales, zeros, axis, data))
        return len(self.tensors) - 1

    def layer(self, kind: str, inputs: list[int], outputs: list[int], table: str = "", **options: Any) -> None:
        self.layers.append((getattr(tflite.BuiltinOperator, kind), inputs, outputs, table, options))

    def bytes(self, inputs: list[int], outputs: list[int]) -> bytes:
        b = flatbuffers.Builder(1024)
        buffers = [self._buffer(b, None), *(self._buffer(b, t[5]) for t in self.tensors)]
        tensors = [self._tensor(b, i, t) for i, t in enumerate(self.tensors)]
        layers = [self._layer(b, i, *layer) for i, layer in enumerate(self.layers)]
        ends = [_ints(b, v, "i") for v in (inputs, outputs)]
        tensors_at, layers_at = _offsets(b, tensors), _offsets(b, layers)
        tflite.SubGraphStart(b)
        tflite.SubGraphAddTensors(b, tensors_at)
        tflite.SubGraphAddInputs(b, ends[0])
        tflite.SubGraphAddOutputs(b, ends[1])
        tflite.SubGraphAddOperators(b, layers_at)
        subgraphs = _offsets(b, [tflite.SubGraphEnd(b)])
        codes = _offsets(b, [self._code(b, layer[0]) for layer in self.layers])
        buffers_at = _offsets(b, buffers)
        tflite.ModelStart(b)
        tflite.ModelAddVersion(b, 3)
        tflite.ModelAddOperatorCodes(b, codes)
        tflite.ModelAddSubgraphs(b, subgraphs)
        tflite.ModelAddBuffers(b, buffers_at)
        b.Finish(tflite.ModelEnd(b), b"TFL3")
        return bytes(b.Output())

    def _code(self, b: Any, number: int) -> int:
        tflite.OperatorCodeStart(b)
        tflite.OperatorCodeAddDeprecatedBuiltinCode(b, min(number, 127))
        tflite.OperatorCodeAddBuiltinCode(b, number)
        tflite.OperatorCodeAddVersion(b, 1)
        return int(tflite.OperatorCodeEnd(b))

    def _buffer(self, b: Any, data: Array | None) -> int:
        held = None if data is None else b.CreateByteVector(np.ascontiguousarray(data).tobytes())
        tflite.BufferStart(b)
        if held is not None:
            tflite.BufferAddData(b, held)
        return int(tflite.BufferEnd(b))

    def _tensor(self, b: Any, i: int, t: tuple[Shape, str, Array, Array, int, Array | None]) -> int:
        shape, dtype, scales, zeros, axis, _ = t
        name, shape_at, quantized = b.CreateString(f"t{i}"), _ints(b, shape, "i"), None
        if len(scales):
            scale_at, zero_at = b.CreateNumpyVector(scales), b.CreateNumpyVector(zeros)
            tflite.QuantizationParametersStart(b)
            tflite.QuantizationParametersAddScale(b, scale_at)
            tflite.QuantizationParametersAddZeroPoint(b, zero_at)
            tflite.QuantizationParametersAddQuantizedDimension(b, axis)
            quantized = tflite.QuantizationParametersEnd(b)
        tflite.TensorStart(b)
        tflite.TensorAddShape(b, shape_at)
        tflite.TensorAddType(b, TYPES[dtype])
        tflite.TensorAddBuffer(b, i + 1)
        tflite.TensorAddName(b, name)
        if i in self.variables:
            tflite.TensorAddIsVariable(b, True)
        if quantized is not None:
            tflite.TensorAddQuantization(b, quantized)
        return int(tflite.TensorEnd(b))

    def _layer(
        self, b: Any, i: int, number: int, inputs: list[int], outputs: list[int], table: str, options: dict[str, Any]
    ) -> int:
        ends = [_ints(b, v, "i") for v in (inputs, outputs)]
        between = _ints(b, self.intermediates[i], "i") if i in self.intermediates else None
        options_at = None
        if table:
            getattr(tflite, f"{table}Start")(b)
            for name, value in options.items():
                getattr(tflite, f"{table}Add{name}")(b, value)
            options_at = getattr(tflite, f"{table}End")(b)
        tflite.OperatorStart(b)
        tflite.OperatorAddOpcodeIndex(b, i)
        tflite.OperatorAddInputs(b, ends[0])
        tflite.OperatorAddOutputs(b, ends[1])
        if between is not None:
            tflite.OperatorAddIntermediates(b, between)
        if options_at is not None:
            tflite.OperatorAddBuiltinOptionsType(b, getattr(tflite.BuiltinOptions, table))
            tflite.OperatorAddBuiltinOptions(b, options_at)
        return int(tflite.OperatorEnd(b))


def _ints(b: Any, values: Any, kind: str) -> int:
    return int(b.CreateNumpyVector(np.asarray(values, np.int32)))


def _offsets(b: Any, values: list[int]) -> int:
    b.StartVector(4, len(values), 4)
    for v in reversed(values):
        b.PrependUOffsetTRelative(v)
    return int(b.EndVector())
