"""Acconeer's A121 exploration server: JSON lines, and behind a line with `payload_size` that many raw bytes.

A frame is (sweeps, points) of complex int16 and becomes one sample of sweeps x points x (re, im) channels. Frames bear
the sensor's clock; the sensor keeps its rate by that clock, so a leap of whole periods is a loss known to the frame.
One that runs freely has no such period, and then nothing is known.
"""

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from studio.data.stream import Chunk, Stream
from studio.sources.clients.client import LIMIT, Client, Loss
from studio.sources.clients.option import Option

MAX_LINE = 65536
MAX_POINTS = 4096
LEARN_FRAMES = 4
FAR_S = 10.0  # a leap further than the time that passed is a damaged clock
_WRONG = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
_CONFIG = {"start": 80.0, "points": 24.0, "step": 8.0, "profile": 3.0, "hwaas": 16.0, "sweeps": 16.0, "rate": 20.0}
_TITLES = {
    "start": "First point",
    "points": "Points",
    "step": "Step between points",
    "profile": "Pulse profile 1 to 5",
    "hwaas": "Averages per point",
    "sweeps": "Sweeps per frame",
    "rate": "Frames per second",
}
#: What the sensor takes; a step is a multiple or a divisor of 24, which it checks itself.
_RANGES = {
    "start": (-1000, 8000),
    "points": (1, 4095),
    "step": (1, 480),
    "profile": (1, 5),
    "hwaas": (1, 511),
    "sweeps": (1, 4095),
    "rate": (0.1, 2000.0),
}


def command(cmd: str, **more: Any) -> bytes:
    """One request line."""
    return json.dumps({"cmd": cmd, **more}, separators=(",", ":")).encode() + b"\n"


class Acconeer(Client):
    """Asks who is there, sets the sensor up, and streams frames as a radar stream."""

    name = "acconeer"
    title = "Acconeer A121"
    loss = Loss.EXACT
    bauds = (115200,)
    probe = b"\n" + command("get_system_info")

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._head: dict[str, Any] | None = None  # the line whose payload is still coming in
        self._ticks_per_s, self._told, self._period = 0, 0, 0.0
        self._held: list[tuple[int, bytes, int]] = []
        self._last: int | None = None  # unwrapped tick of the newest frame
        self._index = self._last_ns = 0
        self._hurt = False
        self._config = {k: self.number(k, v) for k, v in _CONFIG.items()}

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        maps = (_map(line) for line in (seen + answers)[-MAX_LINE:].split(b"\n") if b'"system_info"' in line)
        return 0.95 if any(m and "system_info" in m for m in maps) else 0.0

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        data, found = self.rest + data, []
        while data:
            if self._head is not None:
                size = self._head["payload_size"]
                if len(data) < size:
                    break
                body, data = data[:size], data[size:]
                head, self._head = self._head, None
                found += self._message(head, body, host_ns)
                continue
            line, newline, after = data.partition(b"\n")
            if not newline:
                break
            data = self._line(line, after, host_ns)
        self.rest = self._bounded(data)
        return found

    def _bounded(self, data: bytes) -> bytes:
        if self._head is not None or len(data) <= MAX_LINE:
            return data
        self.bad += 1
        return b""

    def _line(self, line: bytes, after: bytes, host_ns: int) -> bytes:
        """Take one line; what follows it. A damaged one is stepped over to the next that reads as JSON."""
        head = _map(line)
        start = line.rfind(b'{"')
        if head is None and start > 0:  # a payload whose line was lost stands before it
            head = _map(line[start:]) or next((m for i in _braces(line) if (m := _map(line[i:]))), None)
            self.bad += 1
        if head is None:
            self.bad += bool(line.strip())
        elif (size := head.get("payload_size")) and self.ready and size != 2 * len(self.streams[0].channels):
            self.bad += 1  # waiting for so many bytes would swallow the next frames
        elif size:
            self._head = head
        else:
            self._message(head, b"", host_ns)
        return after

    def _message(self, head: dict[str, Any], body: bytes, host_ns: int) -> list[Chunk]:
        self.packets += 1
        try:
            if head.get("status") in ("error", "log"):
                self.say(str(head.get("message", "")))
            elif "system_info" in head:
                self._introduced(head["system_info"])
            elif "metadata" in head:
                self._set_up(head)
            elif "result_info" in head and self.ready:
                return self._frame(int(head["result_info"][0][0]["tick"]), body, host_ns)
        except _WRONG:
            self.bad += 1
        return []

    def _introduced(self, info: dict[str, Any]) -> None:
        self.board = f"{self.title} {info.get('hw', '')}".strip()
        self.firmware = str(info.get("rss_version", ""))
        self._ticks_per_s = int(info["ticks_per_second"])
        self.choices = tuple(
            Option(k, _TITLES[k], v if k == "rate" else round(v), low=_RANGES[k][0], high=_RANGES[k][1])
            for k, v in self._config.items()
        )
        c = {k: round(v) for k, v in self._config.items()}
        subsweep = {"start_point": c["start"], "num_points": c["points"], "step_length": c["step"]}
        subsweep |= {"profile": c["profile"], "hwaas": c["hwaas"]}
        config = {"subsweeps": [subsweep], "sweeps_per_frame": c["sweeps"], "frame_rate": self._config["rate"]}
        self.out += command("setup", groups=[[{"sensor_id": 1, "config": config}]])

    def _set_up(self, head: dict[str, Any]) -> None:
        n, per_sweep = (
            int(head["metadata"][0][0]["frame_data_length"]),
            int(head["metadata"][0][0]["sweep_data_length"]),
        )
        self._told = int(head.get("tick_period") or 0)
        rate_hz = self._ticks_per_s / self._told if self._told else self._config["rate"]
        if not (0 < per_sweep <= n <= MAX_POINTS and n % per_sweep == 0 and 0 < rate_hz < 1e5):
            raise ValueError(head)
        names = tuple(f"s{i // per_sweep}p{i % per_sweep}{p}" for i in range(n) for p in ("re", "im"))
        if not self.ready:
            self.streams = (Stream("radar", rate_hz, names, "", "i16", 1.0, "radar"),)

    def _frame(self, tick: int, body: bytes, host_ns: int) -> list[Chunk]:
        """Frames wait until a few are there, since only they show the true period."""
        if len(body) != 2 * len(self.streams[0].channels) or not 0 <= tick < 2**32:
            raise ValueError("a frame of another size")
        self._held.append((tick, body, host_ns))
        if not self._period and len(self._held) <= LEARN_FRAMES:
            return []
        self._period = self._period or self._seen_period([t for t, _, _ in self._held])
        found = [chunk for held in self._held if (chunk := self._placed(*held))]
        self._held.clear()
        return found

    def _seen_period(self, ticks: list[int]) -> float:
        """Ticks from frame to frame: as told, unless the frames themselves deny it."""
        apart = [d for a, b in pairwise(ticks) if 0 < (d := (b - a) % 2**32) < 2**31]
        least = float(min(apart, default=self._told or 1))
        agreed = self._told and 0.8 < least / self._told < 1.25
        if not agreed:
            self.loss = Loss.NOTHING  # a sensor that runs freely has no period by which a leap could be counted
        return float(self._told) if agreed else least

    def _placed(self, tick: int, body: bytes, host_ns: int) -> Chunk | None:
        """The chunk at its index; None for a frame whose clock cannot be."""
        values = np.frombuffer(body, "<i2").reshape(1, -1)
        if self._last is not None:
            ahead = (tick - self._last + 2**31) % 2**32 - 2**31
            passed_s = (host_ns - self._last_ns) * 1e-9
            if abs(ahead) > (passed_s + FAR_S) * max(self._ticks_per_s, 1):
                self.bad += 1
                return None
            steps = round(ahead / self._period)
            self._last_ns = host_ns
            if steps > 0:
                self._index, self._last = self._index + steps, self._last + ahead
            index = self._index if steps > 0 else self._index + steps
            clock = self._last + (ahead if steps <= 0 else 0)
        else:
            self._last, self._last_ns = tick, host_ns
            clock = tick
            index = 0
        us = round(clock / self._ticks_per_s * 1e6) if self._ticks_per_s > 0 else 0
        return Chunk(self.streams[0], index & 0xFFFFFFFF, values, max(us, 0) + 1, host_ns)

    def start(self, names: tuple[str, ...]) -> None:
        self.out += command("start_streaming")

    def stop(self) -> None:
        self.out += command("stop_streaming")


def _braces(line: bytes) -> list[int]:
    """Where a JSON map may begin, a few places at most."""
    return [i for i in range(len(line)) if line.startswith(b'{"', i)][:8]


def _map(line: bytes) -> dict[str, Any] | None:
    """The JSON map in a line whose `payload_size`, if any, is one that can be."""
    if len(line) > MAX_LINE or b"{" not in line:
        return None
    try:
        found = json.loads(line)
        size = found.get("payload_size", 0)
    except (ValueError, AttributeError, RecursionError):
        return None
    return found if isinstance(size, int) and 0 <= size <= LIMIT else None
