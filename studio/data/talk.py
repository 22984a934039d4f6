"""Ask a board and get its answer.

One thread may pump (the acquisition) while others ask: whoever finds nobody pumping reads the link itself, and
keeps what is not its own for the next `pump`. So a script without threads and the live window use the same class.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from studio.data.link import Link
from studio.data.stream import Array
from studio.data.wire import (
    Decoder,
    Hello,
    Packet,
    Status,
    Type,
    Verb,
    encode,
    pack,
    packet_of,
    parse_hello,
    unpack,
)
from studio.errors import LinkError, ProtocolError

#: Verbs that do the same when they are done twice, so that a lost answer may be asked for again.
HARMLESS = frozenset({Verb.STOP, Verb.SET, Verb.STATS, Verb.PING, Verb.CLEAR, Verb.ERASE, Verb.CHECK})
TRIES = 3
#: INJECT packets that may wait for their answer: the board has room for no more.
OUTSTANDING = 2

_NEXT_STEPS = {
    Status.UNKNOWN_VERB: "Flash the board with this studio's firmware, then try again.",
    Status.ADDRESS_NOT_ALLOWED: "Build the image for this board again; it does not fit where it was sent.",
    Status.IMAGE_BAD: "Flash the image again.",
    Status.IMAGE_FOR_ANOTHER_BOARD: "Build the image for this board, then flash it again.",
    Status.FLASH_DID_NOT_TAKE: "Flash again; when it fails twice at the same place, the flash memory is worn out.",
    Status.BUSY: "Wait a moment, then try again.",
}
_SAMPLES = int(Type.SAMPLES)  # comparing with the enum would cost more than the comparison
_OTHER_VERSION = "Update the firmware or the studio, so that both are of one version."


class Refused(ProtocolError):
    """The board understood a request and declined it, with its reason in `status`."""

    def __init__(self, thing: str, seen: str, next_step: str, status: int = Status.BAD_ARGUMENTS) -> None:
        super().__init__(thing, seen, next_step)
        self.status = status

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return type(self), (self.thing, self.seen, self.next_step, self.status)


class Talk:
    """A conversation over `link`. `log` holds the newest lines of text that the board printed.

    Every method raises LinkError when the link breaks.
    """

    def __init__(self, link: Link) -> None:
        self.link, self.decoder = link, Decoder()
        self.log: deque[str] = deque(maxlen=1000)
        self.board: Hello | None = None
        self._backlog: deque[bytes] = deque(maxlen=65536)
        self._answers: dict[int, dict[int, Any] | None] = {}
        self._greeting, self._hello = False, b""
        self._number = 0
        self._broken: Exception | None = None
        self._reading, self._writing, self._news = threading.Lock(), threading.Lock(), threading.Condition()

    def send(self, packet: Packet) -> None:
        """Write one packet."""
        self._write(encode(packet))

    def pump(self) -> list[Packet]:
        """What came, except answers that somebody waits for. Reads the link once when nothing is left over."""
        return [packet_of(body) for body in self.bodies()]

    def bodies(self) -> list[bytes]:
        """What `pump` gives, as the decoder's bodies: for who reads fast."""
        with self._reading:
            if not self._backlog:
                self._read()
            found = list(self._backlog)
            self._backlog.clear()
            return found

    def hello(self, timeout_s: float = 3.0) -> Hello:
        """Who is there. LinkError when nobody answers, ProtocolError when it speaks another protocol version."""
        self._greeting = True
        deadline = time.monotonic() + timeout_s
        while self._greeting and time.monotonic() < deadline:
            self._write(b"\0" + encode(Packet(Type.HELLO)))
            self._await(lambda: not self._greeting, min(time.monotonic() + 0.5, deadline))
        if self._greeting:
            self._greeting = False
            raise self._silent(timeout_s)
        self.board = parse_hello(self._hello)
        return self.board

    def request(
        self, verb: int, args: dict[int, Any] | None = None, timeout_s: float = 1.0, tries: int | None = None
    ) -> Any:
        """The result of a command, arguments from key 1 on. Refused when the board declines.

        A harmless verb is asked up to three times, `timeout_s` each, under one number, so a late answer counts too.
        """
        number = self._next_number()
        packet = Packet(Type.COMMAND, seq=number, payload=pack({0: int(verb), **(args or {})}))
        tries = tries or (TRIES if verb in HARMLESS else 1)
        for _ in range(tries):
            self.send(packet)
            if self._await(lambda: self._answers[number] is not None, time.monotonic() + timeout_s):
                return self._result(number, _verb_name(verb))
        del self._answers[number]
        seen = f"no answer to {_verb_name(verb)} in {tries * timeout_s:g} s"
        raise LinkError(self.link.url, seen, "Check the cable, restart the board, then connect again.")

    def inject(self, channel: int, rows: Array, timeout_s: float = 5.0) -> None:
        """Rows (n, n_channels) of the stream's own type into the board's sensor input; returns once all are taken."""
        limit = self.board.max_payload if self.board else 1024
        step = max(1, limit // max(1, rows.itemsize * rows.shape[1]))
        waiting: deque[int] = deque()
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            waiting.append(self._next_number())
            self.send(Packet(Type.INJECT, channel, len(part), waiting[-1], 0, part.tobytes()))
            if len(waiting) >= OUTSTANDING:
                self._taken(waiting.popleft(), timeout_s)
        while waiting:
            self._taken(waiting.popleft(), timeout_s)

    def close(self) -> None:
        """Close the link."""
        self.link.close()

    def _taken(self, number: int, timeout_s: float) -> None:
        if not self._await(lambda: self._answers[number] is not None, time.monotonic() + timeout_s):
            del self._answers[number]
            seen = f"injected samples were not taken in {timeout_s:g} s"
            raise LinkError(self.link.url, seen, "Restart the board, then connect again.")
        self._result(number, "INJECT")

    def _next_number(self) -> int:
        with self._news:
            self._number += 1
            self._answers[self._number] = None
            return self._number

    def _result(self, number: int, what: str) -> Any:
        answer = self._answers.pop(number) or {}
        status: Any = answer.get(0)
        if status == Status.OK:
            return answer.get(2)
        reason = str(answer.get(1) or "") or _status_name(status)
        known = Status(status) if status in Status._value2member_map_ else Status.BAD_ARGUMENTS
        raise Refused(self._name(), f"refused {what}: {reason}", _NEXT_STEPS.get(known, _OTHER_VERSION), known)

    def _await(self, ready: Callable[[], bool], deadline: float) -> bool:
        """True as soon as `ready`; reads the link itself unless another thread does."""
        while not ready() and (left := deadline - time.monotonic()) > 0:
            if self._broken is not None:
                raise self._broken
            if not self._reading.acquire(blocking=False):
                with self._news:
                    self._news.wait_for(ready, min(left, 0.05))
                continue
            try:
                self._read()
            finally:
                self._reading.release()
        return ready()

    def _read(self) -> None:
        try:
            bodies = self.decoder.bodies(self.link.read())
        except Exception as e:
            self._broken = e
            raise
        if self.decoder.text:
            self.log.extend(self.decoder.text)
            self.decoder.text.clear()
        for body in bodies:
            if body[0] == _SAMPLES:
                self._backlog.append(body)
            else:
                self._sort(body)

    def _sort(self, body: bytes) -> None:
        """An answer to who asked, everything else to who pumps."""
        packet = packet_of(body)
        if packet.type == Type.REPLY:
            with self._news:
                if packet.seq in self._answers:  # otherwise it answers a question that was given up
                    self._answers[packet.seq] = _answer(packet)
                self._news.notify_all()
            return
        if packet.type == Type.HELLO and packet.payload and self._greeting:
            with self._news:
                self._greeting, self._hello = False, packet.payload
                self._news.notify_all()
            return
        if packet.type == Type.LOG:
            self.log.append(packet.payload.decode("utf-8", "replace"))
        self._backlog.append(body)

    def _write(self, data: bytes) -> None:
        with self._writing:
            self.link.write(data)

    def _silent(self, timeout_s: float) -> LinkError:
        heard = self.decoder.bytes
        if not heard:
            seen = f"it is open, but nothing answered for {timeout_s:g} s"
            return LinkError(self.link.url, seen, "Restart the board, or flash the studio's firmware on it.")
        said = f"; it prints {self.log[-1][:60]!r}" if self.log else ""
        seen = f"it sent {heard} bytes in {timeout_s:g} s, but none that the studio understands{said}"
        return LinkError(self.link.url, seen, "Check the baud rate, or flash the studio's firmware on the board.")

    def _name(self) -> str:
        return f"Board {self.board.board!r} at {self.link.url}" if self.board else self.link.url


def _answer(packet: Packet) -> dict[int, Any]:
    try:
        return unpack(packet.payload)
    except ProtocolError as e:
        return {0: None, 1: f"an answer that cannot be read ({e.seen})"}


def _verb_name(verb: int) -> str:
    return Verb(verb).name if verb in Verb._value2member_map_ else f"verb {verb}"


def _status_name(status: Any) -> str:
    return Status(status).name.lower().replace("_", " ") if status in Status._value2member_map_ else f"status {status}"
