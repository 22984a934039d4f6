"""`bench ble`: what Bluetooth carries through bleak's own BlueZ backend, and how it comes back. No radio is used."""

import time
from collections.abc import Callable
from typing import Any

from studio.app.live import Connection
from studio.errors import StudioError
from studio.progress import Progress, Work
from studio.sources.air.air import BOARD, Air
from studio.sources.ports import ble_devices

#: Bytes a second in notifications; a frame of 14 rows of 8 channels fills one of 244 bytes.
LOADS = (100_000, 200_000, 400_000)
CHANNELS, ROWS, NOTIFICATION = 8, 14, 244
SECONDS, SETTLE_S, SCAN_S, PATIENCE_S = 10.0, 1.0, 1.0, 60.0


def ble() -> Work[dict[str, Any]]:
    """Bytes per second, losses, order and share of one core at each load; seconds to connect and to come back."""
    found: dict[str, Any] = {"radio": "none: a virtual one without air time", "loads": []}
    for i, load in enumerate(LOADS):
        yield Progress(i, len(LOADS) + 1, f"{load // 1000} kB/s")
        with Air("--rate", str(round(load / NOTIFICATION * ROWS)), "--channels", str(CHANNELS)) as air:
            found["loads"].append({"asked_kb_s": load / 1000} | _carried(air))
    yield Progress(len(LOADS), len(LOADS) + 1, "drop, reconnect, daemon death")
    with Air("--rate", "1000") as air:
        found |= _coming_back(air)
    return found


def _carried(air: Air) -> dict[str, Any]:
    wrong = Order()
    began_s = time.monotonic()
    connection = Connection(f"ble:{BOARD}").wait()
    try:
        first_s = _until(lambda: _received(connection) > 0) - began_s
        connection.add_sink(wrong)
        time.sleep(SETTLE_S)
        before, cpu_s, wall_s = connection.stats["bytes"], time.process_time(), time.monotonic()
        time.sleep(SECONDS)
        after, spent_s = connection.stats, time.monotonic() - wall_s
        cpu = (time.process_time() - cpu_s) / spent_s
    finally:
        connection.close()
    return {
        "kb_s": round((after["bytes"] - before) / spent_s / 1000, 1),
        "lost": sum(s["lost"] for s in after["streams"].values()),
        "out_of_order": wrong.rows,
        "bad_packets": after["bad_packets"],
        "notifications_nobody_took": air.sent()[1],
        "core_share": round(cpu, 3),
        "first_sample_s": round(first_s, 3),
    }


class Order:
    """A sink that counts rows that are not the next one: the board's first channel counts its samples."""

    def __init__(self) -> None:
        self.rows, self._next = 0, -1

    def __call__(self, chunk: Any) -> None:
        counted = chunk.values[:, 0].astype(int)
        start = self._next if self._next >= 0 else counted[0]
        expected = [(start + i) & 0x7FFF for i in range(len(counted))]
        self.rows += int((counted != expected).sum())
        self._next = (int(counted[-1]) + 1) & 0x7FFF


def _coming_back(air: Air) -> dict[str, Any]:
    began_s = time.monotonic()
    there = ble_devices(SCAN_S)
    connection = Connection(f"ble:{BOARD}", reconnect=True).wait()
    try:
        time.sleep(SETTLE_S)
        air.tell("drop")
        told = {"scan_found": len(there), "scan_and_open_s": round(time.monotonic() - began_s - SETTLE_S, 3)}
        told["drop_to_streaming_s"] = _again(connection)
        air.kill_daemon()
        dead_s = time.monotonic()
        told["daemon_death_seen_s"] = round(_until(lambda: connection.state == "reconnecting") - dead_s, 3)
        air.start()
        told["daemon_back_to_streaming_s"] = _again(connection)
        joints = connection.stats["streams"]["load"]["joints"]
    finally:
        connection.close()
    return told | {"losses_told_by": [joint["by"] for joint in joints]}


def _again(connection: Connection) -> float:
    """Seconds until new samples come after a loss."""
    began_s, n = time.monotonic(), _received(connection)
    _until(lambda: connection.state == "reconnecting" or connection.attempts > 0 or _received(connection) > n + 100)
    n = _received(connection)
    return round(_until(lambda: connection.state == "streaming" and _received(connection) > n) - began_s, 3)


def _received(connection: Connection) -> int:
    return sum(s["received"] for s in connection.stats["streams"].values())


def _until(ready: Callable[[], bool]) -> float:
    """The time when it is so; StudioError when it never is."""
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        if time.monotonic() > deadline:
            raise StudioError("Bluetooth in software", f"did not come back in {PATIENCE_S:g} s", "Report this fault.")
        time.sleep(0.002)
    return time.monotonic()
