"""The stack's bound: never below what a core was seen to use, close to it, and refused where there is none."""

import importlib.util

import pytest

from studio import zig
from studio.errors import BuildError
from studio.firmware.bare import bare, bound_of
from studio.firmware.board import boards
from studio.firmware.render import render
from studio.firmware.sources import WARNINGS
from studio.firmware.stack import FLAG, stack_bound
from studio.graph.host import sources
from studio.paths import STUBS
from tests.firmware.firmwares import ACCELEROMETER, graph
from tests.graph.nets import motion

TARGET = ("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp", "-Os", FLAG, "-g", "-nostdlib")


@pytest.mark.skipif(importlib.util.find_spec("unicorn") is None, reason="the extra `emulator` is not installed")
@pytest.mark.parametrize("board", ["cortex-m0plus", "cortex-m4f"])
@pytest.mark.parametrize("family", ["cnn", "forest"])
def test_no_core_uses_more_than_the_bound(family: str, board: str) -> None:
    made = bare(graph(family), boards()[board], motion(2))
    assert made.stack_bytes <= made.stack_bound_bytes <= made.stack_bytes + 200
    found = bound_of(graph(family), boards()[board])
    assert made.stack_bound_bytes <= found.n_bytes <= made.stack_bound_bytes + 32  # a board's model has taps
    assert found.path[0] == "model_run" and found.by_pointer


def linked(text: str, folder) -> bytes:  # type: ignore[no-untyped-def]
    (folder / "a.c").write_text(text)
    zig.run(["cc", *TARGET, "-Wl,-e,model_run", folder / "a.c", "-o", folder / "a.elf"])
    return bytes((folder / "a.elf").read_bytes())


DEEP = """#define KEPT __attribute__((noinline, used))
KEPT int leaf(volatile int *x) { volatile int room[40]; room[*x & 31] = 1; return room[*x]; }
__attribute__((naked, noinline)) int pushes(volatile int *x) { __asm__("push {r4-r7, lr}\\nsub sp, #60\\nbl leaf\\n"
    "add sp, #60\\npop {r4-r7, pc}\\n"); }
KEPT int short_one(volatile int *x) { return *x; }
int model_run(volatile int *x) { return pushes(x) + short_one(x) + leaf(x); }
"""


def test_frames_add_up_along_the_deepest_path(tmp_path) -> None:  # type: ignore[no-untyped-def]
    found = stack_bound(linked(DEEP, tmp_path))
    assert found.path == ("model_run", "pushes", "leaf") and not found.by_pointer
    assert 160 + 20 + 60 < found.n_bytes < 160 + 20 + 60 + 64


def test_a_call_by_pointer_at_the_end_is_seen(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = "int (*shown)(int *);\nint model_run(int *x) { x[0]++; return shown(x); }\n"
    assert stack_bound(linked(text, tmp_path)).by_pointer


def test_recursion_has_no_bound(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = "__attribute__((noinline)) int model_run(volatile int *x) { return *x ? 1 + model_run(x + 1) * *x : 0; }"
    with pytest.raises(BuildError, match="calls itself"):
        stack_bound(linked(text, tmp_path))
    with pytest.raises(BuildError, match="not in the linked model"):
        stack_bound(linked(text, tmp_path), "other")


@pytest.mark.parametrize("cpu", ["cortex_m4+vfp4d16sp", "cortex_m0plus"])
def test_kernels_and_models_convert_nothing_silently(cpu: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    for family in ("cnn", "rows"):
        for name, text in render(graph(family), ACCELEROMETER).items():
            (tmp_path / name).write_text(text)
        files = [tmp_path / "model.c", STUBS / "runtime" / "model_push.c", *sources()]
        rooms = [f"-I{room}" for room in (tmp_path, STUBS / "kernels", STUBS / "kernels" / "inc", STUBS / "runtime")]
        target = ("-target", "thumb-freestanding-eabi" + "hf" * ("vfp" in cpu), f"-mcpu={cpu}", "-fhosted", "-Os")
        flags = [*target, *zig.EXACT, *WARNINGS, "-Wconversion", "-Wsign-conversion", "-Wl,-e,model_run"]
        zig.run(["cc", *flags, *rooms, *files, "-o", tmp_path / "all.elf"])
