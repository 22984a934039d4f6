"""`bench plug`: seconds from plugging in to the first sample, for each protocol; simulated devices at true pace.

Each device speaks at its protocol's usual rate and no other, which the studio has to find, as well as the protocol.
"""

import time
from typing import Any

from studio.app.devices import DeviceList, Eyes
from studio.app.live import Connection
from studio.errors import StudioError
from studio.progress import Progress, Work
from studio.sources.clients import CLIENTS
from studio.sources.ports import Port

PATIENCE_S, LOOKS = 30.0, 5
_PORT = Port("simulated", "Simulated board", 1, 2, "0123")


def plug() -> Work[dict[str, Any]]:
    """`seen_s`: from the port's being there to its place in the list; then from Connect to the first sample."""
    found: dict[str, float] = {}
    yield Progress(0, len(CLIENTS) + 1, "the list")
    seen = sorted(_seen_s() for _ in range(LOOKS))
    for i, (name, client) in enumerate(CLIENTS.items(), 1):
        yield Progress(i, len(CLIENTS) + 1, name)
        baud = f"&fault=baud:{client.bauds[0]}" if name != "raw" else ""
        found[name] = _first_sample_s(f"virtual:host?protocol={name}{baud}")
    return {"seen_s": {"median": seen[LOOKS // 2], "most": seen[-1]}, "connect_to_first_sample_s": found}


def _seen_s() -> float:
    there: list[Port] = []
    nothing = Eyes()
    listed = DeviceList(Eyes(lambda: list(there), nothing.drives, lambda: (), lambda s: (), nothing.ear, lambda: ()))
    listed.start()
    try:
        time.sleep(0.3)
        there.append(_PORT)
        began_s = time.monotonic()
        while not listed.devices():
            _limit(began_s, "the list of devices")
        return round(time.monotonic() - began_s, 3)
    finally:
        listed.stop()


def _first_sample_s(url: str) -> float:
    began_s = time.monotonic()
    connection = Connection(url)
    try:
        while not any(ring.end for ring in connection.rings.values()):
            if connection.error is not None:
                raise connection.error
            _limit(began_s, url)
        return round(time.monotonic() - began_s, 2)
    finally:
        connection.close()


def _limit(began_s: float, thing: str) -> None:
    if time.monotonic() - began_s > PATIENCE_S:
        raise StudioError(thing, f"took longer than {PATIENCE_S:g} s", "Report this fault.")
    time.sleep(0.005)
