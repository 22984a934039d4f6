"""How a graph is found: windows from recordings, splits, families that fit a graph, and numbers that judge it."""

from studio.learn.families.cnn import Cnn
from studio.learn.families.family import Family
from studio.learn.families.forest import RandomForest

#: Every family by name; the search, the settings form and the contract test read this.
FAMILIES: dict[str, type[Family]] = {"forest": RandomForest, "cnn": Cnn}
