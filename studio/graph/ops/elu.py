"""The exponential linear unit, of files of others."""

from dataclasses import dataclass

from studio.graph.op import Op, Shape
from studio.params import param


@dataclass(frozen=True, eq=False)
class Elu(Op):
    """x where x > 0, alpha * (e^x - 1) elsewhere: any shape.

    References: Clevert et al., Fast and Accurate Deep Network Learning by Exponential Linear Units, ICLR 2016.
    """

    alpha: float = param(1.0, "How far below zero it goes.", low=0.0, high=100.0)
    elementwise = True
    rowwise = True

    def shape(self, *inputs: Shape) -> Shape:
        return inputs[0]
