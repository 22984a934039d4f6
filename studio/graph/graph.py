"""A graph: stream ops on every sample, a window (length, stride), then nodes in the order they run.

After training there is only the graph: it is evaluated, quantized, rendered as C, and compared with the board.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape, StreamOp
from studio.graph.ops.decide import Decide

WINDOW = -1  # the input index that means "the window itself"


@dataclass(frozen=True, eq=False)
class Node:
    """An op, the nodes it reads (WINDOW, or indices of earlier nodes), and the stage's name: unique in its graph."""

    op: Op
    inputs: tuple[int, ...]
    name: str


@dataclass(frozen=True, eq=False)
class Graph:
    """What a board does: filter every sample, gather `length` of them every `stride`, give a score per class.

    Input samples are float32 in the stream's unit, (n_samples, n_channels). The last node gives `scores`
    (n_classes,) float32; the stages named "features" and "logits" exist in every family.
    The answer to one window is the class with the greatest score (the first of equals), or -1 below `threshold`.
    What is told along time is the same, or what `decision` makes of the scores where there is one.
    """

    channels: tuple[str, ...]
    rate_hz: float
    length: int
    stride: int
    nodes: tuple[Node, ...]
    classes: tuple[str, ...]
    stream_ops: tuple[StreamOp, ...] = ()
    threshold: float = 0.0
    decision: Decide | None = None
    holds: type = np.float32  # element type of the window; another than float only inside a board (rows.py)

    def shapes(self) -> list[Shape]:
        """Output shape of each node; GraphError where two do not fit."""
        found: list[Shape] = []
        for node, inputs, types in self.edges_into(found):
            for given in types:
                if given is not node.op.takes:
                    seen = f"takes {node.op.takes.__name__} and gets {given.__name__}"
                    raise GraphError(f"Stage {node.name!r}", seen, "A pass left out a Quantize or Dequantize.")
            try:
                found.append(node.op.shape(*inputs))
            except GraphError as e:
                raise GraphError(f"Stage {node.name!r} ({e.thing})", e.seen, e.next_step) from e
        if not found or found[-1] != (len(self.classes),):
            seen = f"gives {found[-1] if found else ()} for {len(self.classes)} classes"
            raise GraphError("The graph", seen, "Train again after changing the labels.")
        if self.decision is not None:
            self.decision.shape(found[-1])
        return found

    def window_shape(self) -> Shape:
        """(length, n_channels after the stream ops)."""
        shape: Shape = (len(self.channels),)
        for op in self.stream_ops:
            shape = op.shape(shape)
        return (self.length, *shape)

    def edges_into(self, found: list[Shape]) -> Iterator[tuple[Node, list[Shape], list[type]]]:
        """Each node with the shapes and types of its inputs; `found` must hold the earlier outputs when asked."""
        for node in self.nodes:
            inputs = [self.window_shape() if i == WINDOW else found[i] for i in node.inputs]
            types = [self.holds if i == WINDOW else self.nodes[i].op.gives for i in node.inputs]
            yield node, inputs, types

    @property
    def carries(self) -> bool:
        """Whether a node remembers the windows before: then it matters which windows come one after the other."""
        return any(node.op.memory(*inputs) > 0 for node, inputs, _ in self.edges_into(self.shapes()))

    def stages(self, windows: Array, in_order: bool = False) -> Iterator[tuple[str, Array]]:
        """(name, output (n, *shape)) of every node for filtered windows (n, length, n_channels).

        A node that remembers begins each window with an empty memory, as a board does after "clear"; `in_order` only
        the first, and goes on from window to window, as a board does that runs.
        """
        outputs: list[Array] = []
        for node in self.nodes:
            inputs = (windows if i == WINDOW else outputs[i] for i in node.inputs)
            outputs.append((node.op.run_in_order if in_order else node.op.run)(*inputs))
            yield node.name, outputs[-1]

    def scores(self, windows: Array, in_order: bool = False) -> Array:
        """Scores (n, n_classes) float32 for filtered windows (n, length, n_channels); `in_order` as in `stages`."""
        y: Array = np.zeros((len(windows), len(self.classes)), np.float32)
        for _, stage in self.stages(windows, in_order):
            y = stage
        return y

    def filtered(self, samples: Array) -> Array:
        """Samples (n_samples, n_channels) through the stream ops, from an empty memory."""
        from studio.graph.host import call_stream

        for op in self.stream_ops:
            samples, _ = call_stream(op, samples, np.zeros(op.state(samples.shape[1:]), np.float32))
        return samples

    def windows(self, samples: Array) -> Array:
        """The windows (n, length, n_channels) that a board would gather from raw samples, in order."""
        x = self.filtered(np.ascontiguousarray(samples, np.float32))
        if len(x) < self.length:
            return np.zeros((0, *self.window_shape()), np.float32)
        views = np.lib.stride_tricks.sliding_window_view(x, self.length, axis=0)[:: self.stride]
        return np.ascontiguousarray(views.swapaxes(1, 2))

    def decide(self, scores: Array) -> Array:
        """What is told, (n,) int16, along scores (n, n_classes) in order of time, from an empty memory."""
        return self.answer(scores) if self.decision is None else self.decision.along(scores)

    def answer(self, scores: Array) -> Array:
        """The answer (n,) int16 to each window alone, from scores (n, n_classes)."""
        best = scores.argmax(axis=1).astype(np.int16)
        return np.where(scores.max(axis=1) >= np.float32(self.threshold), best, np.int16(-1)).astype(np.int16)
