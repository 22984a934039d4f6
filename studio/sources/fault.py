"""A link that goes wrong on purpose, to see that nothing above minds: `?fault=drop:0.01,cut:5`.

drop, duplicate, reorder: share of the sample packets; flip: share of all frames that get one wrong bit;
drift: ppm of the device's clock; jitter: up to so many ms late; rate: the advertised rates times a factor;
flood: so many times the traffic; baud: the device's own speed, whatever the port is set to; cut: the link breaks
after so many seconds, in the middle of a frame; seed: another course of luck.

What a frame is depends on the protocol. Our own frames are found by their 0x00; a simulated device of another
protocol hands its frames over one by one, and sees to `rate` and `drift` itself.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from studio.data.link import Link
from studio.data.wire import Packet, Type, decode, encode, parse_hello
from studio.errors import InputError, LinkError, ProtocolError

_SHARES = ("drop", "duplicate", "reorder", "flip")
_NUMBERS = ("drift", "jitter", "rate", "flood", "baud", "cut", "seed")
USUAL_BAUD = 115200


@dataclass(frozen=True)
class Frame:
    """What a device sends in one go. `count` samples from index `first` are in it; `noise` floods its protocol.

    The last `tail` bytes mark the end and are never flipped.
    """

    data: bytes
    first: int = 0
    count: int = 0
    noise: bytes = b""
    tail: int = 0


class FaultLink:
    """`link` with faults; `counts` says how often each struck, and `truth` which samples, so that a test is exact."""

    def __init__(self, link: Link, faults: str, clock: Callable[[], float] | None = None) -> None:
        self.url, self._link = link.url, link
        self._faults = parse_faults(faults)
        self._clock = clock or (lambda: time.monotonic())
        self._luck = random.Random(int(self._faults.get("seed", 0)))
        self.counts: Counter[str] = Counter()
        self.truth: list[tuple[str, int, int]] = []
        own = OwnFrames(link, self._faults)
        self._frames: Callable[[], list[Frame]] = getattr(link, "frames", own.frames)
        self._held: Frame | None = None
        self._late: deque[tuple[float, bytes]] = deque()
        self._baud = USUAL_BAUD
        self._began_s = self._clock()
        self._last_words = False

    def arm(self, faults: str) -> None:
        """Other faults from now on."""
        self._faults.clear()  # the same dict, which the framing reads too
        self._faults.update(parse_faults(faults))
        self._began_s = self._clock()

    def read(self) -> bytes:
        """What the link gives, after the faults."""
        if self._is_over() and self._last_words:
            self._cut()
        frames = [out for frame in self._frames() for out in self._through(frame)]
        if self._is_over():
            self._last_words = True  # the next read finds the link cut
            return b"".join(frames[:-1]) + frames[-1][: len(frames[-1]) // 2] if frames else b""
        found = b"".join(frames)
        if "baud" in self._faults:
            found = misheard(found, round(self._faults["baud"]), self._baud)
        return self._delayed(found) if "jitter" in self._faults else found

    def write(self, data: bytes) -> None:
        """Straight through, unless both ends speak at different speeds."""
        if self._is_over():
            self._cut()
        same = self._faults.get("baud", self._baud) == self._baud
        self._link.write(data if same else misheard(data, self._baud, round(self._faults["baud"])))

    def close(self) -> None:
        """Close the link beneath."""
        self._link.close()

    def set_baud(self, baud: int) -> None:
        """Another speed of the port."""
        self._baud = baud
        if hasattr(self._link, "set_baud"):
            self._link.set_baud(baud)

    def _through(self, frame: Frame) -> list[bytes]:
        """The bytes that come out for one frame that went in."""
        frames = [frame] * self._times(frame)
        if self._held is not None and frames:
            frames, self._held = [*frames, self._held], None
        elif frame.count and frames and self._strikes("reorder", frame):
            self._held, frames = frames[0], frames[1:]
        out = [self._flipped(f) if self._strikes("flip", f) else f.data for f in frames]
        flood = int(self._faults.get("flood", 1)) - 1
        return out + [frame.noise] * max(flood, 0)

    def _times(self, frame: Frame) -> int:
        if not frame.count:
            return 1
        if self._strikes("drop", frame):
            return 0
        return 2 if self._strikes("duplicate", frame) else 1

    def _flipped(self, frame: Frame) -> bytes:
        damaged = bytearray(frame.data)
        damaged[self._luck.randrange(max(1, len(damaged) - frame.tail))] ^= 1 << self._luck.randrange(8)
        return bytes(damaged)

    def _strikes(self, fault: str, frame: Frame) -> bool:
        struck = fault in self._faults and self._luck.random() < self._faults[fault]
        if struck:
            self.counts[fault] += 1
            self.truth.append((fault, frame.first, frame.count))
        return struck

    def _delayed(self, found: bytes) -> bytes:
        now_s = self._clock()
        if found:
            earliest = self._late[-1][0] if self._late else 0.0
            self._late.append((max(now_s + self._luck.random() * self._faults["jitter"] * 1e-3, earliest), found))
        out = b""
        while self._late and self._late[0][0] <= now_s:
            out += self._late.popleft()[1]
        return out

    def _is_over(self) -> bool:
        return "cut" in self._faults and self._clock() - self._began_s >= self._faults["cut"]

    def _cut(self) -> None:
        seen = f"the link was cut after {self._faults['cut']:g} s, as fault=cut asks"
        raise LinkError(self.url, seen, "Connect again without the fault.")


class OwnFrames:
    """The frames of a link that speaks our own protocol, with the clock and the rates bent as the faults ask."""

    def __init__(self, link: Link, faults: dict[str, float]) -> None:
        self._link, self._faults, self._rest = link, faults, b""

    def frames(self) -> list[Frame]:
        """Every whole frame that came."""
        *frames, self._rest = (self._rest + self._link.read()).split(b"\0")
        return [self._frame(frame) for frame in frames]

    def _frame(self, frame: bytes) -> Frame:
        packet = decode(frame)
        if packet is None:
            return Frame(frame + b"\0", tail=1)
        samples = packet.count if packet.type == Type.SAMPLES else 0
        noise = encode(Packet(0x7E, payload=packet.payload))
        return Frame(self._changed(frame, packet) + b"\0", packet.seq, samples, noise, 1)

    def _changed(self, frame: bytes, packet: Packet) -> bytes:
        if "drift" in self._faults and packet.t_us:
            drifted = round(packet.t_us * (1 + self._faults["drift"] * 1e-6))
            return encode(replace(packet, t_us=drifted))[:-1]
        if "rate" in self._faults and packet.type == Type.HELLO and packet.payload:
            return encode(replace(packet, payload=self._misstated(packet.payload)))[:-1]
        return frame

    def _misstated(self, payload: bytes) -> bytes:
        try:
            hello = parse_hello(payload)
        except ProtocolError:
            return payload
        factor = self._faults["rate"]
        told = [replace(s, stream=replace(s.stream, rate_hz=s.stream.rate_hz * factor)) for s in hello.streams]
        return replace(hello, streams=tuple(told)).encode()


def misheard(data: bytes, sent_baud: int, heard_baud: int) -> bytes:
    """What a UART at `heard_baud` makes of bytes (8N1, back to back) sent at `sent_baud`."""
    if sent_baud == heard_baud or not data:
        return data
    line = "".join("0" + f"{byte:08b}"[::-1] + "1" for byte in data) + "1" * 20
    ratio, at, found = sent_baud / heard_baud, 0.0, bytearray()
    while (start := line.find("0", int(at))) >= 0:
        bits = [line[min(int(start + (i + 0.5) * ratio), len(line) - 1)] for i in range(10)]
        if bits[0] == "1":  # too short for a start bit
            at = start + 1
            continue
        found.append(int("".join(bits[8:0:-1]), 2))
        at = max(start + 9.5 * ratio, start + 1)  # a wrong stop bit is taken for the end all the same
        if at >= len(line):
            break
    return bytes(found)


def parse_faults(text: str) -> dict[str, float]:
    """Faults by name; InputError for one that is unknown or has no fitting value."""
    found: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        name, _, value = item.partition(":")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = float("nan")
        good = 0 <= found[name] <= 1 if name in _SHARES else name in _NUMBERS and found[name] == found[name]
        good = good and (name != "baud" or 50 <= found[name] <= 1e8)
        if not good:
            known = ", ".join((*(f"{s}:P" for s in _SHARES), "drift:PPM", "jitter:MS", "rate:FACTOR", "cut:SECONDS"))
            seen = "is not one that the studio knows"
            raise InputError(f"Fault {item!r}", seen, f"Choose from {known}, flood:FACTOR, baud:RATE.")
    return found
