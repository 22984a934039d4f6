"""How a small 1-D network is laid out for a window of any length: where time is made coarser, and by how much.

A window of 32 samples and one of 16000 (a second of sound) shall both end in about ten steps of time before the mean
is taken, at a cost that a microcontroller can bear. So the first layer strides where the window is long, and every
layer is followed by a pool of 2 or 4 until few enough steps are left.
"""

from dataclasses import dataclass

#: Steps of time that should be left for the mean at the end.
LAST_STEPS = 10
#: A window of twice as many samples or more strides in its first layer.
FIRST_STEPS = 500


@dataclass(frozen=True)
class Block:
    """Convolution of `c_out` filters with `taps` taps and `stride`, ReLU, then the greatest of `pool` neighbours."""

    c_out: int
    taps: int
    stride: int
    pool: int
    pad_before: int
    pad_after: int


def layout(length: int, width: int, depth: int, taps: int) -> tuple[Block, ...]:
    """Blocks for a window of `length` samples: `width` filters at first, twice as many behind."""
    halvings = max(0, (max(1, length // LAST_STEPS)).bit_length() - 1)
    striding = min(max(0, halvings - 2 * depth, (length // FIRST_STEPS).bit_length() - 1), 6)
    left = min(halvings - striding, 2 * depth)
    blocks, n = [], length
    for i in range(depth):
        here = -(-left // (depth - i))  # the first blocks pool more: their filters are cheap, their steps many
        left -= here
        stride = 1 << striding if i == 0 else 1
        own = max(taps, 2 * stride + 1) if i == 0 else taps
        n_out = -(-n // stride)
        padding = max(0, (n_out - 1) * stride + own - n)
        blocks.append(Block(width * (1 if i == 0 else 2), own, stride, 1 << here, padding // 2, padding - padding // 2))
        n = n_out >> here
    return tuple(blocks)
