"""One model, every core: all tensors of an int8 network are those of this computer, to the bit."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.errors import BuildError, VerifyError
from studio.firmware.alone import Alone, alone, play
from studio.firmware.cores import CORES
from studio.graph.graph import Graph, Node
from studio.graph.importing import import_graph
from studio.graph.passes import quantize
from studio.graph.rows import stages_on_board
from tests.firmware.firmwares import graph
from tests.graph.nets import motion, plane_graph

NEEDS = {
    name: pytest.mark.skipif(not shutil.which(core.program), reason=f"needs {core.program} (apt install qemu-system)")
    for name, core in CORES.items()
}
EVERY = [pytest.param(name, marks=NEEDS[name]) for name in CORES]


def sounds(n: int) -> np.ndarray:
    return motion(n, 384, 1)


def plane() -> Graph:
    """Convolutions, depthwise convolutions, a sum, pools and a fully connected layer in int8."""
    return quantize(plane_graph(), sounds(20))


def equal_stages(made: Alone, model: Graph, windows: np.ndarray) -> list[str]:
    """Names of the stages whose bytes are those of this computer, for every window."""
    want = dict(model.stages(windows))
    shown = [name for name in stages_on_board(model)]
    return [s for s in shown if all(made.outputs[i][s] == want[s][i].tobytes() for i in range(len(windows)))]


@pytest.mark.parametrize("core", EVERY)
def test_every_tensor_is_the_same_on_every_core(core: str) -> None:
    model, windows = plane(), sounds(2)
    made = alone(model, core, windows)
    assert equal_stages(made, model, windows) == list(stages_on_board(model))
    assert np.array_equal(made.scores, model.scores(windows)) and all(n for _, n in made.stages)


@pytest.mark.parametrize("core", [pytest.param(name, marks=NEEDS[name]) for name in ("cortex-m55", "cortex-m33")])
def test_layers_that_overwrite_their_input_do_not_do_so_too_early(core: str, shared: Path) -> None:
    """A large first layer's output begins before its input; how far depends on the pixels worked out together."""
    model = import_graph(shared / "models" / "pretrainedResnet_quant.tflite")
    windows = np.random.default_rng(0).uniform(0, 255, (1, *model.window_shape())).astype(np.float32)
    assert equal_stages(alone(model, core, windows), model, windows) == list(stages_on_board(model))


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="needs qemu-system-arm (apt install qemu-system)")
def test_another_weight_is_another_tensor() -> None:
    """The comparison sees a single changed weight."""
    model, windows = graph("cnn"), motion(1)
    at = next(i for i, node in enumerate(model.nodes) if hasattr(node.op, "weight"))
    changed = np.array(model.nodes[at].op.weight)
    changed.flat[np.abs(changed.astype(int)).argmax()] *= -1
    nodes = [*model.nodes]
    nodes[at] = Node(replace(nodes[at].op, weight=changed), nodes[at].inputs, nodes[at].name)
    made = alone(replace(model, nodes=tuple(nodes)), "cortex-m3", windows)
    assert len(equal_stages(made, model, windows)) < len(model.nodes)


COUNT = """#include "start.h"
void alone_main(void)
{{
    alone_restart();
    uint32_t n = {n};
    __asm__ volatile("{loop}" : "+r"(n) : : {clobbers});
    alone_tell(0, 0, 0, alone_ticks());
}}
"""
LOOPS = {
    "cortex-m3": ("1: subs %0, %0, #1\\nnop\\nbne 1b", '"cc"'),
    "rv32imc": ("1: addi %0, %0, -1\\nnop\\nbnez %0, 1b", '"memory"'),
}


@pytest.mark.parametrize("core", [pytest.param(name, marks=NEEDS[name]) for name in LOOPS])
def test_instructions_are_counted(core: str) -> None:
    loop, clobbers = (text.replace("\n", "\\n") for text in LOOPS[core])
    told = play(CORES[core], {"count.c": COUNT.format(n=30000, loop=loop, clobbers=clobbers)}, [])
    assert told[0].instructions is not None and abs(told[0].instructions - 90000) < 20


@pytest.mark.skipif(not shutil.which("qemu-system-arm"), reason="needs qemu-system-arm (apt install qemu-system)")
def test_a_fault_and_a_full_memory_are_told() -> None:
    crash = '#include "start.h"\nvoid alone_main(void) { __asm__ volatile("udf #0"); }\n'
    with pytest.raises(VerifyError, match="Cortex-M3"):
        play(CORES["cortex-m3"], {"crash.c": crash}, [])
    big = '#include "start.h"\nstatic volatile char a[20000];\nvoid alone_main(void) { a[19999] = 1; }\n'
    with pytest.raises(BuildError, match="more RAM than the machine has"):
        play(CORES["cortex-m0"], {"big.c": big}, [])


def test_a_missing_program_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(BuildError, match="needs qemu-system-riscv32"):
        play(CORES["rv32imc"], {}, [])
