"""The kernels' library: made once by any number of processes, for every kind of computer, and careful with types."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from studio import zig
from studio.errors import BuildError, GraphError
from studio.graph import host
from studio.graph.op import Op, Shape
from studio.graph.ops.filter import Biquad
from studio.graph.ops.vector import Dense, Relu
from studio.paths import STUBS, home

PROGRAM = """
import numpy as np
from studio.graph.ops.vector import Relu
print(Relu().run(np.array([[-1.0, 2.0]], np.float32)).tolist())
"""


def test_processes_that_compile_at_once_all_succeed(own_home: Path) -> None:
    (own_home / "kernels").unlink()  # nothing compiled yet
    command = [sys.executable, "-c", PROGRAM]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        out, err = process.communicate()
        assert out.strip() == "[[0.0, 2.0]]", err
    made = list((own_home / "kernels").rglob("*"))
    assert [p.name for p in made if p.is_file()] == [f"kernels{host.SUFFIX}"]
    assert len([p for p in made if p.is_dir()]) == 1


def test_a_change_of_the_sources_makes_another_library(own_home: Path) -> None:
    (own_home / "kernels").unlink()
    one = host.compile_shared("t", [], {"a.c": '__attribute__((visibility("default"))) int f(void) { return 1; }'})
    two = host.compile_shared("t", [], {"a.c": '__attribute__((visibility("default"))) int f(void) { return 2; }'})
    assert one != two and one.exists() and two.is_relative_to(home())


def test_a_folder_that_cannot_be_written_is_named(own_home: Path) -> None:
    (own_home / "kernels").unlink()
    (own_home / "kernels").write_text("in the way")
    with pytest.raises(BuildError, match=r"kernels.*SENSORSMITH_HOME"):
        host.compile_shared("t", [], {"a.c": "int x;"})


@pytest.mark.parametrize(
    "target", ["x86_64-windows-gnu", "aarch64-windows-gnu", "x86_64-macos", "aarch64-macos", "aarch64-linux-gnu"]
)
def test_it_links_for_other_computers_without_a_c_library(target: str, tmp_path: Path) -> None:
    (tmp_path / "batches.c").write_text(host.batches())
    made = tmp_path / "kernels.bin"
    include = ["-I", STUBS / "kernels"]
    zig.run(["cc", "-target", target, *host.FLAGS, *include, tmp_path / "batches.c", *host.sources(), "-o", made])
    assert b"many_k_relu" in made.read_bytes()


def test_types_are_brought_to_the_kernels() -> None:
    assert Relu().run(np.array([[-1.0, 2.0]])).dtype == np.float32
    strided = np.arange(12, dtype=np.float32).reshape(2, 6)[:, ::2]
    np.testing.assert_array_equal(Relu().run(strided), strided)


def test_a_weight_of_another_type_is_refused() -> None:
    with pytest.raises(GraphError, match="Dense"):
        Dense(np.zeros((2, 3)), np.zeros(2, np.float32)).run(np.zeros((1, 3), np.float32))


def test_a_memory_of_another_size_is_refused() -> None:
    with pytest.raises(GraphError, match="Biquad"):
        host.call_stream(Biquad(), np.zeros((5, 3), np.float32), np.zeros(4, np.float32))


@dataclass(frozen=True, eq=False)
class Missing(Op):
    """An op whose C function was forgotten."""

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]


def test_a_forgotten_kernel_is_named() -> None:
    with pytest.raises(GraphError, match="k_missing"):
        Missing().run(np.zeros((1, 3), np.float32))


def test_memory_is_not_held_for_ops_that_are_gone() -> None:
    before = len(host._prepared)
    Relu().run(np.zeros((1, 7), np.float32))
    assert len(host._prepared) <= before + 1
