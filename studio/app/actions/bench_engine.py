"""What our generated C costs beside the public inference engines, in flash, RAM and exact instruction counts."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.app.actions.bench_trees import trees
from studio.data.stream import Array
from studio.errors import BuildError, InputError
from studio.firmware.alone import alone, can_run
from studio.firmware.bare import bare
from studio.firmware.board import boards
from studio.firmware.cores import CORES
from studio.graph.graph import Graph
from studio.graph.importing import import_graph
from studio.graph.loads import lower_bound
from studio.graph.ops.int8 import Dequantize, Quantize
from studio.graph.plan import plan
from studio.progress import Progress, Work

BOARDS = ("cortex-m4f", "cortex-m0plus")
WINDOWS = 3
#: Flash bytes, RAM bytes and instructions on a Cortex-M4F under QEMU, measured once with the public engines' own flags:
#: TensorFlow Lite Micro with CMSIS-NN (its default flags), and the same kernels called without an interpreter.
PUBLIC: dict[str, dict[str, tuple[int, int, int]]] = {
    "kws_ref_model": {"tflm_cmsis_nn": (106601, 24232, 7697918), "cmsis_nn_direct": (47521, 16572, 7693841)},
    "ad01_int8": {"tflm_cmsis_nn": (304305, 3424, 582891), "cmsis_nn_direct": (276965, 1052, 579854)},
    "pretrainedResnet_quant": {
        "tflm_cmsis_nn": (148965, 56408, 29864031),
        "cmsis_nn_direct": (100865, 50324, 29858830),
    },
    "micro_speech_quantized": {"tflm_cmsis_nn": (62269, 8224, 1495204), "cmsis_nn_direct": (27209, 6532, 1493116)},
}
#: Modelled cycles of scalar CMSIS-NN on a Cortex-M0+; other figures for that core are not public.
PUBLIC_M0_CYCLES = {"kws_ref_model": 39.8e6, "ad01_int8": 2.4e6, "pretrainedResnet_quant": 137e6}


def engine() -> Work[dict[str, Any]]:
    """Every .tflite file of the folder of models, on every counted core."""
    files, found = model_files(), dict[str, dict[str, Any]]()
    for i, file in enumerate(files):
        yield Progress(i, len(files), file.stem)
        graph = import_graph(file)
        x = inputs(graph)
        found[file.stem] = {board: _row(file, graph, x, board) for board in BOARDS}
        found[file.stem]["cores"] = on_cores(graph, x)
        found[file.stem]["equals_litert"] = equals_litert(file, graph, x)
    forests = yield from trees()
    note = "int8 in, int8 out; instructions, not cycles; flash without a firmware, RAM is arena, variables and stack"
    return {"models": found, "trees": forests, "note": note}


def on_cores(graph: Graph, x: Array) -> dict[str, Any]:
    """Instructions on every core that QEMU plays on this computer, and whether all scores are the same bits.

    "vectors" is how many times the instructions of plain C a Cortex-M55 takes of those with its vectors.
    """
    want, found = graph.scores(x), dict[str, Any]()
    for core in (name for name in CORES if can_run(name)):
        try:
            made = alone(graph, core, x)
        except BuildError:
            found[core] = {"instructions": None, "exact": None, "why": "too large"}
            continue
        exact = bool(np.array_equal(made.scores, want))
        found[core] = {"instructions": inner(graph, dict(made.stages)), "exact": exact}
    with_, without = (found.get(core, {}).get("instructions") for core in ("cortex-m55", "cortex-m55-scalar"))
    if with_ and without:
        found["vectors"] = round(without / with_, 2)
    return found


def model_files() -> list[Path]:
    """The folder `models` beside the repository's, or SENSORSMITH_MODELS; InputError when there is nothing."""
    beside = Path(__file__).parents[4] / "shared" / "models"
    folder = Path(os.environ.get("SENSORSMITH_MODELS", beside))
    files = sorted(folder.glob("*.tflite"))
    if not files:
        raise InputError(f"Folder {folder}", "has no .tflite files", "Set SENSORSMITH_MODELS to a folder that has.")
    return files


def inputs(graph: Graph) -> Array:
    """Windows that hit every step of the input's scale."""
    rng = np.random.default_rng(0)
    op = next((n.op for n in graph.nodes if isinstance(n.op, Quantize)), None)
    shape = (WINDOWS, *graph.window_shape())
    if op is None:
        return rng.normal(size=shape).astype(np.float32)
    return ((rng.integers(-128, 128, shape) - op.zero) * np.float32(op.scale)).astype(np.float32)


def _row(file: Path, graph: Graph, x: Array, board: str) -> dict[str, Any]:
    made = bare(graph, boards()[board], x)
    ours = (made.flash_bytes, made.ram_bytes + made.stack_bytes, inner(graph, dict(made.stages)))
    row: dict[str, Any] = dict(zip(("flash_bytes", "ram_bytes", "instructions"), ours, strict=True))
    row |= {
        "arena_bytes": plan(graph).arena_bytes,
        "arena_least_bytes": lower_bound(graph),
        "stack_bytes": made.stack_bytes,
        "stack_bound_bytes": made.stack_bound_bytes,
        "exact": bool(np.array_equal(made.scores, graph.scores(x))),
        "stages": dict(made.stages),
    }
    if board == "cortex-m4f":
        for name, theirs in PUBLIC.get(file.stem, {}).items():
            row[name] = [round(t / o, 2) for t, o in zip(theirs, ours, strict=True)]
    elif file.stem in PUBLIC_M0_CYCLES:
        row["modelled_cycles_cmsis_nn"] = int(PUBLIC_M0_CYCLES[file.stem])
    return row


def inner(graph: Graph, stages: Mapping[str, int | None]) -> int:
    """Instructions from int8 input to int8 output: without the steps from and to float, which the public ones lack."""
    outer = {n.name for n in graph.nodes if isinstance(n.op, Quantize | Dequantize)}
    return sum(n or 0 for name, n in stages.items() if name not in outer)


def equals_litert(file: Path, graph: Graph, x: Array) -> bool | None:
    """Whether LiteRT's reference kernels give the same outputs; None where it is not installed.

    Its fully connected layers round once, TensorFlow Lite Micro's (and ours) twice: a deep chain of them may differ.
    """
    if importlib.util.find_spec("ai_edge_litert") is None:
        return None
    litert = importlib.import_module("ai_edge_litert.interpreter")
    it = litert.Interpreter(str(file), experimental_op_resolver_type=litert.OpResolverType.BUILTIN_REF)
    it.allocate_tensors()
    given, out = it.get_input_details()[0], it.get_output_details()[0]
    (scale, zero), (y_scale, y_zero) = given["quantization"], out["quantization"]
    for window, scores in zip(x, graph.scores(x), strict=True):
        q = np.rint(window / np.float32(scale)) + zero if scale else window
        it.set_tensor(given["index"], q.reshape(given["shape"]).astype(given["dtype"]))
        it.invoke()
        y = it.get_tensor(out["index"]).ravel()
        want = np.float32(y_scale) * (y.astype(np.int32) - y_zero).astype(np.float32) if y_scale else y
        if not np.array_equal(want, scores):
            return False
    return True
