"""Every kernel with the vectors of a Cortex-M55 and on RISC-V, under QEMU, gives the bits it gives on this computer."""

import shutil
from collections.abc import Iterator

import numpy as np
import pytest

from studio.firmware.alone import play, words
from studio.firmware.cores import CORES, Core
from studio.graph.call import Slot
from studio.graph.host import batches, call_stream, prepare
from studio.graph.op import StreamOp
from tests.graph.arithmetic import Example
from tests.graph.examples import EXAMPLES
from tests.graph.plane_examples import VARIANTS
from tests.graph.test_ops_contract import N, inputs

NEEDS = {
    name: pytest.mark.skipif(not shutil.which(core.program), reason=f"needs {core.program} (apt install qemu-system)")
    for name, core in CORES.items()
}
#: Those whose code no other test runs: unicorn plays the rest (test_on_cortex.py).
KERNELS_ON = [pytest.param(name, marks=[NEEDS[name], pytest.mark.slow]) for name in ("cortex-m55", "rv32imc")]
JOBS = """#include "start.h"
{around}
typedef struct {{
    void (*call)(int64_t n, uint8_t *const *p, const int64_t *step, const int32_t *is, const float *fs);
    uint8_t *const *p;
    const int64_t *step;
    const void *is, *fs;
    const uint8_t *output;
    uint32_t n_bytes;
}} job;
{blocks}
static const job jobs[] = {{ {jobs} }};
void alone_main(void)
{{
    for (int32_t i = 0; i < {n_jobs}; i++) {{
        jobs[i].call({n}, jobs[i].p, jobs[i].step, jobs[i].is, jobs[i].fs);
        alone_tell(i, jobs[i].output, jobs[i].n_bytes, 0);
    }}
}}
"""


def blocks_of(example: Example) -> tuple[list[tuple[bytes, int, bool]], int, bytes]:
    """(bytes, step, whether they stay as they are) of each pointer of the op's kernel, the output's place, and that."""
    op, x = example.op, inputs(example)
    prepared = prepare(op, example.shapes)
    if isinstance(op, StreamOp):
        want, _ = call_stream(op, x[0], np.zeros(op.state(x[0].shape[1:]), np.float32))
    else:
        want = op.run(*x)
    blocks, output = [], 0
    for i, p in enumerate(prepared.pointers):
        role = p.role if isinstance(p, Slot) else "table"
        if role == "output":
            output = i
            blocks.append((bytes(want.nbytes), want.strides[0], False))
        elif role == "input":
            blocks.append((x[p.index].tobytes(), x[p.index].strides[0], True))
        elif role == "table":
            blocks.append((p.values.tobytes(), 0, True))
        else:
            memory = bytes(8 * (prepared.memory // 8 + 1)) if prepared.memory else b""
            blocks.append(
                (N * memory, len(memory), False) if role == "memory" else (bytes(prepared.scratch + 256), 0, False)
            )
    return blocks, output, want.tobytes()


def job_c(i: int, example: Example) -> tuple[str, str, bytes]:
    """The C text of the example's memory, its line in the table of jobs, and the output that this computer gives."""
    blocks, output, want = blocks_of(example)
    prepared, text = prepare(example.op, example.shapes), ""
    for k, (data, _, stays) in enumerate(blocks):
        if not data:
            continue
        size = -(-len(data) // 8) * 2 or 2
        kind = "const " if stays else ""
        first = f" = {{{words(data)}}}" if stays else ""
        text += f"static _Alignas(8) {kind}uint32_t j{i}_{k}[{size}]{first};\n"
    pointers = ", ".join(f"(uint8_t *)j{i}_{k}" if data else "0" for k, (data, _, _) in enumerate(blocks))
    steps = ", ".join(str(step) for _, step, _ in blocks)
    text += f"static uint8_t *const j{i}_p[] = {{{pointers}}};\nstatic const int64_t j{i}_s[] = {{{steps}}};\n"
    for name, values in (("i", prepared.ints), ("f", prepared.floats)):
        text += f"static const uint32_t j{i}_{name}[] = {{{words(values.tobytes())}}};\n"
    call = f"many_{example.op.kernel_on(*example.shapes)}"
    line = f"{{{call}, j{i}_p, j{i}_s, j{i}_i, j{i}_f, (const uint8_t *)j{i}_{output}, {len(want)}}}"
    return text, line, want


def groups(core: Core) -> Iterator[dict[str, Example]]:
    """All examples, so many at a time as the core's memories take."""
    group, used = dict[str, Example](), np.zeros(2)
    most = np.array([core.ram_bytes, core.text_bytes]) * 0.6
    for name, example in (EXAMPLES | VARIANTS).items():
        blocks = blocks_of(example)[0]
        size = np.array(
            [sum(len(data) for data, _, stays in blocks if stays == constant) for constant in (False, True)]
        )
        if (used + size > most).any():
            yield group
            group, used = {}, np.zeros(2)
        group[name] = example
        used += size
    yield group


@pytest.mark.parametrize("name", KERNELS_ON)
def test_a_core_gives_the_same_bits(name: str) -> None:
    wrong, n_right = [], 0
    for group in groups(CORES[name]):
        made = [job_c(i, example) for i, example in enumerate(group.values())]
        blocks, jobs = "".join(m[0] for m in made), ", ".join(m[1] for m in made)
        text = JOBS.format(around=batches(), blocks=blocks, jobs=jobs, n=N, n_jobs=len(made))
        told = play(CORES[name], {"jobs.c": text}, [])
        equal = {k: t.data == want for k, (_, _, want), t in zip(group, made, told, strict=True)}
        wrong += [k for k, right in equal.items() if not right]
        n_right += sum(equal.values())
    assert wrong == [] and n_right == len(EXAMPLES | VARIANTS)
