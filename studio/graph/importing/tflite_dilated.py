"""Dilated convolutions as TensorFlow writes them: SPACE_TO_BATCH_ND, a plain convolution, BATCH_TO_SPACE_ND.

The first deals every d-th row out to a batch of its own, the last brings them together again. The three (with what only
gives other shapes between them) become the one layer that they mean: a convolution with dilation d, whose border is
what the first adds without what the last cuts off.
"""

from dataclasses import replace

import numpy as np

from studio.graph.importing.build import Layer, Spread, Tensor

SHAPES = ("RESHAPE", "EXPAND_DIMS", "SQUEEZE")
CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def fused(layers: list[Layer], tensors: list[Tensor]) -> list[Layer]:
    """`layers` with one for each such group, in the place of its convolution; all others as they are."""
    readers: dict[int, list[Layer]] = {}
    for layer in layers:
        for i in layer.inputs:
            readers.setdefault(i, []).append(layer)
    made: dict[int, Layer] = {}
    gone: set[int] = set()
    for first in layers:
        if first.kind == "SPACE_TO_BATCH_ND" and (path := _path(first, readers)):
            conv = next(layer for layer in path if layer.kind in CONVOLUTIONS)
            spread = _spread(first, path[-1], tensors)
            if spread is not None:
                gone |= {first.place, *(layer.place for layer in path)}
                whole = replace(conv, inputs=(first.inputs[0], *conv.inputs[1:]), outputs=path[-1].outputs)
                made[conv.place] = replace(whole, spread=spread)
    return [made.get(layer.place, layer) for layer in layers if layer.place in made or layer.place not in gone]


def _path(first: Layer, readers: dict[int, list[Layer]]) -> list[Layer]:
    """The layers from the one behind `first` to a BATCH_TO_SPACE_ND, each the only reader; none where it is not so."""
    path, at, met = list[Layer](), first.outputs[0], False
    while len(readers.get(at, [])) == 1:
        layer = readers[at][0]
        if layer.inputs[0] != at or layer in path:
            return []
        path.append(layer)
        if layer.kind == "BATCH_TO_SPACE_ND":
            return path if met else []
        if layer.kind not in SHAPES and (met or layer.kind not in CONVOLUTIONS):
            return []
        met, at = met or layer.kind in CONVOLUTIONS, layer.outputs[0]
    return []


def _spread(first: Layer, last: Layer, tensors: list[Tensor]) -> Spread | None:
    """Steps from tap to tap, and the border; None where the two do not belong together."""
    values = [tensors[i].data for i in (*first.inputs[1:3], *last.inputs[1:3])]
    if len(values) != 4 or any(v is None for v in values):
        return None
    steps, pads, back, crops = (np.asarray(v, np.int64) for v in values)
    n = len(steps.ravel())
    if steps.tolist() != back.tolist() or not 1 <= n <= 2 or pads.shape != (n, 2) or crops.shape != (n, 2):
        return None
    border = pads - crops
    if steps.min() < 1 or steps.max() > 256 or border.min() < 0 or border.max() > 1024:
        return None
    return Spread(tuple(int(v) for v in steps), tuple((int(a), int(b)) for a, b in border))
