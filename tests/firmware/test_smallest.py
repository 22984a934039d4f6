"""The smallest chips: 16 kB of flash and 4 kB of RAM hold a useful model with its features, and nothing allocates."""

import importlib.util
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from studio.data.stream import Stream
from studio.firmware.bare import Bare, _linked, bare
from studio.firmware.board import boards
from studio.firmware.layers import layers, memory
from studio.firmware.render import render
from studio.graph.graph import Graph
from studio.learn.dataset import Dataset
from studio.learn.families.forest import RandomForest
from studio.progress import finish
from tests.firmware.firmwares import graph
from tests.graph.nets import motion

pytestmark = pytest.mark.skipif(importlib.util.find_spec("unicorn") is None, reason="the extra `emulator` is missing")
M0 = boards()["cortex-m0plus"]
FORBIDDEN = ("malloc", "calloc", "realloc", "free", "_sbrk", "flatbuffer", "tflite", "interpreter")


def code_bytes(model: Graph, made: Bare) -> int:
    """What is in flash besides the model's constants: kernels, their order, names, and floats in software."""
    return made.flash_bytes - sum(row["flash_bytes"] for row in layers(model, M0, {}))


@pytest.mark.parametrize("family", ["cnn", "forest", "rows"])
def test_nothing_allocates_and_nothing_interprets(family: str, tmp_path: Path) -> None:
    model = graph(family)
    texts = render(model, Stream("input", model.rate_hz, model.channels, "", "f32", 1.0, "input"))
    elf = ELFFile(io.BytesIO(_linked(tmp_path, texts, M0)))
    names = [s.name for s in elf.get_section_by_name(".symtab").iter_symbols()]
    assert any(n.startswith("k_") for n in names)
    assert [n for n in names for word in FORBIDDEN if word in n.lower()] == []


def test_the_code_around_a_small_network_is_small() -> None:
    """Floats in software, which scale its input and its scores, are a good third of it."""
    assert code_bytes(graph("cnn"), bare(graph("cnn"), M0, motion(1))) <= 6600


def activities(shared: Path) -> tuple[Dataset, Dataset]:
    """Six activities by an accelerometer at 25 Hz in windows of 2.6 s: people to learn from, and others (HAPT)."""
    sys.path.insert(0, str(shared / "data"))
    try:
        import load
    finally:
        sys.path.pop(0)
    x, y, info = load.har_uci_hapt()
    raw = np.clip(np.rint(x[:, ::2, :3] * 4096), -32768, 32767).astype("<i2")
    classes, n = tuple(sorted(set(y))), len(y)
    stream = Stream("accelerometer", 25.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
    unknown, index = np.array([""] * n), np.array([classes.index(v) for v in y])
    values, people = stream.to_unit(raw.reshape(-1, 3)).reshape(raw.shape), info["subject"].astype(str)
    all_ = Dataset(values, raw, index, unknown, people, np.zeros(n, int), info["split"], classes, stream, 64, 32)
    return tuple(all_.take(np.flatnonzero(info["split"] == part)) for part in ("train", "test"))  # type: ignore[return-value]


@pytest.mark.slow
def test_a_model_of_six_activities_fits_8_kb_of_flash_and_1500_bytes_of_ram(shared: Path) -> None:
    train, test = activities(shared)
    model = finish(RandomForest(trees=4, depth=6, leaf=8, bands=0).fit(train, 0))
    assert float(np.mean(model.scores(test.x).argmax(1) == test.y)) > 0.78
    made = bare(model, M0, test.x[:2])
    ram_bytes = made.ram_bytes + made.stack_bound_bytes + memory(model)["window_bytes"]
    assert made.flash_bytes <= 8192 and ram_bytes <= 1536 and code_bytes(model, made) <= 6000
    assert np.array_equal(made.scores, model.scores(test.x[:2]))
