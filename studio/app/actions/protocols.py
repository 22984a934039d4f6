"""`bench protocols`: every protocol against every fault, in simulated time, and what the client made of it."""

from typing import Any

from studio.progress import Progress, Work
from studio.sources.clients import CLIENTS
from studio.sources.trial import FAULTS, trial


def protocols() -> Work[dict[str, Any]]:
    """A cell of text for each protocol and fault; `passed` when each account is exact or says it cannot be."""
    table: dict[str, dict[str, str]] = {}
    passed = True
    for i, name in enumerate(CLIENTS):
        yield Progress(i, len(CLIENTS), name)
        outcomes = [trial(name, fault) for fault in FAULTS]
        table[name] = {"loss": str(CLIENTS[name].loss)} | {o.fault: o.text for o in outcomes}
        passed = passed and all(o.passed for o in outcomes)
    return {"passed": passed, "table": table}
