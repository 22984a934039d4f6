"""The twin: the same windows through the board's firmware and through this computer's kernels, compared bit for bit.

Windows go into the board's sensor input, so what is compared is the whole way: scaling, filters, window, every stage.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.data.stream import Array, Floats, Stream
from studio.data.talk import Talk
from studio.data.wire import BoardModel, Packet, Type, Verb
from studio.errors import VerifyError
from studio.graph.graph import Graph
from studio.graph.rows import stages_on_board
from studio.progress import Progress, Work

BATCH = 32  # windows that this computer works out at a time
TRIES = 3  # a link may lose frames; the board is asked again
REPLAY_ROWS = 2048  # between two looks at what came back
_RESULT = struct.Struct("<III")


@dataclass(frozen=True)
class Tapped:
    """What the board tells about one stage: the output's length and CRC, and its bytes when they fit into a frame."""

    n_bytes: int
    crc32: int
    ticks: int
    data: bytes | None


def verify(talk: Talk, graph: Graph, stream: Stream, raw_windows: Array) -> Work[dict[str, Any]]:
    """Compare raw windows (n, length, n_channels) in the stream's own type, stage by stage and decision by decision.

    Where the decision remembers, the windows then go in once more as one run, and its decisions are compared too.
    Returns {"windows": how many, "equal": how many of them in every stage, "first_difference": None or
    {"window", "stage", "host", "board"}}. VerifyError when the board holds another model or does not answer completely.
    """
    model = model_of(talk, graph)
    n, equal = len(raw_windows), 0
    first: dict[str, Any] | None = None
    _listen(talk, model, taps=True)
    try:
        for i, expected in enumerate(_on_this_computer(graph, stream, raw_windows)):
            difference = _compare(expected, _on_board(talk, model, raw_windows[i]), graph)
            equal += difference is None
            first = first or (difference and {"window": i, **difference})
            yield Progress(i + 1, n, f"{equal} of {i + 1} windows are equal in all {len(graph.nodes)} stages")
    finally:
        _leave(talk)
    if graph.decision is not None or graph.carries:
        run = raw_windows.reshape(-1, raw_windows.shape[-1])
        first = first or (yield from _along(talk, graph, stream, run))
    return {"windows": n, "equal": equal, "first_difference": first}


def _along(talk: Talk, graph: Graph, stream: Stream, run: Array) -> Work[dict[str, Any] | None]:
    """The first window of a run of raw samples whose scores or decision differ."""
    scores, told = yield from replay(talk, graph, run)
    expected = graph.scores(graph.windows(stream.to_unit(run)), in_order=True)
    other = (scores.view("u4") != expected.view("u4")).any(axis=1) | (told != graph.decide(expected))
    if not other.any():
        return None
    at = int(np.flatnonzero(other)[0])
    return {"window": at, "stage": "decision", "host": str(graph.decide(expected)[at]), "board": str(told[at])}


def replay(talk: Talk, graph: Graph, raw: Array) -> Work[tuple[Floats, Array]]:
    """Raw samples (n_samples, n_channels) through the board's sensor input: (scores (n, n_classes), decisions (n,))."""
    model = model_of(talk, graph)
    scores, decisions = dict[int, Floats](), dict[int, int]()
    _listen(talk, model, taps=False)
    try:
        for first in range(0, len(raw), REPLAY_ROWS):
            talk.inject(model.input_id, raw[first : first + REPLAY_ROWS])
            _sort(talk.pump(), model, scores, decisions)
            yield Progress(min(first + REPLAY_ROWS, len(raw)), len(raw), f"{len(decisions)} decisions")
    finally:
        _leave(talk)
    n = max(0, (len(raw) - graph.length) // graph.stride + 1)
    if sorted(scores) != list(range(n)) or sorted(decisions) != list(range(n)):
        seen = f"{len(decisions)} of {n} decisions came back"
        raise VerifyError(talk.link.url, seen, "Replay again over a link that loses nothing.")
    values = np.array([scores[i] for i in range(n)], np.float32).reshape(n, len(graph.classes))
    return values, np.array([decisions[i] for i in range(n)], np.int16)


def model_of(talk: Talk, graph: Graph) -> BoardModel:
    """The model on the board; VerifyError when it is not the one that `graph` became."""
    hello = talk.hello()
    model, names = hello.model, stages_on_board(graph)
    thing, next_step = f"Board {hello.board}", "Build this model and flash it first."
    if model is None:
        raise VerifyError(thing, "its firmware holds no model", next_step)
    if (model.stages, model.classes, model.length) != (names, graph.classes, graph.length):
        seen = f"holds a model with stages {', '.join(model.stages)} and classes {', '.join(model.classes)}"
        raise VerifyError(thing, seen, next_step)
    return model


def tap_window(talk: Talk, model: BoardModel, raw: Array) -> tuple[dict[int, Tapped], int | None]:
    """One window through a board that listens with taps: what each stage gave, and the decision."""
    talk.request(Verb.CLEAR)
    talk.inject(model.input_id, np.ascontiguousarray(raw))
    packets = talk.pump()
    stages = {p.channel: _tapped(p) for p in packets if p.type == Type.RESULT}
    decisions = [p for p in packets if p.type == Type.SAMPLES and p.channel == model.decision_id]
    return stages, int(np.frombuffer(decisions[-1].payload, "<i2")[0]) if decisions else None


def _listen(talk: Talk, model: BoardModel, taps: bool) -> None:
    talk.request(Verb.SET, {1: "source", 2: 1})
    talk.request(Verb.SET, {1: "taps", 2: int(taps)})
    talk.request(Verb.START, {1: [model.scores_id, model.decision_id]})
    talk.request(Verb.CLEAR)


def _leave(talk: Talk) -> None:
    """As the board was found."""
    talk.request(Verb.STOP)
    talk.request(Verb.SET, {1: "taps", 2: 0})
    talk.request(Verb.SET, {1: "source", 2: 0})


def _on_this_computer(graph: Graph, stream: Stream, raw_windows: Array) -> Iterator[dict[str, Array]]:
    """For each window: stage name -> its output; "decision" is the last."""
    for first in range(0, len(raw_windows), BATCH):
        raw = raw_windows[first : first + BATCH]
        windows = np.concatenate([graph.windows(stream.to_unit(one))[:1] for one in raw])
        stages = dict(graph.stages(windows))
        scores = list(stages.values())[-1]
        decisions = [graph.decide(scores[i : i + 1])[0] for i in range(len(scores))]  # the memory is cleared before
        for i in range(len(raw)):
            yield {name: output[i] for name, output in stages.items()} | {"decision": decisions[i]}


def _on_board(talk: Talk, model: BoardModel, raw: Array) -> tuple[dict[int, Tapped], int]:
    for _ in range(TRIES):
        stages, decision = tap_window(talk, model, raw)
        if len(stages) == len(model.stages) and decision is not None:
            return stages, decision
    seen = f"told {len(stages)} of {len(model.stages)} stages of a window, {TRIES} times"
    raise VerifyError(talk.link.url, seen, "Verify again over a link that loses nothing.")


def _tapped(packet: Packet) -> Tapped:
    n_bytes, crc32, ticks = _RESULT.unpack_from(packet.payload)
    data = packet.payload[_RESULT.size :]
    return Tapped(n_bytes, crc32, ticks, data if len(data) == n_bytes else None)


def _compare(expected: dict[str, Array], got: tuple[dict[int, Tapped], int], graph: Graph) -> dict[str, str] | None:
    """The first stage whose bytes differ, with what each side has there."""
    stages, decision = got
    for index, name in enumerate(stages_on_board(graph)):
        host, board = np.ascontiguousarray(expected[name]), stages[index]
        if host.nbytes != board.n_bytes or zlib.crc32(host.tobytes()) != board.crc32:
            return {"stage": name, **_shown(host, board)}
    if int(expected["decision"]) != decision:
        return {"stage": "decision", "host": str(int(expected["decision"])), "board": str(decision)}
    return None


def _shown(host: Array, board: Tapped) -> dict[str, str]:
    """The first value that differs; the checksums when the board did not send the values."""
    if board.data is None or board.n_bytes != host.nbytes:
        mine = f"{host.nbytes} bytes, CRC-32 {zlib.crc32(host.tobytes()):08x}"
        return {"host": mine, "board": f"{board.n_bytes} bytes, CRC-32 {board.crc32:08x}"}
    mine_flat, theirs = host.ravel(), np.frombuffer(board.data, host.dtype)
    size = host.dtype.itemsize
    other = mine_flat.view(f"u{size}") != theirs.view(f"u{size}")
    at = int(np.flatnonzero(other)[0])
    return {"host": f"[{at}] = {mine_flat[at]!r}", "board": f"[{at}] = {theirs[at]!r}"}


def _sort(packets: list[Packet], model: BoardModel, scores: dict[int, Floats], decisions: dict[int, int]) -> None:
    for packet in packets:
        if packet.type != Type.SAMPLES:
            continue
        if packet.channel == model.scores_id:
            scores[packet.seq] = np.frombuffer(packet.payload, "<f4")
        elif packet.channel == model.decision_id:
            decisions[packet.seq] = int(np.frombuffer(packet.payload, "<i2")[0])
