"""Edge Impulse's AT firmware: it samples into its own memory for a set time, then hands over one signed CBOR file.

So samples come in batches. A file that came damaged is asked for again; one that stays damaged is lost, and its
length is known. Between two batches nothing is sampled: that pause is a gap, as long as this computer's clock says,
so the count of what is missing is known well and its place only to some milliseconds.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Generator, Mapping
from typing import Any

import cbor2
import numpy as np

from studio.data.stream import Chunk, Stream
from studio.sources.clients.client import LIMIT, Client, Loss
from studio.sources.clients.option import Option

PROMPT = b"> "
TRIES = 3
PATIENCE_S = 5.0
TRIAL_MS, BATCH_MS = 200, 2000
LONGEST_BATCH_S = 60.0
_SIGNATURE = re.compile(rb"signature\x78\x40([0-9a-f]{64})")
_SENSOR = re.compile(r"Name:\s*(.+?),\s*Max sample length:\s*(\d+)s?,\s*Frequencies:\s*\[(.*?)\]")


class ImpulseAt(Client):
    """One sensor at a time: the first, or `?sensor=`; `?rate=` is one of its frequencies, `?batch=` in seconds."""

    name = "edge-impulse-at"
    title = "Edge Impulse firmware"
    loss = Loss.COUNT
    checked = True
    probe = b"\rb\rAT+CONFIG?\r"
    piece = (5, 0.02)

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        super().__init__(options)
        self._script: Generator[bytes, bytes, None] = self._conversation()
        self._asked, self._asked_s, self._now_s, self._patience_s = b"", 0.0, 0.0, PATIENCE_S
        self._sensor, self._rate_hz, self._key = "", 0.0, ""
        self._wanted = False
        self._found: list[Chunk] = []
        self._began_ns = self._batch_ns = self._host_ns = 0
        self.batch_s = self.number("batch", BATCH_MS / 1000)

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        return 0.95 if b"===== Device info" in answers else 0.3 if answers.endswith(b"\n" + PROMPT) else 0.0

    def begin(self) -> None:
        self._script = self._conversation()
        self._ask(next(self._script))

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        self._host_ns = host_ns
        if b"Sampling..." in (self.rest[-20:] + data):
            self._batch_ns = host_ns
        self.rest = (self.rest + data)[-2 * LIMIT :]
        if self.rest.endswith(PROMPT) and self._asked:
            reply, self.rest = self.rest[: -len(PROMPT)], b""
            self._go_on(reply)
        found, self._found = self._found, []
        return found

    def _go_on(self, reply: bytes) -> None:
        try:
            self._ask(self._script.send(reply))
        except StopIteration:
            self._asked = b""

    def _ask(self, command: bytes) -> None:
        self._asked, self._asked_s = command, self._now_s
        self.out += command

    def tick(self, now_s: float) -> None:
        self._now_s = now_s
        if self._asked and now_s - (self._asked_s or now_s) > self._patience_s:
            self.rest, self.bad = b"", self.bad + 1
            self._ask(self._asked)  # every command here may be given twice
        self._asked_s = self._asked_s or now_s

    def _conversation(self) -> Generator[bytes, bytes, None]:
        """Commands out, replies in: wake, look around, one short batch for the names, then batches while wanted."""
        yield b"b\r"
        while not self._configured((yield b"AT+CONFIG?\r")):
            pass
        while not self.ready:
            yield from self._batch(TRIAL_MS)
        while True:
            if not self._wanted:
                yield b"\r"
                continue
            yield from self._batch(round(self.batch_s * 1000))

    def _configured(self, reply: bytes) -> bool:
        text = reply.decode("utf-8", "replace")
        sensors = _SENSOR.findall(text)
        chosen = next((s for s in sensors if s[0] == self.given.get("sensor", s[0])), None)
        rates = [float(r) for r in re.findall(r"(\d+\.?\d{0,6})Hz", chosen[2])] if chosen else []
        if chosen is None or not rates or max(rates) <= 0:
            return False
        asked_hz = self.number("rate", 0.0)
        self._sensor, self._rate_hz = chosen[0], asked_hz if asked_hz in rates else max(rates)
        if key := re.search(r"HMAC key:\s*(\S+)", text):
            self._key = key[1]
        if board := re.search(r"Type:\s*(\S.*)", text):
            self.board = board[1].strip()[:80]
        names, rate_names = tuple(s[0] for s in sensors), tuple(f"{r:g}" for r in rates)
        rate = Option("rate", "Sampling rate", f"{self._rate_hz:g}", rate_names, "Hz")
        batch = Option("batch", "Seconds in one batch", float(self.batch_s), unit="s", low=0.2, high=LONGEST_BATCH_S)
        self.choices = (Option("sensor", "Sensor", self._sensor, names), rate, batch)
        return True

    def _batch(self, length_ms: int) -> Generator[bytes, bytes, None]:
        interval_ms = 1000 / self._rate_hz
        self._patience_s = PATIENCE_S
        yield f"AT+SAMPLESETTINGS=studio,{interval_ms:.6g},{length_ms}\r".encode()
        self._patience_s = PATIENCE_S + length_ms / 1000
        done = yield f"AT+SAMPLESTART={self._sensor}\r".encode()
        used = re.search(rb"to=(\d{1,7})\b", done)
        n_bytes = int(used[1]) if used else 0
        self._patience_s = PATIENCE_S + n_bytes / 5000
        for _ in range(TRIES if 0 < n_bytes <= LIMIT else 0):
            file = _decoded((yield f"AT+READBUFFER=0,{n_bytes},n\r".encode()), n_bytes)
            if file is not None and self._signed(file) and self._take_file(file):
                return
            self.bad += 1

    def _signed(self, file: bytes) -> bool:
        """False when the file's signature denies it; True for a file that bears none."""
        found = _SIGNATURE.search(file[:400])
        if found is None or b"HS256" not in file[:200] or not self._key:
            return b"HS256" not in file[:200] or not self._key
        zeroed = file[: found.start(1)] + b"0" * 64 + file[found.end(1) :]
        return hmac.compare_digest(hmac.new(self._key.encode(), zeroed, hashlib.sha256).hexdigest().encode(), found[1])

    def _take_file(self, file: bytes) -> bool:
        try:
            payload: dict[str, Any] = cbor2.loads(file)["payload"]
            names = tuple(str(s["name"]) for s in payload["sensors"])
            values = np.array(payload["values"], np.float64).reshape(-1, len(names))
            interval_ms, unit = float(payload["interval_ms"]), str(payload["sensors"][0]["units"])
            if not (0 < len(names) <= 64 and 0 < interval_ms < 1e6 and len(set(names)) == len(names)):
                return False
        except Exception:  # bytes from outside: whatever the libraries make of them
            return False
        self.packets += 1
        if not self.ready:
            kind = "microphone" if unit == "wav" else "accelerometer" if names[0].startswith("acc") else "sensor"
            self.streams = (Stream(kind, 1000 / interval_ms, names, unit, "f32", 1.0, kind),)
        elif names == self.streams[0].channels and len(values) and self._wanted:
            with np.errstate(over="ignore"):
                self._found.append(self._placed(values.astype("<f4")))
        return True

    def _placed(self, values: np.ndarray[Any, Any]) -> Chunk:
        """A batch at the time when the device said that it samples."""
        began_ns = self._batch_ns or self._host_ns
        self._began_ns = self._began_ns or began_ns
        index = round((began_ns - self._began_ns) * 1e-9 * self.streams[0].rate_hz)
        return Chunk(self.streams[0], max(index, 0), values, 0, self._host_ns)

    def start(self, names: tuple[str, ...]) -> None:
        self._wanted, self._began_ns = True, 0

    def stop(self) -> None:
        self._wanted = False


def _decoded(reply: bytes, n_bytes: int) -> bytes | None:
    """The file in a reply of base64 lines, None unless it is whole."""
    lines = [line.strip() for line in reply.splitlines()]
    text = b"".join(line for line in lines if line and not line.startswith((b"AT+", b"OK")))
    try:
        found = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return found if len(found) == n_bytes else None
