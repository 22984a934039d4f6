"""What trees cost in our generated C beside emlearn's and m2cgen's, in flash and exact instruction counts.

The public figures were measured once on other data of the same size (24 features, 6 classes), with GCC at -O2 for a
Cortex-M4F and -Os for a Cortex-M0+; ours are measured now. Accuracies stand beside each other because small leaves may
cost some: `kinds` is how many different leaves are kept, 0 for all.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.data.stream import Array
from studio.firmware.bare import bare
from studio.firmware.board import boards
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.forest import Tree
from studio.graph.ops.int8 import Quantize
from studio.graph.ops.tree import TreeVotesS8, pack_votes
from studio.graph.ops.vector import Flatten
from studio.learn.families.forest import RandomForest, alike
from studio.learn.split import Ints
from studio.progress import Progress, Work

BOARDS = ("cortex-m4f", "cortex-m0plus")
FEATURES, CLASSES, LEARNED, TOLD, COUNTED = 24, 6, 3000, 2000, 20


@dataclass(frozen=True)
class Case:
    """A forest, and what public generators make of one of its size: {engine: {board: (flash bytes, instructions)}}."""

    trees: int
    depth: int
    public: dict[str, dict[str, tuple[int, int]]]


CASES = {
    "tree, depth 10": Case(
        1,
        10,
        {
            "emlearn inline": {"cortex-m4f": (3828, 122), "cortex-m0plus": (4284, 216)},
            "emlearn loadable": {"cortex-m4f": (3104, 432), "cortex-m0plus": (5624, 1807)},
            "m2cgen float": {"cortex-m4f": (8976, 155), "cortex-m0plus": (8024, 760)},
        },
    ),
    "10 trees, depth 10": Case(
        10,
        10,
        {
            "emlearn inline": {"cortex-m4f": (38964, 464), "cortex-m0plus": (37796, 690)},
            "emlearn loadable": {"cortex-m4f": (25852, 1476), "cortex-m0plus": (28372, 4917)},
            "m2cgen float": {"cortex-m4f": (106180, 1019), "cortex-m0plus": (86168, 8374)},
        },
    ),
    "50 trees, depth 8": Case(
        50,
        8,
        {
            "emlearn inline": {"cortex-m4f": (94888, 1714), "cortex-m0plus": (95992, 2509)},
            "emlearn loadable": {"cortex-m4f": (68620, 5380), "cortex-m0plus": (71140, 14474)},
            "m2cgen float": {"cortex-m4f": (318776, 4429), "cortex-m0plus": (296052, 39410)},
        },
    ),
}
KINDS = (0, 8)


def trees() -> Work[dict[str, Any]]:
    """Every case, with all its leaves and with few."""
    x, y = vectors()
    found: dict[str, Any] = {}
    for i, (name, case) in enumerate(CASES.items()):
        yield Progress(i, len(CASES), name)
        family = RandomForest(trees=case.trees, depth=case.depth, leaf=1)
        grown = yield from family.grow(x[:LEARNED], y[:LEARNED], CLASSES, 0)
        rows = {f"{kinds} kinds" if kinds else "all leaves": _row(grown, kinds, x, y, case) for kinds in KINDS}
        found[name] = {"decisions": int(sum((t.left >= 0).sum() for t in grown)), **rows}
    note = "24 features, 6 classes; tables are the op's constants, flash has its code too; instructions per vector"
    return {"forests": found, "note": note}


def vectors() -> tuple[Array, Ints]:
    """Clouds that overlap, three for each class, on the int8 grid: (n, FEATURES) int8 and (n,) classes."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, CLASSES, LEARNED + TOLD)
    middle = rng.normal(0, 22, (CLASSES, 3, FEATURES))
    x = middle[y, rng.integers(0, 3, len(y))] + rng.normal(0, 32, (len(y), FEATURES))
    return np.clip(np.rint(x), -128, 127).astype(np.int8), y


def _row(grown: list[Tree], kinds: int, x: Array, y: Ints, case: Case) -> dict[str, Any]:
    op = pack_votes(alike(grown, kinds, 0))
    right = op.run(x[LEARNED:]).argmax(axis=1) == y[LEARNED:]
    tables = sum(v.nbytes for v in op.args().values() if isinstance(v, np.ndarray))
    row: dict[str, Any] = {"accuracy": round(float(right.mean()), 4), "table_bytes": tables}
    for board in BOARDS:
        flash, instructions, equal = counted(op, x[LEARNED : LEARNED + COUNTED], board)
        theirs = {n: [round(f / flash, 2), round(c / instructions, 2)] for n, (f, c) in _public(case, board).items()}
        row[board] = {"flash_bytes": flash, "instructions": instructions, "exact": equal, **theirs}
    return row


def _public(case: Case, board: str) -> dict[str, tuple[int, int]]:
    return {engine: known[board] for engine, known in case.public.items()}


def counted(op: TreeVotesS8, x: Array, board: str) -> tuple[int, int, bool]:
    """Flash bytes of a graph of `op` alone, instructions of its kernel, and whether it gave what it gives here."""
    channels, classes = tuple(f"f{i}" for i in range(x.shape[1])), tuple(f"c{i}" for i in range(op.rows.shape[1]))
    nodes = (Node(Flatten(), (WINDOW,), "flat"), Node(Quantize(1.0, 0), (0,), "grid"), Node(op, (1,), "votes"))
    graph = Graph(channels, 1.0, 1, 1, nodes, classes)
    made = bare(graph, boards()[board], x.astype(np.float32)[:, None, :])
    equal = bool(np.array_equal(made.scores, op.run(x)))
    return made.flash_bytes, dict(made.stages)["votes"], equal
