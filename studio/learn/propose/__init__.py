"""The machine proposes, the person decides: stretches worth labelling, more of the same, maps, and doubtful labels."""

from studio.learn.propose.changes import Changes
from studio.learn.propose.energy import Energy, Threshold
from studio.learn.propose.proposer import Proposer

#: Every way to find stretches; the form of the window, the command line and the contract test read this.
PROPOSERS: dict[str, type[Proposer]] = {method.name: method for method in (Energy, Changes, Threshold)}
