"""Convolutions in tiles (Winograd's scheme) give the bits of direct ones, on this computer and on cores."""

import io
import pickle
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from elftools.elf.elffile import ELFFile

from studio.graph.graph import Node
from studio.graph.importing import import_graph
from studio.graph.op import Array
from studio.graph.ops.plane_s8 import Conv2dS8
from studio.graph.plan import plan
from studio.graph.tiled import choices, in_tiles, saved
from tests.graph.arithmetic import Example
from tests.graph.test_on_cortex import job, linked


def layer(rng: np.random.Generator, c: int | None = None, extreme: bool = False) -> tuple[Conv2dS8, tuple[int, ...]]:
    """A direct layer with any borders, bounds and scales, and the shape of an input."""
    c, n = c or 4 * int(rng.integers(1, 7)), int(rng.integers(2, 14))
    top, bottom, left, right = (int(v) for v in rng.integers(0, 3, 4))
    h, w = max(int(rng.integers(1, 12)), 3 - top - bottom), max(int(rng.integers(1, 12)), 3 - left - right)
    up, zero = bool(rng.integers(2)), int(rng.integers(-128, 128))
    weight = rng.integers(-127, 128, (n, 3, 3, c))
    op = Conv2dS8(
        weight=(np.where(weight < 0, -127, 127) if extreme else weight).astype(np.int8),
        bias=rng.integers(-3000, 3000, n).astype(np.int32),
        pad_top=top,
        pad_bottom=bottom,
        pad_left=left,
        pad_right=right,
        multiplier=rng.integers(2**30, 2**31 - 1, n).astype(np.int32),
        shift=rng.integers(-11, -8, n).astype(np.int8),
        x_zero=int(rng.integers(-128, 128)),
        y_zero=-128 if up else zero,
        low=int(rng.choice([-128, -20])),
        high=int(rng.choice([127, 60])),
    )
    return op, (h, w, c)


def values(rng: np.random.Generator, shape: tuple[int, ...], extreme: bool) -> Array:
    x = rng.integers(-128, 128, shape)
    return (np.where(x < 0, -128, 127) if extreme else x).astype(np.int8)


@pytest.mark.slow
def test_a_thousand_layers_give_the_same_bits() -> None:
    rng, ups, differ = np.random.default_rng(76), 0, []
    for k in range(1000):
        op, shape = layer(rng, extreme=k % 7 == 0)
        tiled = replace(op, tiles=int(rng.integers(1, 5)))
        assert tiled.kernel_on(shape).startswith("k_conv2d_tiles")
        ups += tiled.line is not None
        x = values(rng, (1, *shape), k % 5 == 0)
        if op.run(x).tobytes() != tiled.run(x).tobytes():
            differ.append(k)
    assert not differ
    assert 200 < ups < 800  # both ways to scale were met


@pytest.mark.skipif(find_spec("unicorn") is None, reason="the extra `emulator` is not installed")
@pytest.mark.slow
@pytest.mark.parametrize(("core", "how"), [("cortex_m0plus", "-Os"), ("cortex_m33", "-Os"), ("cortex_m4", "-O2")])
def test_cores_give_the_same_bits(core: str, how: str, tmp_path: Path) -> None:
    elf = ELFFile(io.BytesIO(linked(core, tmp_path, how)))
    symbols = {s.name: s["st_value"] for s in elf.get_section_by_name(".symtab").iter_symbols()}
    segments = [(s["p_vaddr"], s.data()) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD" and s["p_filesz"]]
    rng, jobs = np.random.default_rng(4), []
    for k in range(24):
        op, shape = layer(rng, c=(32, 64, 4, 12)[k % 4], extreme=k % 6 == 0)
        tiled = replace(op, tiles=(6, 1, 2)[k % 3])
        jobs.append(job(Example(tiled, (shape,), lambda x: x, 0.0), symbols, core))
    request = {"core": core, "segments": segments, "jobs": [j for j, _ in jobs]}
    program = [sys.executable, str(Path(__file__).with_name("on_core.py"))]
    done = subprocess.run(program, input=pickle.dumps(request), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    got = pickle.loads(done.stdout)
    assert [k for k, (g, (_, want)) in enumerate(zip(got, jobs, strict=True)) if g != want] == []


def test_what_could_overflow_or_has_other_taps_is_worked_out_directly() -> None:
    op, shape = layer(np.random.default_rng(0))
    tiled = replace(op, tiles=2)
    assert tiled.tileable()
    others = (
        replace(tiled, bias=np.full_like(op.bias, 1 << 25)),  # 256 times such a sum does not fit
        replace(tiled, shift=np.zeros_like(op.shift), low=-128, y_zero=0),
        replace(tiled, stride_h=2),
        replace(tiled, weight=op.weight[..., :3]),
        replace(tiled, weight=op.weight[:, :2]),
    )
    assert [o.tileable() for o in others] == [False] * len(others)
    assert "tiles" not in others[0].kernel_on(shape)


def full(c: int) -> Conv2dS8:
    """A layer of 3 x 3 taps from c channels to c."""
    op, _ = layer(np.random.default_rng(2), c)
    numbers = {name: np.resize(getattr(op, name), c) for name in ("bias", "multiplier", "shift")}
    sides = {f"pad_{side}": 1 for side in ("top", "bottom", "left", "right")}
    return replace(op, weight=np.resize(op.weight, (c, 3, 3, c)), **numbers, **sides)


def test_only_what_pays_goes_into_tiles() -> None:
    assert saved(full(32), (16, 16, 32), 4) > saved(full(32), (16, 16, 32), 1) > 0
    assert saved(full(32), (4, 4, 32), 1) == 0  # too few tiles for the weights' transform
    assert choices(replace(full(32), stride_w=2), (16, 16, 32)) == []


def test_an_imported_network_goes_into_tiles_and_its_arena_stays(shared: Path) -> None:
    graph = import_graph(shared / "models" / "pretrainedResnet_quant.tflite")
    plain = replace(graph, nodes=tuple(_directly(node) for node in graph.nodes))
    assert {n.name: n.op.tiles for n in graph.nodes if isinstance(n.op, Conv2dS8) and n.op.tiles} == {
        "conv_5": 1,
        "conv_8": 2,
    }
    assert plan(graph).arena_bytes == plan(plain).arena_bytes
    assert in_tiles(graph) is graph
    x = np.random.default_rng(0).normal(size=(2, *graph.window_shape())).astype(np.float32) * 60
    assert graph.scores(x).tobytes() == plain.scores(x).tobytes()


def _directly(node: Node) -> Node:
    return replace(node, op=replace(node.op, tiles=0)) if isinstance(node.op, Conv2dS8) else node
