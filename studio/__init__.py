"""Sensorsmith Studio: from sensor to sample to label to graph to firmware, and back."""

__version__ = "0.1.0"

# The storeys of the house, ground floor first. A room may import rooms on lower
# storeys only; rooms that share a storey never import one another.
# `tests/test_rooms.py` enforces this line and nothing else decides it.
STOREYS = (
    ("errors", "paths", "progress", "environment"),
    ("params", "zig"),
    ("data", "graph"),
    ("sources", "learn", "firmware"),
    ("app",),
    ("ui",),
)
