"""Recurrent layers of ONNX files against the package's own evaluator, and what exporters put around them."""

import io
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.errors import GraphError
from studio.graph.importing.onnx_file import graph_of
from studio.graph.op import Array

onnx = pytest.importorskip("onnx", reason="the extra `onnx` is not installed")
evaluator = pytest.importorskip("onnx.reference")
GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
Node = tuple[str, str, str, dict[str, Any]]


def model(nodes: list[Node], constants: dict[str, Array], inputs: dict[str, Any], outputs: dict[str, Any]) -> bytes:
    """Nodes are (op, inputs, outputs, attributes); "_" leaves one out."""
    made = [
        onnx.helper.make_node(op, [n.strip("_") for n in i.split()], [n.strip("_") for n in o.split()], **a)
        for op, i, o, a in nodes
    ]
    ends = [
        [onnx.helper.make_tensor_value_info(k, onnx.TensorProto.FLOAT, s) for k, s in e.items()]
        for e in (inputs, outputs)
    ]
    initial = [onnx.numpy_helper.from_array(v, k) for k, v in constants.items()]
    graph = onnx.helper.make_graph(made, "g", *ends, initial)
    opset = [onnx.helper.make_opsetid("", 21)]
    return bytes(onnx.helper.make_model(graph, opset_imports=opset, ir_version=10).SerializeToString())


def reference(data: bytes, x: dict[str, Array]) -> Array:
    """All outputs, end to end."""
    found = evaluator.ReferenceEvaluator(onnx.load_model_from_string(data)).run(None, x)
    return np.concatenate([np.ravel(v) for v in found])


def weights(rng: np.random.Generator, kind: str, c: int, h: int) -> dict[str, Array]:
    g = GATES[kind] * h
    shapes = {"w": (1, g, c), "r": (1, g, h), "b": (1, 2 * g)}
    return {k: (rng.normal(size=s) / 2).astype(np.float32) for k, s in shapes.items()}


@st.composite
def layers(draw: st.DrawFn) -> tuple[bytes, dict[str, Array]]:
    """One recurrent layer, perhaps in a batch-first frame, with or without bias, initial states and each output."""
    kind, rng = draw(st.sampled_from(list(GATES))), np.random.default_rng(draw(st.integers(0, 2**32)))
    n, c, h = (draw(st.integers(1, m)) for m in (9, 5, 6))
    constants = weights(rng, kind, c, h)
    states = ["h0", "c0"] if kind == "LSTM" else ["h0"]
    begun = draw(st.sampled_from(["none", "zeros", "constant", "input"]))
    inputs: dict[str, Any] = {"x": (n, 1, c)}
    for s in states if begun != "none" else []:
        if begun == "input":
            inputs[s] = (1, 1, h)
        else:
            constants[s] = (rng.normal(size=(1, 1, h)) * (begun == "constant")).astype(np.float32)
    bias = "b" if draw(st.booleans()) else "_"
    if bias == "_":
        del constants["b"]
    given = f"x w r {bias}" if begun == "none" else f"x w r {bias} _ {' '.join(states)}"
    options: dict[str, Any] = {"hidden_size": h}
    if kind == "GRU":
        options["linear_before_reset"] = draw(st.integers(0, 1))
    shapes = {"y": (n, 1, 1, h), "last": (1, 1, h), **({"cell": (1, 1, h)} if kind == "LSTM" else {})}
    wanted = draw(st.sets(st.sampled_from(list(shapes)), min_size=1))
    if begun == "input" and len(wanted - {"y"}) == len(states):
        wanted = {"y"}  # else the caller means to feed them back
    outputs = {k: s for k, s in shapes.items() if k in wanted}
    names = " ".join(k if k in wanted else "_" for k in shapes)
    data = model([(kind, given, names, options)], constants, inputs, outputs)
    return data, {k: rng.normal(size=s).astype(np.float32) for k, s in inputs.items()}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(layers())
def test_random_recurrent_layers_are_the_reference_s(drawn: tuple[bytes, dict[str, Array]]) -> None:
    data, x = drawn
    graph = graph_of(data, "m.onnx")
    window = np.concatenate([v.ravel() for v in x.values()]).reshape(1, *graph.window_shape())
    np.testing.assert_allclose(graph.scores(window)[0], reference(data, x), atol=4e-6)
    assert not graph.carries


@pytest.mark.parametrize("kind", GATES)
def test_a_state_that_comes_back_in_is_carried(kind: str) -> None:
    """Input h0 and output hn: the caller's loop becomes the layer's memory."""
    rng = np.random.default_rng(3)
    constants, states = weights(rng, kind, 3, 4), ["h0", "c0"] if kind == "LSTM" else ["h0"]
    ends = [f"{s}n" for s in states]
    shape = {"x": (2, 1, 3), **dict.fromkeys(states, (1, 1, 4))}
    nodes: list[Node] = [(kind, f"x w r b _ {' '.join(states)}", f"y {' '.join(ends)}", {"hidden_size": 4})]
    data = model(nodes, constants, shape, {"y": (2, 1, 1, 4), **dict.fromkeys(ends, (1, 1, 4))})
    graph = graph_of(data, "m.onnx")
    assert graph.carries and graph.window_shape() == (2, 3) and len(graph.classes) == 8
    x, held = rng.normal(size=(7, 2, 3)).astype(np.float32), {s: np.zeros((1, 1, 4), np.float32) for s in states}
    session = evaluator.ReferenceEvaluator(onnx.load_model_from_string(data))
    for window, scores in zip(x, graph.scores(x, in_order=True), strict=True):
        y, *after = session.run(None, {"x": window[:, None], **held})
        held = dict(zip(states, after, strict=True))
        np.testing.assert_allclose(scores, y.ravel(), atol=2e-6)


class Net:
    """torch networks as people write them: batch first, the last row, convolutions before."""

    @staticmethod
    def build(kind: str, conv: bool) -> Any:
        import torch

        class Inner(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.conv = torch.nn.Conv1d(3, 6, 3, padding=1) if conv else None
                self.layer = getattr(torch.nn, kind)(6 if conv else 3, 5, num_layers=2, batch_first=True)
                self.head = torch.nn.Linear(5, 4)

            def forward(self, x: Any) -> Any:
                if self.conv is not None:
                    x = torch.relu(self.conv(x.transpose(1, 2))).transpose(1, 2)
                return self.head(self.layer(x)[0][:, -1])

        torch.manual_seed(0)
        return Inner().eval()


@pytest.mark.parametrize(("kind", "conv"), [("GRU", False), ("LSTM", True), ("RNN", True)])
def test_what_torch_exports(kind: str, conv: bool) -> None:
    import torch

    net, held = Net.build(kind, conv), io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(net, (torch.zeros(1, 20, 3),), held, dynamo=False)
    graph = graph_of(held.getvalue(), "torch.onnx")
    assert graph.window_shape() == (20, 3)
    x = np.random.default_rng(0).normal(size=(5, 20, 3)).astype(np.float32)
    with torch.no_grad():
        np.testing.assert_allclose(graph.scores(x), net(torch.from_numpy(x)).numpy(), atol=3e-6)
    kinds = [type(node.op).__name__ for node in graph.nodes]
    assert "Pick" not in kinds[: kinds.index(kind.capitalize())]  # the turns around the convolution have vanished


class Stepping:
    """torch networks that take their states and give new ones, for a caller who feeds these back."""

    @staticmethod
    def build(kind: str, n_layers: int, of_state: bool) -> Any:
        import torch

        class Inner(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.layer = getattr(torch.nn, kind)(3, 5, num_layers=n_layers, batch_first=True)
                self.head = torch.nn.Linear(5, 2)

            def forward(self, x: Any, *states: Any) -> Any:
                rows, after = self.layer(x, states if len(states) > 1 else states[0])
                after = after if isinstance(after, tuple) else (after,)
                return (self.head(after[0][-1] if of_state else rows[:, -1]), *after)

        torch.manual_seed(1)
        return Inner().eval()


@pytest.mark.parametrize(
    ("kind", "n_layers", "of_state"), [("GRU", 1, False), ("LSTM", 2, False), ("GRU", 2, True), ("RNN", 3, False)]
)
def test_what_torch_exports_for_a_caller_who_steps(kind: str, n_layers: int, of_state: bool) -> None:
    """The states of several layers are one tensor, sliced and joined."""
    import torch

    net, held = Stepping.build(kind, n_layers, of_state), io.BytesIO()
    states = [torch.zeros(n_layers, 1, 5) for _ in range(2 if kind == "LSTM" else 1)]
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(net, (torch.zeros(1, 4, 3), *states), held, dynamo=False)
    graph = graph_of(held.getvalue(), "steps.onnx")
    assert graph.carries and graph.window_shape() == (4, 3) and len(graph.classes) == 2
    x = np.random.default_rng(0).normal(size=(6, 4, 3)).astype(np.float32)
    with torch.no_grad():
        for window, scores in zip(x, graph.scores(x, in_order=True), strict=True):
            y, *states = net(torch.from_numpy(window[None]), *states)
            np.testing.assert_allclose(scores, y.numpy()[0], atol=3e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"direction": "bidirectional"}, "runs bidirectional.*forward"),
        ({"direction": "reverse"}, "runs reverse.*forward"),
        ({"activations": ["Sigmoid", "Relu"]}, "curves.*usual form"),
    ],
)
def test_other_forms_are_refused(options: dict[str, Any], words: str) -> None:
    twice = 2 if options.get("direction") == "bidirectional" else 1
    constants = {k: np.concatenate([v] * twice) for k, v in weights(np.random.default_rng(0), "GRU", 3, 4).items()}
    data = model(
        [("GRU", "x w r b", "y", {"hidden_size": 4, **options})], constants, {"x": (5, 1, 3)}, {"y": (5, twice, 1, 4)}
    )
    with pytest.raises(GraphError, match=rf"Layer 0 \(GRU\) of m.onnx.*{words}"):
        graph_of(data, "m.onnx")
