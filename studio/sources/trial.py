"""Every protocol against every fault, in simulated time: does the client's account of loss agree with the truth?

Each sample bears its own index in its values, so what arrives can be compared with where the account puts it. A client
passes when the account is exact, count and place, or when it says beforehand that its protocol cannot know.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from studio.data.stream import Array, Stream
from studio.data.wire import Type, Verb, packet_of
from studio.errors import InputError, LinkError, ProtocolError
from studio.sources.acquire import Count
from studio.sources.clients import CLIENTS
from studio.sources.clients.client import Client, Loss
from studio.sources.devices import DEVICES
from studio.sources.devices.acconeer import radar_stream
from studio.sources.devices.device import Device, DeviceLink
from studio.sources.fault import FaultLink
from studio.sources.interpreter import Interpreter

SECONDS = 20.0
STEP_S = 0.01
FAULTS = {
    "none": "",
    "drop": "drop:0.05",
    "duplicate": "duplicate:0.05",
    "reorder": "reorder:0.05",
    "flip": "flip:0.05",
    "wrong baud": "baud:57600",
    "drift": "drift:200",
    "jitter": "jitter:60",
    "rate": "rate:1.6",
    "cut": "cut:7.01",
    "flood": "flood:100",
}
_BY_DEVICE = ("rate", "drift")
_STREAM = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
_RADAR = radar_stream(2, 2, 20.0)
RAW_OPTIONS = {"layout": "3h", "rate": "100"}


@dataclass
class Outcome:
    """What became of one trial. `missing` is the truth, `told` the account; both are counts of samples."""

    protocol: str
    fault: str
    loss: Loss
    received: int = 0
    missing: int = 0
    told: int = 0
    bad: int = 0
    misplaced: int = 0
    damaged: int = 0
    exact: bool = False
    error: str = ""
    struck: int = 0
    noisy: bool = True
    gaps: list[tuple[int, int]] = field(default_factory=list)

    @property
    def can_know(self) -> bool:
        """What the client says beforehand of this fault."""
        client = CLIENTS[self.protocol]
        return client.loss == Loss.EXACT and (self.fault != "flip" or client.checked)

    @property
    def passed(self) -> bool:
        """True when the account is right, or when the client said that it cannot be."""
        return self.exact or not self.can_know or self.refused

    @property
    def refused(self) -> bool:
        """True when the client understood nothing, said so, and made up nothing."""
        return not self.received and bool(self.error)

    @property
    def text(self) -> str:
        """One cell of the table."""
        if self.refused:
            return "refused, no sample invented"
        if self.fault == "flood" and not self.noisy:
            return "no such message"
        if self.exact:
            return f"exact {self.told}" if self.missing else "exact 0"
        if self.loss == Loss.COUNT and not self.damaged:
            return f"count {self.told}, place by this computer's clock"
        if not self.can_know:
            seen = f"{self.missing} lost, {self.damaged} damaged, {self.misplaced} misplaced"
            return f"cannot know ({seen}; told {self.told})"
        return f"WRONG: {self.missing} lost, told {self.told}, {self.misplaced} misplaced"


class Clock:
    """Simulated time; whoever reads the link lets it pass."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def seconds(self) -> float:
        """Now."""
        return self.now_s

    def ns(self) -> int:
        """Now, in nanoseconds."""
        return round(self.now_s * 1e9)


class Passing:
    """A link on which each read takes a hundredth of a second."""

    def __init__(self, link: FaultLink, clock: Clock) -> None:
        self.url, self._link, self._clock = link.url, link, clock
        self.close, self.write, self.set_baud = link.close, link.write, link.set_baud

    url: str
    close: Callable[[], None]
    write: Callable[[bytes], None]

    def read(self) -> bytes:
        """What came meanwhile."""
        self._clock.now_s += STEP_S
        return self._link.read()


def trial(protocol: str, fault: str, seed: int = 0, seconds: float = SECONDS) -> Outcome:
    """One protocol with one of FAULTS, from HELLO to the account of loss."""
    clock, faults = Clock(), FAULTS[fault]
    if protocol == "edge-impulse-at":
        faults = faults.replace("0.05", "0.3")  # it sends a few large files
    device = _device(protocol, faults)
    link = FaultLink(DeviceLink(f"trial:{protocol}", device, 1.0, clock.seconds), "", clock.seconds)
    client = CLIENTS[protocol](RAW_OPTIONS if protocol == "raw" else {})
    client.piece = None  # simulated devices take any number of bytes
    outcome = Outcome(protocol, fault, client.loss, noisy=bool(device.noise))
    armed = f"{faults},seed:{seed}" if faults.partition(":")[0] not in _BY_DEVICE else ""
    if fault == "wrong baud":
        link.arm(armed)
    talk = Interpreter(Passing(link, clock), client, None, clock.ns)
    try:
        _listen(talk, lambda: link.arm(armed), clock, seconds, outcome)
    except (LinkError, ProtocolError) as e:
        outcome.error = e.seen
    outcome.bad, outcome.struck = client.bad, len(link.truth)
    return outcome


def _listen(talk: Interpreter, arm: Callable[[], None], clock: Clock, seconds: float, outcome: Outcome) -> None:
    talk.hello()
    talk.request(Verb.START)
    arm()
    stream = talk.client.streams[0]
    count, came = Count(stream), dict[int, Array]()
    end_s = clock.now_s + seconds
    try:
        while clock.now_s < end_s:
            for body in talk.bodies():
                packet = packet_of(body)
                if packet.type == Type.SAMPLES:
                    start, known = count.place(packet.seq, packet.count, packet.t_us)
                    rows = np.frombuffer(packet.payload, stream.numpy_dtype).reshape(packet.count, -1)
                    came.update(zip(range(start + known, start + packet.count), rows[known:], strict=True))
    finally:
        _judge(outcome, count, came, talk.client)


def _judge(outcome: Outcome, count: Count, came: dict[int, Array], client: Client) -> None:
    """Compare the account with what the samples say of themselves."""
    true = {i: _index_in(row, client) for i, row in came.items()}
    whole = {i: t for i, t in true.items() if t is not None}
    base = next(iter(whole.values())) - next(iter(whole)) if whole else 0
    outcome.received, outcome.gaps = len(came), list(count.gaps)
    outcome.damaged = len(came) - len(whole)
    outcome.misplaced = sum(t - i != base for i, t in whole.items())
    span = range(min(whole.values(), default=0), max(whole.values(), default=-1) + 1)
    missing = set(span) - set(whole.values())
    told = {i + base for first, n in count.gaps for i in range(first, first + n)}
    outcome.missing, outcome.told = len(missing), len(told)
    outcome.exact = missing == told and not outcome.misplaced and not outcome.damaged and bool(whole)


def _device(protocol: str, faults: str) -> Device:
    kind = DEVICES[protocol]
    name, _, value = faults.partition(":")
    bent = {"rate": {"rate": float(value)}, "drift": {"drift_ppm": float(value)}} if name in _BY_DEVICE else {}
    stream = _RADAR if protocol == "acconeer" else _STREAM
    return kind(stream, _rows(len(stream.channels)), **bent.get(name, {}))


def _rows(n_channels: int) -> Array:
    """Row i says i in its first channel, and a number that follows from it in each of the others."""
    i = np.arange(30_000)
    return np.stack([_mixed(i, c) for c in range(n_channels)], 1).astype("<i2")


def _mixed(i: Array, channel: int) -> Array:
    return np.asarray((np.asarray(i, np.int64) * (1 + 2 * channel) + 37 * channel) % 30_000)


def _index_in(row: Array, client: Client) -> int | None:
    """The index that a row bears; None when its values do not belong together."""
    raw = np.asarray(row, np.float64)
    if row.dtype.kind == "f":
        raw = raw / _STREAM.scale
        if not np.isfinite(raw).all():
            return None
        if client.name in ("edge-impulse", "numbers") and (np.abs(raw - np.round(raw)) > 0.3).any():
            return None
    raw = np.round(raw)
    expected = _mixed(np.full(len(raw), raw[0]), 0)
    right = [float(_mixed(expected[c], c)) == raw[c] for c in range(len(raw))]
    return int(raw[0]) if all(right) else None


def table(protocols: tuple[str, ...] = (), faults: tuple[str, ...] = ()) -> list[Outcome]:
    """All trials, protocol by protocol. InputError for a name that is neither."""
    unknown = [n for n in protocols if n not in CLIENTS] + [n for n in faults if n not in FAULTS]
    if unknown:
        raise InputError(f"{unknown[0]!r}", "is no protocol and no fault", f"Choose from {', '.join(CLIENTS)}.")
    return [trial(p, f) for p in protocols or CLIENTS for f in faults or FAULTS]
