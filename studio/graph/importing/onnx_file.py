"""placeholder"""

from studio.errors import DataError
from studio.graph.graph import Graph


def graph_of(data: bytes, name: str) -> Graph:
    """x"""
    raise DataError(name, "x", "x")
