"""A link that goes wrong on purpose, to see that nothing above minds: `?fault=drop:0.01,cut:5`.

drop, duplicate, reorder: share of the sample packets; flip: share of all frames that get one wrong bit;
drift: ppm of the device's clock; jitter: up to so many ms late; rate: the advertised rates times a factor;
flood: so many times the traffic; cut: the link breaks after so many seconds; seed: another course of luck.
"""

import random
import time
from collections import Counter, deque
from dataclasses import replace

from studio.data.link import Link
from studio.data.wire import Packet, Type, decode, encode, parse_hello
from studio.errors import InputError, LinkError, ProtocolError

_SHARES = ("drop", "duplicate", "reorder", "flip")
_NUMBERS = ("drift", "jitter", "rate", "flood", "cut", "seed")


class FaultLink:
    """`link` with faults; `counts` says how often each struck, so that a test can be exact."""

    def __init__(self, link: Link, faults: str) -> None:
        self.url, self._link = link.url, link
        self._faults = parse_faults(faults)
        self._luck = random.Random(int(self._faults.get("seed", 0)))
        self.counts: Counter[str] = Counter()
        self._rest = b""
        self._held: bytes | None = None
        self._late: deque[tuple[float, bytes]] = deque()
        self._began_s = time.monotonic()

    def read(self) -> bytes:
        """What the link gives, after the faults."""
        self._maybe_cut()
        *frames, self._rest = (self._rest + self._link.read()).split(b"\0")
        found = b"".join(out + b"\0" for frame in frames for out in self._through(frame))
        return self._delayed(found) if "jitter" in self._faults else found

    def write(self, data: bytes) -> None:
        """Straight through."""
        self._maybe_cut()
        self._link.write(data)

    def close(self) -> None:
        """Close the link beneath."""
        self._link.close()

    def _through(self, frame: bytes) -> list[bytes]:
        """The frames that come out for one that went in, without their 0x00."""
        packet = decode(frame)
        if packet is None:
            return [frame]
        frames = [self._changed(frame, packet)] * self._times(packet)
        if self._held is not None and frames:
            frames, self._held = [*frames, self._held], None
        elif packet.type == Type.SAMPLES and frames and self._strikes("reorder"):
            self._held, frames = frames[0], frames[1:]
        flood = int(self._faults.get("flood", 1)) - 1
        frames += [encode(Packet(0x7E, payload=packet.payload))[:-1]] * max(flood, 0)
        return [self._flipped(f) if self._strikes("flip") else f for f in frames]

    def _times(self, packet: Packet) -> int:
        if packet.type != Type.SAMPLES:
            return 1
        if self._strikes("drop"):
            return 0
        return 2 if self._strikes("duplicate") else 1

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

    def _flipped(self, frame: bytes) -> bytes:
        damaged = bytearray(frame)
        damaged[self._luck.randrange(len(damaged))] ^= 1 << self._luck.randrange(8)
        return bytes(damaged)

    def _strikes(self, fault: str) -> bool:
        struck = fault in self._faults and self._luck.random() < self._faults[fault]
        self.counts[fault] += struck
        return struck

    def _delayed(self, found: bytes) -> bytes:
        now_s = time.monotonic()
        if found:
            earliest = self._late[-1][0] if self._late else 0.0
            self._late.append((max(now_s + self._luck.random() * self._faults["jitter"] * 1e-3, earliest), found))
        out = b""
        while self._late and self._late[0][0] <= now_s:
            out += self._late.popleft()[1]
        return out

    def _maybe_cut(self) -> None:
        if "cut" in self._faults and time.monotonic() - self._began_s >= self._faults["cut"]:
            seen = f"the link was cut after {self._faults['cut']:g} s, as fault=cut asks"
            raise LinkError(self.url, seen, "Connect again without the fault.")


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
        if not good:
            known = ", ".join((*(f"{s}:P" for s in _SHARES), "drift:PPM", "jitter:MS", "rate:FACTOR", "cut:SECONDS"))
            raise InputError(
                f"Fault {item!r}", "is not one that the studio knows", f"Choose from {known}, flood:FACTOR."
            )
    return found
