"""What a model costs on a board: bytes are read from the linked image (`build`), instructions and stack are measured.

The measurement is the same firmware on the emulated core, which counts every instruction. Instructions are not
cycles: flash wait states and pipelines are not told by an emulator.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from studio.data.stream import Array, Stream
from studio.data.talk import Talk
from studio.data.wire import Verb, parse_stats
from studio.errors import VerifyError
from studio.firmware.board import Board
from studio.firmware.build import Image
from studio.firmware.verify import Tapped, model_of, tap_window
from studio.firmware.virtual import SocketToBoard, VirtualBoard, flash_with, playable
from studio.graph.graph import Graph
from studio.graph.rows import stages_on_board

WINDOWS = 3


@dataclass(frozen=True)
class Measured:
    """`instructions` of one inference, the most of all windows seen; `stack_bytes` at most used by the firmware.

    `stages` are those of each stage in that window. What a board works out while samples come in (`graph/rows.py`) is
    counted for the last sample only: an answer is due that much later.
    """

    instructions: int
    stack_bytes: int
    stages: Mapping[str, int]


def can_measure(board: Board) -> bool:
    """Whether this computer can emulate the board's core."""
    return board.form == "elf" and playable(board)


def measure(board: Board, image: Image, graph: Graph, stream: Stream, raw: Array | None = None) -> Measured:
    """Run a few windows (n, length, n_channels) in the stream's own type, or made-up ones, on the emulated core."""
    windows = made_up(graph, stream) if raw is None else raw[:WINDOWS]
    with tempfile.TemporaryDirectory(prefix="weigh") as folder:
        flash = Path(folder) / "flash"
        flash.write_bytes(flash_with(board, image.bin.read_bytes()))
        with VirtualBoard(board.id, flash=flash, speed=0, count=True) as virtual:
            return _measured(virtual.url, graph, windows)


def made_up(graph: Graph, stream: Stream) -> Array:
    """Noise of about a quarter of the range that the stream's type or unit has."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((WINDOWS, graph.length, len(stream.channels)))
    most = {"i16": 1 << 13, "i32": 1 << 20, "f32": 1}[stream.dtype]
    return np.asarray(noise * most).astype(stream.numpy_dtype)


def _measured(url: str, graph: Graph, windows: Array) -> Measured:
    talk = Talk(SocketToBoard(url))
    try:
        model = model_of(talk, graph)
        talk.request(Verb.SET, {1: "source", 2: 1})
        talk.request(Verb.SET, {1: "taps", 2: 1})
        ticks = [_ticks(tap_window(talk, model, window)[0]) for window in windows]
        most = max(ticks, key=lambda ends: ends[-1])
        spent = [end - start for start, end in pairwise((0, *most))]
        stages = dict(zip(stages_on_board(graph), spent, strict=True))
        return Measured(most[-1], parse_stats(talk.request(Verb.STATS)).stack_bytes, stages)
    finally:
        talk.close()


def _ticks(stages: dict[int, Tapped]) -> list[int]:
    """Instructions spent when each stage was done, in order."""
    if not stages:
        raise VerifyError("The emulated core", "gave no result for a window", "Build the image again.")
    return [stages[i].ticks for i in sorted(stages)]
