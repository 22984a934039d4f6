"""How a graph is found: windows from recordings, splits, families that fit a graph, and numbers that judge it."""
