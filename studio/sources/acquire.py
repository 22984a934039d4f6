"""The acquisition: one thread per device that reads it, accounts for every sample, and hands chunks to sinks.

A packet of samples says the index of its first sample, so a loss is known to the sample: what is missing before it
was lost. A packet from the past (a duplicate, or one overtaken on the way) is dropped and counted. When a device
starts to count anew, its samples go on behind the old ones, at the distance that its clock tells.

When the link was lost and found again, the account goes on: the device's own count or clock says how many samples are
missing, if one of them ran on meanwhile; else this computer's clock gives the distance, and the joint says so.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from typing import Any

import numpy as np

from studio.data.stream import Array, Chunk, Stream
from studio.data.talk import Talk
from studio.data.wire import BoardStats, Packet, Type, Verb, pack, packet_of, parse_stats, same_length
from studio.errors import LinkError, ProtocolError, StudioError

Sink = Callable[[Chunk], None]
#: A device that sends nothing for so long has stalled; slow streams get three packets' time.
WATCHDOG_S = 1.0
#: A packet may come this late and still be one of this count, in seconds of its stream.
LATE_S = 2.0
#: How far the device's clock may be from ours over a lost connection: so many seconds, and that share of the time.
APART_S, APART = 1.0, 0.01
#: The device's own rate is taken from its stamps once they span so many seconds.
SURE_S = 10.0
#: A jump ahead longer than this must agree with the device's clock.
LEAP_S = 60.0
#: So many packets in one read are taken as arrays: packet by packet would not keep up with 10 MB/s and more.
BURST = 64
_SAMPLES = int(Type.SAMPLES)


BY_COUNT, BY_CLOCK, BY_HOST = "device count", "device clock", "host clock"


@dataclass(frozen=True)
class Joint:
    """Where a lost connection was found again: `count` samples are missing before sample `index`.

    `by` says who tells: "device count", "device clock", or "host clock", which is only about right.
    """

    index: int
    count: int
    by: str

    @property
    def known(self) -> bool:
        """Whether the device itself tells what is missing."""
        return self.by != BY_HOST


@dataclass
class Meeting:
    """One for all streams of a device that was found again, so that they stay together: the new clock by the old."""

    shift_us: float | None = None


@dataclass
class Count:
    """The account of one stream. `end` is the index after the newest sample; `gaps` are (start, count)."""

    stream: Stream
    received: int = 0
    lost: int = 0
    late: int = 0
    restarts: int = 0
    end: int | None = None
    gaps: list[tuple[int, int]] = field(default_factory=list)
    joints: list[Joint] = field(default_factory=list)
    _came_ns: int = 0  # when the newest packet came
    _resumed: Meeting | None = None
    _ahead: int = 0  # our index minus the device's
    _first: tuple[int, int] = (0, 0)  # index and device clock of the first packet since the last start
    _last: tuple[int, int] = (0, 0)

    def resume(self, meeting: Meeting) -> None:
        """The link was lost and is found again: the next packet tells how much is missing."""
        self._resumed = meeting if self.end is not None else None

    def place(self, seq: int, n: int, t_us: int, now_ns: int = 0) -> tuple[int, int]:
        """(our index of the packet's first sample, how many of its samples to leave out); books them."""
        if self.end is None:
            self.end, self._first = seq, (seq, t_us)
        jump = (seq - (self.end - self._ahead) + 2**31) % 2**32 - 2**31  # the device counts in 32 bits
        if self._resumed is not None:
            jump = self._join(self._resumed, jump, seq, n, t_us, now_ns)
        elif self._counts_anew(jump, t_us):
            missing = max(0, round((t_us - self._last[1]) * 1e-6 * self.stream.rate_hz) - (self.end - self._last[0]))
            jump = missing if t_us > self._last[1] else 0
            self._ahead, self.restarts = self.end + jump - seq, self.restarts + 1
            self._first = self.end + jump, t_us
        start = self.end + jump
        known = min(max(-jump, 0), n)
        if known == n:
            self.late += n
            return start, n
        if jump > 0:
            self.lost += jump
            self.gaps.append((self.end, jump))
        self.late += known
        self.received += n - known
        self.end, self._last, self._came_ns = start + n, (start, t_us), now_ns
        return start, known

    def place_run(self, seq: int, n_each: int, t_us: Sequence[int], now_ns: int = 0) -> tuple[int, int]:
        """`place` for packets of `n_each` samples that follow one another without a hole."""
        n = n_each * len(t_us)
        start, known = self.place(seq, n, t_us[0], now_ns)
        if known < n:
            self._last = start + n - n_each, t_us[-1]
        return start, known

    def _join(self, meeting: Meeting, jump: int, seq: int, n: int, t_us: int, now_ns: int) -> int:
        """Samples missing since the connection was lost; books the joint, and from where the device counts now."""
        self._resumed, end = None, self.end or 0
        missing, by = self._across(jump, n, t_us, (now_ns - self._came_ns) * 1e-9)
        if by == BY_HOST and t_us and self._last[1]:
            missing = self._met(meeting, missing, t_us)
        self.joints.append(Joint(end + missing, missing, by))
        self._ahead, self.restarts = end + missing - seq, self.restarts + (by != BY_COUNT)
        if by == BY_HOST:
            self._first = end + missing, t_us
        return missing

    def _across(self, jump: int, n: int, t_us: int, passed_s: float) -> tuple[int, str]:
        """(samples missing, who says so). A count or clock that did not run on disagrees with the time that passed."""
        passed = round(passed_s * self.stream.rate_hz) - n  # a packet comes when its last sample is taken
        far = (APART_S + APART * passed_s) * self.stream.rate_hz + n
        if jump >= 0 and abs(jump - passed) <= far:
            return jump, BY_COUNT
        by_clock = round((t_us - self._last[1]) * 1e-6 * self._own_rate_hz) - ((self.end or 0) - self._last[0])
        if t_us and self._last[1] and by_clock >= 0 and abs(by_clock - passed) <= far:
            return by_clock, BY_CLOCK
        return max(passed, 0), BY_HOST

    def _met(self, meeting: Meeting, missing: int, t_us: int) -> int:
        """`missing`, where this is the device's first stream to come back; else what keeps it beside that one."""
        behind = (self.end or 0) - self._last[0]  # of the last stamp
        if meeting.shift_us is None:
            meeting.shift_us = self._last[1] + (behind + missing) / self._own_rate_hz * 1e6 - t_us
        return max(0, round((t_us + meeting.shift_us - self._last[1]) * 1e-6 * self._own_rate_hz) - behind)

    @property
    def _own_rate_hz(self) -> float:
        """Samples per second of the device's clock, once that is well known."""
        return self.measured_rate_hz if self._last[1] - self._first[1] > SURE_S * 1e6 else self.stream.rate_hz

    def _counts_anew(self, jump: int, t_us: int) -> bool:
        """A device that was started again counts from 0; its clock tells that from a late packet."""
        jump_s = jump / self.stream.rate_hz
        if jump_s < -LATE_S:
            return True
        if 0 <= jump_s <= LEAP_S or not t_us or not self._last[1]:
            return False
        since_last = (jump + (self.end or 0) - self._last[0]) / self.stream.rate_hz
        off_s = abs((t_us - self._last[1]) * 1e-6 - since_last)
        return off_s > 0.25 + 0.5 * abs(jump_s)

    @property
    def measured_rate_hz(self) -> float:
        """Samples per second of the device's clock; the stated rate until there are two packets."""
        samples, us = self._last[0] - self._first[0], self._last[1] - self._first[1]
        return samples / us * 1e6 if samples > 0 and us > 0 else self.stream.rate_hz


class Acquisition:
    """Reads `talk` on its own thread from `start` to `stop`; sinks run there too and must be quick.

    `before` is the acquisition of the same device until its link was lost: the account of each stream goes on. With
    `give_up_s`, a link that brings not one byte for so long counts as lost, whatever it says of itself.

    `state`: "idle", "streaming", "stalled" (no samples for longer than they should take), "lost" (see `error`),
    "stopped". A sink that raises a StudioError ends the acquisition with it.
    """

    def __init__(
        self,
        talk: Talk,
        sinks: Sequence[Sink],
        before: "Acquisition | None" = None,
        give_up_s: float = float("inf"),
    ) -> None:
        if talk.board is None:
            raise ProtocolError(talk.link.url, "has not said HELLO yet", "Ask `talk.hello()` first.")
        self.talk, self._sinks = talk, tuple(sinks)
        self.error: StudioError | None = None
        old = before.counts_by_name if before is not None else {}
        self.counts = {b.id: old.get(b.stream.name) or Count(b.stream) for b in talk.board.streams}
        meeting = Meeting()
        for count in self.counts.values():
            count.resume(meeting)
        self._before = before.link_counts if before is not None else (0, 0, 0)
        self.board_stats: BoardStats | None = None
        self.malformed = 0
        self._rows = {i: c.stream.numpy_dtype.itemsize * len(c.stream.channels) for i, c in self.counts.items()}
        frame_s = [b.samples_per_frame / b.stream.rate_hz for b in talk.board.streams]
        self._patience_s = max(WATCHDOG_S, 3 * min(frame_s, default=0.0))
        self._give_up_s = max(give_up_s, 5 * self._patience_s)
        self._news_s = self._probe_s = self._heard_s = 0.0
        self._heard = -1
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"acquire {talk.link.url}")

    def start(self) -> None:
        """Begin to read."""
        self._news_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End the thread; the link stays open."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def wait(self) -> None:
        """Until it ends by itself: see `error`."""
        self._thread.join()

    @property
    def state(self) -> str:
        """Where it stands."""
        if self.error is not None:
            return "lost"
        if not self._thread.is_alive():
            return "stopped" if self._stopping.is_set() else "idle"
        return "stalled" if time.monotonic() - self._news_s > self._patience_s else "streaming"

    @property
    def stats(self) -> dict[str, Any]:
        """Counts of the link, and of each stream by name; "waiting" bytes came and were not read yet, None: unknown."""
        dropped = self.board_stats.dropped if self.board_stats else {}
        packets, bad, n_bytes = self.link_counts
        return {
            "packets": packets,
            "bad_packets": bad,
            "bytes": n_bytes,
            "waiting": getattr(self.talk.link, "waiting", None),
            "streams": {c.stream.name: _told(c, dropped.get(i, 0)) for i, c in self.counts.items()},
        }

    @property
    def counts_by_name(self) -> dict[str, Count]:
        """The account of each stream."""
        return {count.stream.name: count for count in self.counts.values()}

    @property
    def link_counts(self) -> tuple[int, int, int]:
        """Packets, bad ones, and bytes, with those before the link was lost."""
        d, (packets, bad, n_bytes) = self.talk.decoder, self._before
        return packets + d.packets, bad + d.bad_packets + self.malformed, n_bytes + d.bytes

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                bodies = self.talk.bodies()
                self._take_all(bodies, time.monotonic_ns())
                self._watch()
        except StudioError as e:
            self.error = e
        except Exception as e:
            self.error = LinkError(self.talk.link.url, f"reading failed ({type(e).__name__}: {e})", "Connect again.")
            raise  # a bug: its traceback belongs on stderr

    def _take_all(self, bodies: list[bytes], now_ns: int) -> None:
        if len(bodies) < BURST:
            for body in bodies:
                self._take(packet_of(body), now_ns)
            return
        samples: dict[int, list[bytes]] = {}
        for body in bodies:
            if body[0] == _SAMPLES:
                samples.setdefault(body[1], []).append(body)
            else:
                self._take(packet_of(body), now_ns)
        for channel, of_channel in samples.items():
            for _, same in groupby(of_channel, len):
                self._burst(channel, list(same), now_ns)

    def _burst(self, channel: int, bodies: list[bytes], now_ns: int) -> None:
        """Packets of one channel and one length: each stretch without a hole becomes one chunk."""
        heads, payloads = same_length(bodies)
        n_each, row = int(heads["count"][0]), self._rows.get(channel, 0)
        if not n_each or payloads.shape[1] != n_each * row or (heads["count"] != n_each).any():
            for body in bodies:
                self._samples(packet_of(body), now_ns)
            return
        self._news_s = now_ns * 1e-9
        count, seq = self.counts[channel], heads["seq"]
        values = np.ascontiguousarray(payloads).view(count.stream.numpy_dtype).reshape(len(seq) * n_each, -1)
        holes = np.flatnonzero(np.diff(seq) != n_each) + 1
        for i, j in pairwise([0, *holes.tolist(), len(seq)]):
            t_us = heads["t_us"][i:j].tolist()
            start, known = count.place_run(int(seq[i]), n_each, t_us, now_ns)
            self._give(count.stream, start, known, values[i * n_each : j * n_each], t_us[0], now_ns)

    def _take(self, packet: Packet, now_ns: int) -> None:
        if packet.type == Type.SAMPLES:
            self._samples(packet, now_ns)
        elif packet.type == Type.STATS:
            try:
                self.board_stats = parse_stats(packet.payload)
            except ProtocolError:
                self.malformed += 1

    def _samples(self, packet: Packet, now_ns: int) -> None:
        count = self.counts.get(packet.channel)
        if count is None or not packet.count or len(packet.payload) != packet.count * self._rows[packet.channel]:
            self.malformed += 1
            return
        self._news_s = now_ns * 1e-9
        start, known = count.place(packet.seq, packet.count, packet.t_us, now_ns)
        values = np.frombuffer(packet.payload, count.stream.numpy_dtype).reshape(packet.count, -1)
        self._give(count.stream, start, known, values, packet.t_us, now_ns)

    def _give(self, stream: Stream, start: int, known: int, values: Array, t_us: int, now_ns: int) -> None:
        """To the sinks, without the `known` first rows."""
        if known == len(values):
            return
        t_us = t_us + round(known / stream.rate_hz * 1e6) if t_us else 0
        chunk = Chunk(stream, start + known, values[known:], t_us, now_ns)
        for sink in self._sinks:
            sink(chunk)

    def _watch(self) -> None:
        """A link may be dead without saying so: while stalled, a write every second finds out, or long silence."""
        now_s = time.monotonic()
        if self.talk.decoder.bytes != self._heard:
            self._heard, self._heard_s = self.talk.decoder.bytes, now_s
        if now_s - self._heard_s > self._give_up_s:
            seen = f"is still open, but nothing came for {self._give_up_s:g} s"
            raise LinkError(self.talk.link.url, seen, "Check the board, then connect again. What was recorded is kept.")
        if now_s - max(self._news_s, self._probe_s) > self._patience_s:
            self._probe_s = now_s
            self.talk.send(Packet(Type.COMMAND, payload=pack({0: int(Verb.PING)})))


def _told(count: Count, dropped_by_board: int) -> dict[str, Any]:
    return {
        "received": count.received,
        "lost": count.lost,
        "late": count.late,
        "restarts": count.restarts,
        "gaps": [list(gap) for gap in count.gaps],
        "joints": [{"index": j.index, "count": j.count, "by": j.by} for j in count.joints],
        "dropped_by_board": dropped_by_board,
        "measured_rate_hz": count.measured_rate_hz,
    }
