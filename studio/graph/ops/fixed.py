"""Values that do not depend on any input: what the memory of an imported layer begins with."""

from dataclasses import dataclass
from math import prod
from typing import Any

from studio.errors import GraphError
from studio.graph.op import Array, Op, Shape


@dataclass(frozen=True, eq=False)
class Fixed(Op):
    """Always the same: any shape -> that of `values`."""

    values: Array  # float32

    def shape(self, *inputs: Shape) -> Shape:
        if len(inputs) != 1 or not prod(inputs[0]) or not self.values.size:
            seen = f"gets {inputs} for {self.values.size} values"
            raise GraphError("Op Fixed", seen, "Give it one input, which it does not read, and some values.")
        return self.values.shape

    def dims(self, shape: Shape, output: bool) -> Shape:
        return (prod(shape),)

    def args(self) -> dict[str, Any]:
        return {"values": self.values}
