"""Exports of every kind of model: imported, recurrent, with a memory, of sound; both compilers, strictly."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio import zig
from studio.data.stream import Stream
from studio.firmware.exports import EXPORTS
from studio.firmware.exports.facts import Facts
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.importing import import_graph
from studio.graph.ops.decide import Decide
from studio.graph.ops.recurrent import Gru, Lstm, Rnn, Svdf
from studio.graph.ops.sound import LogMel
from studio.graph.ops.vector import Dense, Softmax
from studio.graph.passes import quantize
from tests.firmware.exports.compilers import sources, with_gcc, with_zig, write
from tests.firmware.firmwares import graph

FACTS = Facts("kinds", "model-1", "2026-01-02T03:04:05+00:00")
CLASSES = ("a", "b", "c")
RNG = np.random.default_rng(4)


def f32(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) / 2).astype(np.float32)


def after(*ops: object, channels: int = 3, length: int = 32, rate_hz: float = 50.0) -> Graph:
    """These ops in a row."""
    nodes = tuple(Node(op, (i - 1 if i else WINDOW,), f"n{i}") for i, op in enumerate(ops))  # type: ignore[arg-type]
    return Graph(tuple(f"c{i}" for i in range(channels)), rate_hz, length, length, nodes, CLASSES)


def recurrent() -> Graph:
    head = (Dense(f32(3, 6), f32(3)), Softmax())
    first = (
        Svdf(f32(8, 3), f32(8, 8), f32(8)),
        Rnn(f32(7, 8), f32(7, 7), f32(7)),
        Lstm(f32(24, 7), f32(24, 6), f32(24)),
    )
    return after(*first, Gru(f32(18, 6), f32(18, 6), f32(18), f32(18), last=True), *head)


def heard() -> Graph:
    from studio.graph.ops.conv import GlobalAverage

    mel = LogMel(400, 160, 512, 20, 20.0, 8000.0, 16000.0)
    return after(mel, GlobalAverage(), Dense(f32(3, 20), f32(3)), Softmax(), channels=1, length=4000, rate_hz=16000.0)


def deciding() -> Graph:
    n = len(CLASSES)
    decision = Decide(average=3, on=(0.5,) * n, off=(0.4,) * n, least=2, quiet=3)
    return replace(graph("forest"), decision=decision)


MADE: dict[str, Callable[[], Graph]] = {"recurrent": recurrent, "sound": heard, "decision": deciding}
IMPORTED = ("kws_ref_model", "micro_speech_quantized", "ad01_int8", "hello_world_int8")


def stream_for(of: Graph) -> Stream:
    return Stream("input", of.rate_hz, of.channels, "", "f32", 1.0, "input")


def compiles(of: Graph, folder: Path) -> None:
    for path in sources(write(EXPORTS["c"](of, stream_for(of), FACTS), folder)):
        with_zig(path, folder)
        for core in ("cortex-m0plus", "cortex-m4"):
            with_gcc(path, folder, core)


@pytest.mark.parametrize("kind", MADE)
def test_made_here(kind: str, tmp_path: Path) -> None:
    compiles(MADE[kind](), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", IMPORTED)
def test_imported(name: str, tmp_path: Path, shared: Path) -> None:
    compiles(import_graph(shared / "models" / f"{name}.tflite"), tmp_path)


@pytest.mark.parametrize("kind", ["recurrent", "sound"])
def test_the_example_prints_what_the_graph_gives(kind: str, tmp_path: Path) -> None:
    of = MADE[kind]()
    folder = write(EXPORTS["c"](of, stream_for(of), FACTS), tmp_path)
    zig.run(["cc", "-O2", "-std=c11", f"-I{folder}", *sources(folder), "-o", folder / "example"])
    raw = RNG.normal(size=(3 * of.length, len(of.channels))).astype(np.float32)
    text = "\n".join(",".join(f"{v:.9g}" for v in row) for row in raw)
    lines = subprocess.run([folder / "example"], input=text, capture_output=True, text=True, check=True).stdout
    got = np.array([line.split()[:-1] for line in lines.splitlines()], np.float64).astype(np.float32)
    assert got.tobytes() == of.scores(of.windows(raw)).tobytes() and len(got) == 3


def test_int8_layers_beside_float_ones(tmp_path: Path) -> None:
    windows = RNG.normal(size=(40, 32, 3)).astype(np.float32)
    compiles(quantize(recurrent(), windows), tmp_path)
