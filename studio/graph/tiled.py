"""Which convolutions are worked out in tiles of 2 x 2 outputs (Winograd's scheme, `firmware_stubs/kernels/winograd.c`).

It changes no bit. A layer is worked out in tiles where that saves instructions and needs no more arena than without.
"""

from dataclasses import replace

from studio.graph.graph import Graph
from studio.graph.op import Shape
from studio.graph.ops.plane_s8 import MOST_TILES, Conv2dS8
from studio.graph.plan import plan

#: Instructions on a Cortex-M0+ that layers take, fitted to counts of three shapes of them.
DIRECT, DIRECT_OUTPUT = 3.2, 155  # for one product, one output
PRODUCT = 3.8  # for one product of transformed values
WEIGHTS = 150  # to transform the nine weights of one input and output
INPUT = 200  # to transform one channel of a tile
OUTPUT = 110  # to put one output together
LEAST_GAIN = 1.15


def in_tiles(graph: Graph) -> Graph:
    """The graph with as many of its convolutions in tiles as its arena has room for, those that save most first."""
    inputs = [shapes for _, shapes, _ in graph.edges_into(graph.shapes())]
    wanted = [
        (saved(node.op, x[0], MOST_TILES), i, node.op)
        for i, (node, x) in enumerate(zip(graph.nodes, inputs, strict=True))
        if isinstance(node.op, Conv2dS8) and choices(node.op, x[0])
    ]
    if not wanted:
        return graph
    room = plan(graph).arena_bytes
    for _, i, op in sorted(wanted, key=lambda w: (-w[0], w[1])):
        for rows in choices(op, inputs[i][0]):
            tiled = replace(op, tiles=rows)
            tried = _with(graph, i, tiled)
            if tiled.scratch(*inputs[i]) < room and plan(tried).arena_bytes <= room:
                graph = tried
                break
    return graph


def choices(op: Conv2dS8, x: Shape) -> list[int]:
    """Rows of tiles at once that pay for an input of shape `x`, the greatest first; none for what is in tiles."""
    if op.tiles or not op.tileable():
        return []
    most = min(-(-op.shape(x)[0] // 2), MOST_TILES)
    even = sorted({-(-most // parts) for parts in range(1, most + 1)}, reverse=True)
    return [rows for rows in even if saved(op, x, rows) > 0]


def saved(op: Conv2dS8, x: Shape, rows: int) -> float:
    """Instructions saved for an input of shape `x`, about; 0 where that is hardly any."""
    h_out, w_out, c_out = op.shape(x)
    c, down, across = x[2], -(-h_out // 2), -(-w_out // 2)
    tiles, times = down * across, -(-down // rows)
    direct = (DIRECT * 9 * c + DIRECT_OUTPUT) * h_out * w_out * c_out
    in_tiles = tiles * (16 * PRODUCT * c * c_out + INPUT * c + OUTPUT * 4 * c_out) + times * WEIGHTS * c * c_out
    return direct - in_tiles if direct > LEAST_GAIN * in_tiles else 0.0


def _with(graph: Graph, i: int, op: Conv2dS8) -> Graph:
    nodes = list(graph.nodes)
    nodes[i] = replace(nodes[i], op=op)
    return replace(graph, nodes=tuple(nodes))
