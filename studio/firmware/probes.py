"""Debug probes that are plugged in, as pyOCD knows them. Optional: without pyOCD there are none.

pyOCD loads for a second and talks to every USB device, so it runs in a process of its own that may be killed.
"""

import importlib.util
import json
import subprocess
from dataclasses import asdict, dataclass

from studio.firmware.program import HIDDEN, command

LOOK_S = 15.0


@dataclass(frozen=True)
class Probe:
    """`serial` is the probe's own number, which is also that of its USB device."""

    serial: str
    title: str


def probes(timeout_s: float = LOOK_S) -> tuple[Probe, ...]:
    """The probes that are plugged in now; () without pyOCD, and when it does not answer in time."""
    if importlib.util.find_spec("pyocd") is None:
        return ()
    try:
        ours = command("studio.firmware.probes")
        done = subprocess.run(ours, capture_output=True, text=True, timeout=timeout_s, creationflags=HIDDEN)
        return tuple(Probe(**found) for found in json.loads(done.stdout.splitlines()[-1]))
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError, TypeError):
        return ()


def _here() -> list[Probe]:
    """Asked in the other process."""
    from pyocd.core.helpers import ConnectHelper

    found = ConnectHelper.get_all_connected_probes(blocking=False, print_wait_message=False)
    return [Probe(p.unique_id or "", p.description or "Debug probe") for p in found]


if __name__ == "__main__":
    print(json.dumps([asdict(p) for p in _here()]))
