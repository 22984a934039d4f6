"""Each step of a sequence as a mixture of all steps."""

from dataclasses import dataclass
from typing import Any

from studio.errors import GraphError
from studio.graph.op import Op, Shape
from studio.params import param


@dataclass(frozen=True, eq=False)
class Attention(Op):
    """Queries (n, d), keys (m, d), values (m, d) -> (n, d): softmax(q . k / sqrt(d / heads)) . v, head by head.

    Each head works on its share of the d channels.

    References: Vaswani et al., Attention Is All You Need, NeurIPS 2017.
    """

    heads: int = param(1, "Parts that the channels are split into.", low=1, high=64)

    def shape(self, *inputs: Shape) -> Shape:
        fits = len(inputs) == 3 and all(len(x) == 2 for x in inputs)
        if not fits or inputs[1] != inputs[2] or inputs[0][1] != inputs[1][1] or inputs[0][1] % self.heads:
            step = f"It takes queries, keys and values of one width that {self.heads} divides."
            raise GraphError("Op Attention", f"gets {inputs}", step)
        return inputs[0]

    def args(self) -> dict[str, Any]:
        """What one head's products are scaled by goes with them."""
        return {"heads": self.heads}

    def scratch(self, *inputs: Shape) -> int:
        return 4 * inputs[1][0]
