"""What an op is: a shape rule, parameters, and the name of the C kernel that is its only implementation.

The C signature follows from the class, so neither the renderer nor the caller on this computer needs a line per op:

    void k_<snake_name>(<for each input: const T *x, its shape as int32_t...>, <args in order>,
                        T *y, <y shape as int32_t...>)

An arg is an int (int32_t), a float (float), or an ndarray (const T *). A StreamOp runs on every
sample before it enters a window and may remember: its kernel takes `float *state` after the args.
An op that `remembers` may carry a memory from one window to the next: `void *memory`, there as well.
"""

import re
from dataclasses import dataclass, fields
from math import prod
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from studio.params import check

Shape = tuple[int, ...]
Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Op:
    """One computation, without memory between calls unless `memory` says so. Frozen; equality is identity."""

    takes: ClassVar[type] = np.float32  # element type of every input
    gives: ClassVar[type] = np.float32  # element type of the output
    elementwise: ClassVar[bool] = False  # the kernel is told the number of values in place of a shape
    overwrites: ClassVar[tuple[int, ...]] = (0,)  # the inputs that `ahead` speaks of
    rowwise: ClassVar[bool] = False  # each row of (n_rows, width) is worked out alone, whatever n_rows is
    alias: ClassVar[bool] = False  # the output is the input under another shape: on a board nothing is done
    remembers: ClassVar[bool] = False  # the kernel takes `void *memory`, null where `memory` is 0

    def __post_init__(self) -> None:
        check(self)

    def shape(self, *inputs: Shape) -> Shape:
        """Shape of one output item for one item of each input; GraphError where they do not fit."""
        raise NotImplementedError

    def args(self) -> dict[str, Any]:
        """What the kernel is told besides its inputs: the fields in order, unless an op works something out of them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def args_on(self, *inputs: Shape) -> dict[str, Any]:
        """`args`, for inputs of known shapes: for ops whose kernels are told shapes in a table."""
        return self.args()

    def dims(self, shape: Shape, output: bool) -> Shape:
        """The numbers of an input's or output's shape that the kernel is told."""
        return (prod(shape),) if self.elementwise else shape

    def ahead(self, *inputs: Shape) -> int | None:
        """How many bytes before an input of `overwrites` the output must begin to hit only what has been read.

        0: the output may take the input's place. None: it must lie elsewhere.
        """
        narrow = np.dtype(self.gives).itemsize <= np.dtype(self.takes).itemsize
        return 0 if self.elementwise and narrow else None

    def scratch(self, *inputs: Shape) -> int:
        """Bytes of working memory the kernel needs; when not 0 it takes `void *scratch` after the args."""
        return 0

    def memory(self, *inputs: Shape) -> int:
        """Bytes that the kernel keeps from one call to the next; all zero is an empty memory. 0: each call is alone."""
        return 0

    def kernel(self, n_inputs: int) -> str:
        """Name of the C function: MaxPool1dS8 -> k_max_pool1d_s8."""
        return "k_" + re.sub(r"(?<!^)([A-Z])", r"_\1", type(self).__name__).lower()

    def kernel_on(self, *inputs: Shape) -> str:
        """`kernel`, for inputs of known shapes."""
        return self.kernel(len(inputs))

    def run(self, *inputs: Array) -> Array:
        """A batch through the C kernel: inputs (n, *in_shape) -> (n, *out_shape); each item with an empty memory."""
        from studio.graph.host import call

        return call(self, inputs)

    def run_in_order(self, *inputs: Array) -> Array:
        """As `run`, for items that follow one another: only the first begins with an empty memory."""
        from studio.graph.host import call

        return call(self, inputs, in_order=True)


@dataclass(frozen=True, eq=False)
class StreamOp(Op):
    """An op on a stream of samples (n_samples, n_channels), with a memory of `state` floats."""

    def state(self, x: Shape) -> int:
        """How many floats the kernel remembers for one sample of shape `x`; all zero at the start."""
        raise NotImplementedError
