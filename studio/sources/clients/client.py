"""What every client offers: the host's end of one protocol, bytes in and bytes out, without a link or a clock.

A client never blocks and never raises for what a device sends: damage is counted in `bad`, and memory is bounded by
`LIMIT` whatever comes. So one loop drives all of them, live (`interpreter`), in the tests and under a fuzzer.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from studio.data.stream import Chunk, Stream
from studio.errors import InputError
from studio.sources.clients.option import Option, Value, chosen, declared

#: Bytes that a client keeps at most while it waits for the rest of a message.
LIMIT = 1 << 20
LOG_LINES = 200


class Loss(StrEnum):
    """What a protocol lets its listener know about samples that never came."""

    EXACT = "exact"  # how many, and where
    COUNT = "count"  # how many, but not where
    NOTHING = "nothing"


class Client:
    """One protocol. A subclass is one file, and one line in `CLIENTS`.

    `loss` says what the protocol knows of lost samples, `checked` whether a checksum tells damaged ones. `bauds` are
    the usual speeds; `probe` is what makes a device of this protocol show itself ("" when it does so unasked).
    `piece` is (bytes at a time, seconds between), for devices that lose what comes faster.

    `given` are the options of the URL. What the device itself lets one choose a client puts into `choices`; `options`
    is the same as a frozen dataclass of `studio.params` fields with the present values, from which a form is drawn
    (`Form(client.options, "device")`), and `setting(name, value)` gives what to put into the URL. An option is set by
    asking the device anew, with the URL's options changed: `Connection.set_option` in `app` does that.
    """

    name = ""
    title = ""
    loss = Loss.NOTHING
    checked = False
    bauds: tuple[int, ...] = (115200,)
    probe = b""
    piece: tuple[int, float] | None = None

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        self.given = dict(options or {})
        self.streams: tuple[Stream, ...] = ()
        self.choices: tuple[Option, ...] = ()
        self.board, self.firmware = self.title, ""
        self.packets = self.bad = 0
        self.dropped: dict[str, int] = {}
        self.log: list[str] = []
        self.error: tuple[str, str] | None = None
        self.out = bytearray()
        self.rest = b""

    @property
    def options(self) -> Any:
        """What the device lets one choose, declared as `studio.params` does; None when there is nothing."""
        return declared(self.choices)

    def setting(self, name: str, value: Value) -> tuple[str, str]:
        """The URL's option, and its text, that sets field `name` of `options`. InputError or ParamError otherwise."""
        return chosen(self.choices, name, value)

    @classmethod
    def detect(cls, seen: bytes, answers: bytes) -> float:
        """How sure the bytes are of this protocol, 0 to 1: `seen` before anybody asked, `answers` to the probes."""
        return 0.0

    @property
    def ready(self) -> bool:
        """True when the streams are known."""
        return bool(self.streams)

    def begin(self) -> None:
        """Ask for what must be known before samples can come."""
        self.out += self.probe

    def feed(self, data: bytes, host_ns: int) -> list[Chunk]:
        """The samples that these bytes complete; `start` counts from the device's own count where it has one."""
        raise NotImplementedError

    def tick(self, now_s: float) -> None:
        """Called ten times a second or more: heartbeats, questions asked again."""

    def start(self, names: tuple[str, ...]) -> None:
        """Let the streams of these names flow, () all."""

    def stop(self) -> None:
        """Let nothing flow."""

    def take(self) -> bytes:
        """What is to be sent to the device now."""
        found = bytes(self.out)
        self.out.clear()
        return found

    def say(self, text: str) -> None:
        """Keep a line that the device printed."""
        self.log.append(text[:200])
        del self.log[:-LOG_LINES]

    def wanted(self, names: tuple[str, ...]) -> tuple[Stream, ...]:
        """The streams of these names, () all."""
        return tuple(s for s in self.streams if not names or s.name in names)

    def number(self, name: str, default: float, low: float = 0.0) -> float:
        """An option of the URL that is a number above `low`; InputError otherwise."""
        text = self.given.get(name)
        try:
            value = default if text is None else float(text)
        except ValueError:
            value = float("nan")
        if text is not None and not low < value < 1e9:
            raise InputError(f"Option {name}={text!r}", "is not a number that fits", f"Give {name} above {low:g}.")
        return value


def lines_of(rest: bytes, data: bytes, limit: int) -> tuple[list[bytes], bytes, int]:
    """(whole lines without their end, what waits, how many overlong lines were given up)."""
    *lines, rest = (rest + data).split(b"\n")
    short = [line.rstrip(b"\r") for line in lines if len(line) <= limit]
    lost = len(lines) - len(short)
    return (short, rest, lost) if len(rest) <= limit else (short, b"", lost + 1)
