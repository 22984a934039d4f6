"""The result of `studio bench engine` as tables for people: engines, cores, layers, arenas, trees."""

from collections.abc import Iterable, Sequence
from typing import Any

from studio.firmware.cores import CORES

ENGINES = {"tflm_cmsis_nn": "TFLM + CMSIS-NN", "cmsis_nn_direct": "CMSIS-NN direct"}
LAYERED = "kws_ref_model"
#: Instructions of TensorFlow Lite Micro with CMSIS-NN on the layers of LAYERED, Cortex-M4F, counted as the whole was.
PUBLIC_LAYERS = {
    "conv": 1118380, "depthwise": 561337, "conv_2": 1069225, "depthwise_2": 561337, "conv_3": 1069225,
    "depthwise_3": 561337, "conv_4": 1069225, "depthwise_4": 561337, "conv_5": 1069225, "pool": 50963,
    "features": 173, "logits": 2444, "softmax": 3185,
}  # fmt: skip
Rows = list[Sequence[Any]]


def engine_table(found: dict[str, Any]) -> str:
    """All tables, one below the other."""
    models: dict[str, Any] = found["models"]
    parts = [
        _titled("Cortex-M4F, int8 in, int8 out; x: so many times ours", _engines(models)),
        _titled("Cortex-M0+ (modelled cycles: of scalar CMSIS-NN, no count is public)", _small(models)),
        _titled("Instructions on every core that QEMU plays here; all bits are those of this computer", _cores(models)),
        _titled("Memory, bytes: arena, the least that any could be, stack seen and its bound", _memory(models)),
    ]
    if LAYERED in models:
        parts.append(_titled(f"Layers of {LAYERED}, instructions on Cortex-M4F", _layers(models[LAYERED])))
    if "trees" in found:
        parts.append(_titled("Trees, Cortex-M4F", _trees(found["trees"])))
    return "\n\n".join(part for part in parts if part)


def _engines(models: dict[str, Any]) -> Rows:
    rows: Rows = [("model", "engine", "flash", "x", "RAM", "x", "instructions", "x", "same bits")]
    for name, boards in models.items():
        ours = boards["cortex-m4f"]
        own = [ours[key] for key in ("flash_bytes", "ram_bytes", "instructions")]
        rows.append((name, "ours", own[0], "", own[1], "", own[2], "", _yes(ours["exact"])))
        for key, title in ENGINES.items():
            if key in ours:
                pairs = [(round(n * x), x) for n, x in zip(own, ours[key], strict=True)]
                rows.append(("", title, *(value for pair in pairs for value in pair), ""))
    return rows


def _small(models: dict[str, Any]) -> Rows:
    rows: Rows = [("model", "flash", "RAM", "instructions", "modelled cycles", "same bits")]
    for name, boards in models.items():
        m0 = boards["cortex-m0plus"]
        figures = (m0["flash_bytes"], m0["ram_bytes"], m0["instructions"], m0.get("modelled_cycles_cmsis_nn", "-"))
        rows.append((name, *figures, _yes(m0["exact"])))
    return rows


def _cores(models: dict[str, Any]) -> Rows:
    rows: Rows = [("core", *models)]
    for core, title in ((name, core.title) for name, core in CORES.items()):
        cells = [boards.get("cores", {}).get(core) for boards in models.values()]
        if any(cells):
            rows.append((title, *(_cell(cell) for cell in cells)))
    ratios = [boards.get("cores", {}).get("vectors") for boards in models.values()]
    if any(ratios):
        rows.append(("M55: plain C / vectors", *(f"{r:.2f}" if r else "-" for r in ratios)))
    return rows


def _cell(cell: dict[str, Any] | None) -> str:
    if not cell or cell["instructions"] is None:
        return "-" if not cell else cell["why"]
    return f"{cell['instructions']:,}".replace(",", " ") + ("" if cell["exact"] else " DIFFERS")


def _memory(models: dict[str, Any]) -> Rows:
    keys = ("arena_bytes", "arena_least_bytes", "stack_bytes", "stack_bound_bytes")
    rows: Rows = [("model", "core", "arena", "least", "stack", "bound")]
    for name, boards in models.items():
        rows += [(name, core, *(boards[core][k] for k in keys)) for core in ("cortex-m4f", "cortex-m0plus")]
    return rows


def _layers(boards: dict[str, Any]) -> Rows:
    small = boards["cortex-m0plus"]["stages"]
    rows: Rows = [("layer", "ours", "TFLM + CMSIS-NN", "x", "ours on M0+")]
    for name, n in boards["cortex-m4f"]["stages"].items():
        theirs = PUBLIC_LAYERS.get(name)
        rows.append((name, n, theirs or "-", f"{theirs / n:.2f}" if theirs else "-", small.get(name, "-")))
    return rows


def _trees(trees: dict[str, Any]) -> Rows:
    rows: Rows = [
        ("forest", "leaves", "accuracy", "flash", "instructions", "same answers", "against: flash x, instructions x")
    ]
    for name, kinds in trees.get("forests", {}).items():
        for leaves, one in kinds.items():
            if isinstance(one, dict) and "cortex-m4f" in one:
                m4 = one["cortex-m4f"]
                others = "; ".join(f"{k} {v[0]:.2f}, {v[1]:.2f}" for k, v in m4.items() if isinstance(v, list))
                rows.append(
                    (name, leaves, one["accuracy"], m4["flash_bytes"], m4["instructions"], _yes(m4["exact"]), others)
                )
    return rows


def _yes(exact: bool) -> str:
    return "yes" if exact else "NO"


def _titled(title: str, rows: Rows) -> str:
    if len(rows) < 2:
        return ""
    return "\n".join([title, *_aligned(rows)])


def _aligned(rows: Rows) -> Iterable[str]:
    """Words to the left, numbers to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    wide = [max(len(row[i]) for row in texts) for i in range(len(texts[0]))]
    for row in texts:
        cells = (_padded(cell, wide[i], i) for i, cell in enumerate(row))
        yield "  " + "  ".join(cells).rstrip()


def _padded(text: str, width: int, column: int) -> str:
    number = text[:1].isdigit() and column > 0
    return text.rjust(width) if number else text.ljust(width)
