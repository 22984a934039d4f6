"""Which protocol a device speaks, found out by listening and by asking, within five seconds and with no settings.

First everybody is silent but for our own HELLO, which nobody else minds. Then each client's probe in turn, the ones
that a stranger would take least amiss first. A port of unknown speed is tried at the usual ones.
"""

import time
from collections.abc import Callable, Iterator, Mapping

from studio.data.link import Link
from studio.data.talk import Talk
from studio.errors import InputError, LinkError, ProtocolError
from studio.sources.clients import CLIENTS
from studio.sources.clients.client import Client
from studio.sources.clients.own import Own
from studio.sources.interpreter import Heard, Interpreter, speak

TIMEOUT_S = 5.0
SURE, LIKELY = 0.9, 0.5
LISTEN_S, ANSWER_S = 0.4, 0.3
#: Baud rates in the order of trial, and the share of the time that each gets. Ours comes first, and once more at the
#: end for a board that only started when its port was opened.
BAUDS = ((921600, 0.11), (115200, 0.42), (1_000_000, 0.13), (460800, 0.13), (2_000_000, 0.06), (921600, 0.15))
#: Instead of that end, where something was heard but not understood: it talks already, at another of the usual rates.
SLOW_BAUDS = ((9600, 0.06), (57600, 0.043), (230400, 0.043))
#: A rate that is not the usual one of the protocol asked for: a short question will do.
BRIEF_S = 0.2
USUAL_BAUDS = (921600, 115200)


def converse(link: Link, options: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> Talk:
    """A conversation with what is at the other end of `link`; `options` are those of its URL.

    InputError for a `protocol` that nobody knows; LinkError for silence, ProtocolError for what nobody understands.
    """
    name = options.get("protocol", "")
    if name and name not in CLIENTS:
        raise InputError(f"Protocol {name!r}", "is not known", f"Choose one of {', '.join(CLIENTS)}.")
    if name == Own.name:
        return Talk(link)
    if name:
        client = CLIENTS[name](options)
        if "baud" not in options:
            _set_baud(link, client.bauds[0])
        return Interpreter(link, client)
    found, heard = identify(link, "baud" not in options, timeout_s)
    return Talk(link) if found is Own else Interpreter(link, found(options), heard)


def identify(
    link: Link, any_baud: bool = True, timeout_s: float = TIMEOUT_S, clock_ns: Callable[[], int] = time.monotonic_ns
) -> tuple[type[Client], Heard]:
    """The client that understands the device, and what was heard from it so far."""
    tries: list[Attempt] = []
    for baud, share in _rounds(any_baud and hasattr(link, "set_baud"), tries):
        _set_baud(link, baud)
        tries.append(Attempt(link, share * timeout_s, clock_ns))
        found = tries[-1].run([c for c in CLIENTS.values() if not baud or baud in c.bauds], baud)
        if found is not None:
            return found, tries[-1].heard
    n_bytes = sum(attempt.n_bytes for attempt in tries)
    sample = next((attempt.seen[:24] for attempt in reversed(tries) if attempt.seen), b"")
    if not n_bytes:
        seen = f"it is open, but nothing answered for {timeout_s:g} s"
        raise LinkError(link.url, seen, "Restart the board, or flash the studio's firmware on it.")
    seen = f"it sent {n_bytes} bytes in {timeout_s:g} s that no known protocol explains, such as {sample!r}"
    raise ProtocolError(link.url, seen, "Check the baud rate (?baud=), or force a protocol with ?protocol=.")


def _rounds(any_baud: bool, tries: "list[Attempt]") -> Iterator[tuple[int, float]]:
    """(baud rate, share of the time) of each try; 0: as it is. The last ones depend on what was heard by then."""
    if not any_baud:
        yield 0, 1.0
        return
    yield from BAUDS[:-1]
    yield from SLOW_BAUDS if any(attempt.n_bytes for attempt in tries) else BAUDS[-1:]


class Attempt:
    """One try at one baud rate."""

    def __init__(self, link: Link, seconds: float, clock_ns: Callable[[], int]) -> None:
        self._link, self._clock_ns = link, clock_ns
        self._end_s = self._now_s() + seconds
        self.heard: Heard = []
        self.seen = self.answers = b""
        self._asked = False

    @property
    def n_bytes(self) -> int:
        """Bytes that came."""
        return sum(len(data) for data, _ in self.heard)

    def run(self, clients: list[type[Client]], baud: int = 0) -> type[Client] | None:
        """The client that is sure, or at the end the likeliest."""
        for client, seconds in self._questions(clients, baud):
            if client is not None:
                speak(self._link, client.probe, client.piece)
            self._asked = client is not None and client is not Own
            until_s = min(self._now_s() + seconds, self._end_s)
            while self._now_s() < until_s:
                self._read()
                if found := self._best(clients, SURE):
                    return found
            if found := self._best(clients, LIKELY):  # numbers on their own: nobody has to be asked
                return found
        return self._best(clients, 0.1)

    def _questions(self, clients: list[type[Client]], baud: int) -> Iterator[tuple[type[Client] | None, float]]:
        """(whom to ask next, how long to wait)."""
        probes = {c.probe: c for c in clients if c.probe and c is not Own}
        if Own in clients:
            yield Own, LISTEN_S if not baud or baud in USUAL_BAUDS else BRIEF_S
        for client in probes.values():
            pieces = len(client.probe) / client.piece[0] * client.piece[1] if client.piece else 0.0
            yield client, ANSWER_S + pieces
        yield None, TIMEOUT_S

    def _read(self) -> None:
        data = self._link.read()
        if not data:
            return
        self.heard.append((data, self._clock_ns()))
        self.seen = (self.seen + data)[-16384:] if not self._asked else self.seen
        self.answers = (self.answers + data)[-16384:] if self._asked else self.answers

    def _now_s(self) -> float:
        return self._clock_ns() * 1e-9

    def _best(self, clients: list[type[Client]], least: float) -> type[Client] | None:
        sure = {c: c.detect(self.seen, self.answers) for c in clients}
        best = max(sure, key=sure.__getitem__)
        return best if sure[best] >= least else None


def _set_baud(link: Link, baud: int) -> None:
    if baud and hasattr(link, "set_baud"):
        link.set_baud(baud)
