"""First light: what a board can tell about itself in a minute, as checks and as a report to paste into an issue.

Every figure is measured against this computer, so nothing is taken from the board on trust: its clock and its sensors'
rates are compared with ours, its echo with what was sent, its sensors' identity with what the firmware was built for.
"""

import platform
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import studio
from studio.data.stream import Array, Stream
from studio.data.talk import Refused, Talk
from studio.data.wire import FAULT, Hello, Packet, Type, Verb, parse_stats
from studio.errors import LinkError
from studio.firmware.board import boards
from studio.progress import Progress, Work

PINGS, PING_BYTES, PING_S = 40, 64, 1.0
#: What a board's clock (a quartz, or a trimmed oscillator) and a sensor's own may be off.
CLOCK_PPM, RATE_SHARE = 10_000.0, 0.05
STILL_G = (0.8, 1.2)
LEAST_S = 3.0
PARTS = {1: "is there", 2: "is another part", 3: "does not answer"}


@dataclass(frozen=True)
class Check:
    """One question to the board; `ok` None: could not be asked, or nothing to judge."""

    name: str
    ok: bool | None
    seen: str

    def line(self) -> str:
        """As a line of the report."""
        word = {True: "pass", False: "FAIL", None: "  - "}[self.ok]
        return f"[{word}] {self.name}: {self.seen}"


@dataclass
class Heard:
    """What one stream sent: rows, first and last arrival (host seconds), rows lost, withheld answers."""

    stream: Stream
    rows: list[Array] = field(default_factory=list)
    next: int = 0
    lost: int = 0
    marks: list[tuple[float, int]] = field(default_factory=list)

    def take(self, packet: Packet, now_s: float) -> None:
        """One packet of samples."""
        self.lost += max(packet.seq - self.next, 0)
        self.next = packet.seq + packet.count
        self.rows.append(np.frombuffer(packet.payload, self.stream.numpy_dtype).reshape(packet.count, -1))
        self.marks.append((now_s, self.next))

    def rate_hz(self) -> float:
        """Samples per second of this computer, from the first arrival to the last; 0 when too little came."""
        if len(self.marks) < 3:
            return 0.0
        (t0, n0), (t1, n1) = self.marks[0], self.marks[-1]
        return (n1 - n0) / (t1 - t0) if t1 > t0 else 0.0


def first_light(talk: Talk, seconds: float = 10.0, speed: float = 1.0) -> Work[dict[str, Any]]:
    """Ask the board everything; returns {"board", "passed", "failed", "checks", "report"}.

    `speed` is how much faster than true time a virtual board runs. Raises LinkError when nobody answers.
    """
    seconds = max(seconds, LEAST_S)
    yield Progress(0, seconds, "asking who is there")
    hello = talk.hello()
    checks = [_who(hello)]
    if hello.mode == "app":
        yield Progress(0, seconds, "asking its sensors")
        checks += _parts(talk, hello)
        yield Progress(0, seconds, "sending it things to echo")
        checks.append(_echo(talk))
        before = _clock(talk)
        heard = yield from _listen(talk, hello, seconds)
        checks.append(_clock_check(before, _clock(talk), speed))
        checks += [c for h in heard.values() for c in _stream_checks(h, speed)]
        checks += _own_account(talk)
    yield Progress(seconds, seconds, "done")
    failed = sum(c.ok is False for c in checks)
    told = [{"name": c.name, "ok": c.ok, "seen": c.seen} for c in checks]
    passed = sum(c.ok is True for c in checks)
    return {"board": hello.board, "passed": passed, "failed": failed, "checks": told, "report": report(hello, checks)}


def report(hello: Hello, checks: list[Check]) -> str:
    """Text for an issue: what was connected to what, and every check."""
    board = boards().get(hello.board)
    tried = "not known here" if board is None else "yes" if board.tried_on_hardware else "not yet"
    head = [
        f"First light of {hello.board}, Sensorsmith Studio {studio.__version__}, {platform.platform()}",
        f"firmware {hello.firmware}, build {hello.build_hash or '-'}, clock {hello.clock_hz / 1e6:g} MHz",
        f"tried on hardware before: {tried}",
    ]
    return "\n".join([*head, "", *(c.line() for c in checks), ""])


def _who(hello: Hello) -> Check:
    if hello.mode != "app":
        return Check("firmware", False, "the board waits in its boot loader: flash an image first")
    model = f"a model with {len(hello.model.classes)} classes" if hello.model else "no model"
    return Check("firmware", True, f"build {hello.build_hash[:12]}, {model}, {len(hello.sensors)} sensors")


def _parts(talk: Talk, hello: Hello) -> list[Check]:
    """Each sensor's own word of what it is."""
    try:
        found = talk.request(Verb.PARTS, {}, 3.0) or {}
    except Refused:
        return [Check("sensor parts", None, "this firmware cannot ask them")]
    checks = []
    for id, part in found.items():
        name = hello.channels[id].name if id in hello.channels else str(id)
        if part[0] == 0:
            checks.append(Check(f"part of {name}", None, "cannot be asked: played from a file, or says nothing"))
        else:
            seen = f"{PARTS.get(part[0], '?')} (says {part[1]:#04x}, should say {part[2]:#04x})"
            checks.append(Check(f"part of {name}", part[0] == 1, seen))
    return checks


def _echo(talk: Talk) -> Check:
    """Random bytes there and back."""
    took, wrong, silent = [], 0, 0
    for _ in range(PINGS):
        sent = secrets.token_bytes(PING_BYTES)
        started_s = time.perf_counter()
        try:
            wrong += talk.request(Verb.PING, {1: sent}, PING_S, 1) != sent
        except LinkError:
            silent += 1
            continue
        took.append(time.perf_counter() - started_s)
    if not took:
        return Check("echo", False, f"none of {PINGS} came back")
    seen = f"{len(took)} of {PINGS} came back, {wrong} wrong, median {1e3 * float(np.median(took)):.1f} ms, "
    return Check("echo", not wrong and not silent, f"{seen}worst {1e3 * max(took):.1f} ms")


def _clock(talk: Talk) -> tuple[float, float, float]:
    """(host seconds, board seconds, half of what the asking took): the quickest of several answers tells best."""
    found = []
    for _ in range(8):
        started_s = time.perf_counter()
        uptime_us = parse_stats(talk.request(Verb.STATS)).uptime_us
        took_s = time.perf_counter() - started_s
        found.append((started_s + took_s / 2, uptime_us * 1e-6, took_s / 2))
    return min(found, key=lambda f: f[2])


def _clock_check(before: tuple[float, float, float], after: tuple[float, float, float], speed: float) -> Check:
    passed_s, board_s = after[0] - before[0], (after[1] - before[1]) / speed
    ppm, known = 1e6 * (board_s / passed_s - 1), 1e6 * (before[2] + after[2]) / passed_s
    seen = f"{ppm:+.0f} ppm against this computer, known to ±{known:.0f} ppm"
    return Check("clock", abs(ppm) - known < CLOCK_PPM, seen)


def _listen(talk: Talk, hello: Hello, seconds: float) -> Work[dict[int, Heard]]:
    """All streams for `seconds` of this computer's time."""
    heard = {s.id: Heard(s.stream) for s in hello.streams}
    talk.request(Verb.START)
    started_s = time.perf_counter()
    while (now_s := time.perf_counter()) - started_s < seconds:
        for packet in talk.pump():
            if packet.type == Type.SAMPLES and packet.channel in heard:
                heard[packet.channel].take(packet, time.perf_counter())
        yield Progress(now_s - started_s, seconds, "listening to its sensors")
    talk.request(Verb.STOP, {}, 2.0)
    return heard


def _stream_checks(heard: Heard, speed: float) -> list[Check]:
    stream = heard.stream
    if stream.kind in ("scores", "decision"):
        return [_answers(heard)] if stream.kind == "decision" else []
    if not heard.rows:
        return [Check(f"stream {stream.name}", False, "nothing came")]
    rate_hz = heard.rate_hz() / speed
    off = rate_hz / stream.rate_hz - 1
    seen = f"{rate_hz:.2f} Hz measured here, {stream.rate_hz:g} Hz told ({100 * off:+.2f} %)"
    checks = [Check(f"rate of {stream.name}", abs(off) < RATE_SHARE, seen)]
    checks.append(Check(f"loss of {stream.name}", heard.lost == 0, f"{heard.lost} of {heard.next} samples lost"))
    return [*checks, _values(stream, np.concatenate(heard.rows))]


def _values(stream: Stream, rows: Array) -> Check:
    """Whether the sensor moves at all, and for an accelerometer in g whether it feels the Earth."""
    unit = stream.to_unit(rows)
    still = [c for c, channel in zip(stream.channels, rows.T, strict=True) if len(rows) > 20 and np.ptp(channel) == 0]
    means = ", ".join(f"{c} {m:+.3g}" for c, m in zip(stream.channels, unit.mean(axis=0), strict=True))
    seen = f"mean {means} {stream.unit}".rstrip()
    if still:
        return Check(f"values of {stream.name}", False, f"{', '.join(still)} never changes; {seen}")
    if stream.unit == "g" and len(stream.channels) == 3:
        g = float(np.linalg.norm(np.median(unit, axis=0)))
        ok = STILL_G[0] <= g <= STILL_G[1]
        return Check(f"values of {stream.name}", ok or None, f"{seen}; {g:.2f} g long (1 when it lies still)")
    return Check(f"values of {stream.name}", True, seen)


def _answers(heard: Heard) -> Check:
    withheld = sum(int((rows == FAULT).sum()) for rows in heard.rows)
    seen = f"{heard.next} answers, {withheld} withheld because the sensor is off its rate, {heard.lost} lost"
    return Check("answers of the model", heard.next > 0 and not withheld and not heard.lost, seen)


def _own_account(talk: Talk) -> list[Check]:
    stats = parse_stats(talk.request(Verb.STATS))
    frames = Check("frames at the board", stats.bad_frames == 0, f"{stats.bad_frames} damaged")
    stack = f"{stats.stack_bytes} bytes at most" if stats.stack_bytes else "not known to this board"
    return [frames, Check("stack", None, stack)]
