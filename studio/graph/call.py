"""The C call of an op, worked out once: the caller on this computer and the renderer of C both read it from here."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from studio.graph.op import Array, Op, Shape, StreamOp
from studio.graph.paired import Paired

#: Element types that may stand in a kernel's signature.
C_TYPES = {
    "float32": "float",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
}


@dataclass(frozen=True)
class Slot:
    """A pointer that the caller provides: role "input" (the `index`th), "state", "memory", "scratch" or "output"."""

    role: str
    index: int = 0


@dataclass(frozen=True, eq=False)
class Table:
    """A constant array: the op's arg `name`; `paired` where a core's own code of it is written by macros."""

    name: str
    values: Array
    paired: Paired | None = None


Argument = Slot | Table | int | float


def c_type(dtype: type | np.dtype[np.generic]) -> str:
    """The C type of one element; a type that no kernel takes keeps its own name."""
    name = np.dtype(dtype).name
    return C_TYPES.get(name, name)


def arguments(op: Op, *shapes: Shape) -> list[Argument]:
    """Every argument of the op's kernel for inputs of these shapes, in the order of its C declaration."""
    found: list[Argument] = []
    for i, shape in enumerate(shapes):
        found += [Slot("input", i), *op.dims(shape, False)]
    for name, value in op.args_on(*shapes).items():
        found.append(_argument(name, value))
    if isinstance(op, StreamOp):
        found.append(Slot("state"))
    if op.remembers:
        found.append(Slot("memory"))
    if op.scratch(*shapes):
        found.append(Slot("scratch"))
    return [*found, Slot("output"), *op.dims(op.shape(*shapes), True)]


def _argument(name: str, value: Any) -> Argument:
    """An arg of an op as its kernel gets it."""
    if isinstance(value, Paired):
        return Table(name, value.table(), value)
    return Table(name, np.ascontiguousarray(value)) if isinstance(value, np.ndarray) else value
