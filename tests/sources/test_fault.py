"""Faults strike as often as they are asked to, and only what they should."""

import itertools
import time
from types import SimpleNamespace

import pytest

from studio.data.talk import Talk
from studio.data.wire import Decoder, Packet, Type, Verb
from studio.errors import InputError, LinkError
from studio.sources.fault import FaultLink, parse_faults
from tests.data.board import HELLO, ToyBoard


def through(faults: str, n: int = 1000) -> tuple[list[Packet], FaultLink, Decoder]:
    """What is left of n packets of samples."""
    board, decoder, came = ToyBoard(), Decoder(), []
    link = FaultLink(board, faults)
    board.say(
        *(Packet(Type.SAMPLES, 1, 1, i, i * 10_000 + 1, bytes(6)) for i in range(n)), Packet(Type.LOG, payload=b"end")
    )
    while board._out or not came:
        came += decoder.feed(link.read())
    return came, link, decoder


def test_none() -> None:
    came, _, decoder = through("")
    assert [p.seq for p in came[:-1]] == list(range(1000)) and decoder.bad_packets == 0


def test_drop() -> None:
    came, link, _ = through("drop:0.1")
    assert len(came) == 1001 - link.counts["drop"] and 50 < link.counts["drop"] < 160
    assert all(p.type == Type.LOG for p in through("drop:1")[0])


def test_duplicate_and_reorder() -> None:
    came, link, _ = through("duplicate:0.1")
    assert len(came) == 1001 + link.counts["duplicate"] > 1040
    came, link, _ = through("reorder:0.1")
    seqs = [p.seq for p in came if p.type == Type.SAMPLES]
    assert sorted(seqs) == list(range(1000)) and link.counts["reorder"] > 40
    assert sum(b < a for a, b in itertools.pairwise(seqs)) > 40


def test_flip_damages_and_never_forges() -> None:
    came, link, decoder = through("flip:0.2")
    assert link.counts["flip"] > 100 and len(came) < 1001 - 100 and decoder.bad_packets >= 100
    assert all(p.payload in (bytes(6), b"end") for p in came)


def test_clock_and_flood() -> None:
    came, _, _ = through("drift:100")
    assert came[999].t_us == round((999 * 10_000 + 1) * 1.0001)
    came, _, _ = through("flood:3")
    assert len([p for p in came if p.type == Type.SAMPLES]) == 1000 and len(came) > 3000


def test_a_rate_told_wrongly_and_commands_untouched() -> None:
    talk = Talk(FaultLink(ToyBoard(), "rate:1.5,drop:1,reorder:1,duplicate:1"))
    assert [s.stream.rate_hz for s in talk.hello().streams] == [s.stream.rate_hz * 1.5 for s in HELLO.streams]
    assert talk.request(Verb.PING, {1: 1}) == 1


def test_jitter_delays_and_keeps_order(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = 0.0
    monkeypatch.setattr("studio.sources.fault.time", SimpleNamespace(monotonic=lambda: clock_s))
    board, decoder, came, alone = ToyBoard(), Decoder(), [], 0
    link = FaultLink(board, "jitter:30")
    for i in range(40):
        board.say(Packet(Type.LOG, seq=i))
        new = decoder.feed(link.read())
        came, alone, clock_s = came + new, alone + (not new), clock_s + 0.005
    clock_s += 0.03
    came += decoder.feed(link.read())
    assert [p.seq for p in came] == list(range(40)) and alone > 5


def test_cut() -> None:
    board = ToyBoard()
    link, began = FaultLink(board, "cut:0.1"), time.monotonic()
    with pytest.raises(LinkError, match=r"cut after 0\.1 s"):
        while True:
            link.read()
    assert time.monotonic() - began >= 0.1
    with pytest.raises(LinkError):
        link.write(b"x")


@pytest.mark.parametrize("text", ["drop", "drop:", "drop:2", "drop:x", "nonsense:1", "cut:nan", "flip:-0.1"])
def test_what_is_no_fault(text: str) -> None:
    with pytest.raises(InputError, match="drop:P, duplicate:P"):
        parse_faults(text)
