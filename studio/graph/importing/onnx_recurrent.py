"""LSTM, GRU and RNN of ONNX: forward direction, whole sequence or last row, initial states, memory that goes on.

A file whose initial state is one of its inputs, and whose last state is one of its outputs, means that the caller feeds
the one back into the other. Here the layer carries its memory itself (`carried`), and both ends vanish.

References: ONNX operators LSTM, GRU, RNN, version 14: gates in the orders i o f c, z r h; B holds both biases.
"""

from typing import Any

import numpy as np

from studio.graph.importing.build import Layer
from studio.graph.importing.onnx_order import OnnxBuilder, written
from studio.graph.op import Array, Op
from studio.graph.ops import pointwise
from studio.graph.ops.fixed import Fixed
from studio.graph.ops.recurrent import Gru, GruFrom, Lstm, LstmFrom, Rnn, RnnFrom

X, WEIGHT, RECURRENT, BIAS, LENGTHS, STATE, CELL, PEEPHOLES = range(8)
#: Order of our gates in ONNX's blocks of rows, and their curves there.
ORDER = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}
CURVES = {"LSTM": ["sigmoid", "tanh", "tanh"], "GRU": ["sigmoid", "tanh"], "RNN": ["tanh"]}
MOST_UNITS = 4096


def recurrent(build: OnnxBuilder, layer: Layer) -> None:
    """Any of the three."""
    given = layer.options
    _only_forward(build, layer, given)
    n, batch, c = (written(build.tensor(layer, X)) * 2)[:3]
    n, batch = (batch, n) if given.get("layout", 0) else (n, batch)
    if batch != 1 or min(n, c) < 1:
        build.refuse(layer, f"gets a batch of {batch}", "Export it with a batch of 1.")
    sequence = build.shaped(build.node_as_written(layer), (n, c))
    states = _states(build, layer)
    arrays = _arrays(build, layer)
    every, last, cell = (k < len(layer.outputs) and layer.outputs[k] in build.used for k in range(3))
    flags: dict[str, Any] = {"last": not every, "carried": layer.place in build.carried}
    if layer.kind == "LSTM":
        flags |= {"both": cell, "clip": float(given.get("clip", 0.0))}
    op = _op(layer, arrays, flags, bool(states), given)
    made = build.add(op, (sequence, *states), layer.kind.lower())
    _settle(build, layer, made, arrays["recurrent"].shape[1], (every, last, cell), n)


def _only_forward(build: OnnxBuilder, layer: Layer, given: dict[str, Any]) -> None:
    if given.get("direction", b"forward") != b"forward":
        seen = f"runs {given['direction'].decode(errors='replace')}"
        build.refuse(layer, seen, "Use the forward direction: a sensor's future is not there yet.")
    curves = [c.decode(errors="replace").lower() for c in given.get("activations", [])] or CURVES[layer.kind]
    usual = curves == CURVES[layer.kind] or (layer.kind == "RNN" and curves == ["relu"])
    if not usual or given.get("input_forget", 0) or build.has(layer, PEEPHOLES):
        build.refuse(layer, f"has the curves {curves}, tied gates or peepholes", "Use the layer's usual form.")
    if given.get("clip", 0.0) and layer.kind != "LSTM":
        build.refuse(layer, "bounds its sums", "Leave out `clip`.")
    if build.has(layer, LENGTHS):
        lengths = build.constant(layer, LENGTHS).ravel()
        if lengths.tolist() not in ([written(build.tensor(layer, X))[0]], [written(build.tensor(layer, X))[1]]):
            build.refuse(layer, f"works on sequences of {lengths[:4].tolist()}", "Use sequences of one full length.")


def _arrays(build: OnnxBuilder, layer: Layer) -> dict[str, Array]:
    """Weights in the order of our gates; biases of input and memory apart."""
    gates = ORDER[layer.kind]
    weight, past = (build.constant(layer, i).astype(np.float32) for i in (WEIGHT, RECURRENT))
    hidden = past.shape[-1]
    fits = weight.ndim == past.ndim == 3 and len(weight) == len(past) == 1 and 0 < hidden <= MOST_UNITS
    if not fits or past.shape[1] != len(gates) * hidden or weight.shape[1] != len(gates) * hidden:
        build.refuse(layer, f"has weights {weight.shape} and {past.shape}", "Export the model again; it is broken.")
    both = np.zeros(2 * len(gates) * hidden, np.float32)
    if build.has(layer, BIAS):
        both = build.constant(layer, BIAS).astype(np.float32).ravel()
    if both.shape != (2 * len(gates) * hidden,):
        build.refuse(layer, f"has {both.size} biases", "Export the model again; it is broken.")
    blocks = {"weight": weight[0], "recurrent": past[0], "bias": both[: len(both) // 2], "past": both[len(both) // 2 :]}
    return {
        name: np.concatenate([np.split(v, len(gates))[g] for g in gates], dtype=np.float32)
        for name, v in blocks.items()
    }


def _states(build: OnnxBuilder, layer: Layer) -> tuple[int, ...]:
    """Nodes of what the memory begins with; none when that is zeros or goes on by itself."""
    places = (STATE, CELL) if layer.kind == "LSTM" else (STATE,)
    asked = [i for i in places if build.has(layer, i)]
    if layer.place in build.carried or all(_zeros(build, layer, i) for i in asked):
        return ()
    hidden = int(build.constant(layer, RECURRENT).shape[-1])
    return tuple(_state(build, layer, i, hidden) for i in places)


def _zeros(build: OnnxBuilder, layer: Layer, i: int) -> bool:
    values = build.tensor(layer, i).data
    return values is not None and not np.any(values)


def _state(build: OnnxBuilder, layer: Layer, i: int, hidden: int) -> int:
    values = build.tensor(layer, i).data if build.has(layer, i) else np.zeros(hidden)
    if values is None:
        return build.shaped(build.node_as_written(layer, i), (hidden,))
    if values.size != hidden:
        build.refuse(layer, f"begins with {values.size} values for {hidden}", "Export it with a batch of 1.")
    return build.add(Fixed(values.ravel().astype(np.float32)), (build.node_as_written(layer),), "initial")


def _op(layer: Layer, arrays: dict[str, Any], flags: dict[str, Any], begun: bool, given: dict[str, Any]) -> Op:
    past = arrays.pop("past")
    if layer.kind == "GRU":
        kind = GruFrom if begun else Gru
        return kind(**arrays, recurrent_bias=past, reset_after=bool(given.get("linear_before_reset", 0)), **flags)
    arrays = {**arrays, "bias": arrays["bias"] + past}
    if layer.kind == "LSTM":
        return (LstmFrom if begun else Lstm)(**arrays, **flags)
    rectified = given.get("activations", [b"Tanh"])[0].lower() == b"relu"
    return (RnnFrom if begun else Rnn)(**arrays, rectified=rectified, **flags)


def _settle(build: OnnxBuilder, layer: Layer, made: int, hidden: int, wanted: tuple[bool, bool, bool], n: int) -> None:
    """The outputs that are used: all rows, the last state, the last cell; each a part of what the layer gives."""
    every, last, cell = wanted
    width = build.shape_at(made)[-1]
    end = (n - 1) * width if every else 0
    for index, (wants, to, steps, start) in enumerate(
        (
            (every, (n, hidden), (width, 1), 0),
            (last, (hidden,), (1,), end),
            (cell, (hidden,), (1,), end + hidden),
        )
    ):
        if wants:
            part = made if prod_is(build, made, to) else build.add(pointwise.Pick(to, steps, start), (made,), "rows")
            build.put_as_written(layer, None, (part,), "rows", index)


def prod_is(build: OnnxBuilder, node: int, to: tuple[int, ...]) -> bool:
    """Whether a node gives just that many values."""
    return int(np.prod(build.shape_at(node))) == int(np.prod(to))
