"""Rectifiers that let something through below zero: x above, slope * x below."""

import numpy as np

from studio.graph.importing.build import Builder
from studio.graph.op import Array
from studio.graph.ops import pointwise, vector

LEAST = -3.4e38


def slopes(build: Builder, node: int, slope: Array) -> tuple[int, int]:
    """The two nodes whose sum it is: the part above zero, and below it each channel times its slope (or the only one).

    A slope of 0 has no gain that divides; next to nothing takes its place.
    """
    c = build.shape_at(node)[-1]
    full = np.broadcast_to(slope.astype(np.float64), (c,))
    gain = np.where(np.abs(full) < 1e-30, 1e-30, full)
    above = build.add(vector.Relu(), (node,), "above")
    below = build.add(pointwise.Clip(LEAST, 0.0), (node,), "below")
    return above, build.add(vector.Standardize(np.zeros(c, np.float32), 1 / gain), (below,), "slope")
