"""The ops, by what they are for. The table of all of them is `studio.graph.OPS`."""
