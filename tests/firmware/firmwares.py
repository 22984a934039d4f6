"""Models and images for these tests, each built once."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from studio.data.stream import Array, Stream
from studio.firmware.board import boards
from studio.firmware.build import Image, build
from studio.firmware.image import HEADER_BYTES, make_image, parse_header
from studio.graph.graph import Graph
from studio.graph.ops.decide import Decide
from studio.graph.passes import quantize
from studio.learn.dataset import Dataset
from studio.learn.families.linear import Ridge
from studio.paths import home
from studio.progress import finish
from tests.graph.nets import cnn_graph, forest_graph, motion, rows_graph

BOARDS = ("host", "cortex-m0plus", "cortex-m4f", "cortex-m33")
#: Thresholds near the scores of the forest, so that it begins, holds, ends and is silent.
TOLD = Decide(average=2, on=(0.54, 0.4, 0.38), off=(0.5, 0.34, 0.36), least=2, quiet=3)
ACCELEROMETER = Stream("accelerometer", 50.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")


@cache
def graph(family: str) -> Graph:
    """A small forest, a small int8 network on samples ("cnn") or on "rows" of features; "told": decides with memory."""
    networks = {"cnn": cnn_graph, "rows": rows_graph}
    if family == "told":
        return replace(forest_graph(), decision=TOLD)
    if family in ("number", "several"):
        return _valued(family)
    return forest_graph() if family == "forest" else quantize(networks[family](), motion(50))


def _valued(task: str) -> Graph:
    """A ridge that has learned the task on windows of chance: a number around 0, or sets of two labels."""
    x = motion(60)
    classes = {"number": ("-3 g", "1 g", "4 g"), "several": ("a", "a+b", "b")}[task]
    data = Dataset(
        x=x, raw=raw_windows(60), y=np.arange(60) % 3, recording=np.repeat("r", 60), subject=np.repeat("", 60),
        start=64 * np.arange(60), split=np.repeat("", 60), classes=classes, stream=ACCELEROMETER, length=64, stride=32,
        task=task,
    )  # fmt: skip
    return finish(Ridge(cost=10.0).fit(data, 0))


@cache
def image(board_id: str, family: str = "", stream: Stream = ACCELEROMETER) -> Image:
    """The image of a model, or with "" of a firmware that only streams."""
    folder = home() / "images" / f"{board_id}-{family}-{stream.dtype}-{stream.name}"
    given = (graph(family), stream) if family else (None, None)
    return finish(build(*given, boards()[board_id], folder))


def raw_windows(n: int, seed: int = 0) -> Array:
    """Windows (n, 64, 3) int16 as ACCELEROMETER sends them."""
    return np.clip(motion(n, seed=seed) * 4096, -32768, 32767).astype("<i2")


def with_flipped_bit(original: Path, pattern: bytes, bit: int, to: Path) -> Path:
    """The image with one bit of the first `pattern` in its payload flipped and every checksum made right again."""
    content = original.read_bytes()
    header, payload = parse_header(content), bytearray(content[HEADER_BYTES:])
    at = payload.index(pattern)
    payload[at] ^= 1 << bit
    to.write_bytes(make_image(header.board, header.build_hash, bytes(payload)))
    return to
