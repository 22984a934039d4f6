"""What every family promises, so that the search can treat them alike."""

from typing import ClassVar, Protocol

from studio.graph.graph import Graph
from studio.learn.dataset import Dataset
from studio.progress import Work


class Family(Protocol):
    """A frozen dataclass of params. The same data, params and seed give the same graph, bit for bit."""

    name: ClassVar[str]

    def fit(self, data: Dataset, seed: int) -> Work[Graph]:
        """Learn; the graph is final (int8 where the family quantizes). May be closed at any yield."""
        ...

    def draft(self, data: Dataset) -> Graph | None:
        """A graph of the size that `fit` would give, without learning; None where the size comes from the data."""
        ...

    def final(self) -> "Family":
        """The same family when nothing needs to be held back any more: the last fit, on all that may be learned."""
        ...

    @classmethod
    def guesses(cls) -> "tuple[Family, ...]":
        """What is worth trying first; the search draws any others from the values that its params name."""
        ...
