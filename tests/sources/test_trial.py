"""Every protocol against every fault: the account of loss is exact, or the client says that it cannot know."""

import pytest

from studio.sources.clients import CLIENTS
from studio.sources.clients.client import Loss
from studio.sources.devices import DEVICES
from studio.sources.fault import misheard
from studio.sources.trial import FAULTS, Outcome, trial

STRIKING = ("drop", "duplicate", "reorder", "flip")
#: What each protocol can know, by its description; a client that claims more or less is wrong.
KNOWS = dict.fromkeys(["own", "sensiml-v2", "nordic", "tensor-streaming", "acconeer"], Loss.EXACT)
KNOWS |= {"edge-impulse-at": Loss.COUNT}
CHECKED = {"own", "sensiml-v2", "nordic", "edge-impulse-at"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("protocol", CLIENTS)
def test_the_account_is_exact_or_says_that_it_cannot_be(protocol: str, fault: str) -> None:
    o = trial(protocol, fault, seconds=10.0)
    assert o.passed, o.text
    assert o.struck > 0 or fault not in STRIKING
    if fault == "wrong baud":
        assert o.refused or protocol == "raw"
        return
    assert o.received > 100
    if fault in ("none", "drift", "rate", "flood", "jitter", "cut") and protocol != "edge-impulse-at":
        assert o.exact and o.missing == 0 and o.told == 0, o.text
    if fault in ("drop", "reorder") and KNOWS.get(protocol) == Loss.EXACT:
        assert o.exact and o.missing > 10
    if fault == "duplicate" and KNOWS.get(protocol) == Loss.EXACT:
        assert o.exact and o.told == 0
    if fault == "flip" and protocol in CHECKED:
        assert o.damaged == o.misplaced == 0 and (o.bad > 0 or protocol == "edge-impulse-at")
    if fault == "cut":
        assert "cut" in o.error


@pytest.mark.parametrize("protocol", CLIENTS)
def test_what_each_client_claims(protocol: str) -> None:
    assert CLIENTS[protocol].loss == KNOWS.get(protocol, Loss.NOTHING)
    assert CLIENTS[protocol].checked == (protocol in CHECKED)


def test_the_judge_is_not_blind() -> None:
    """A client that knows nothing is caught as soon as it claims to know."""
    o = trial("sensiml-v1", "drop", seconds=10.0)
    assert not o.exact and o.missing > 0 and o.misplaced > 0
    assert not Outcome("own", "drop", Loss.EXACT, received=5, missing=2, told=1).passed


@pytest.mark.parametrize("seed", range(1, 4))
@pytest.mark.parametrize("protocol", sorted(k for k, v in KNOWS.items() if v == Loss.EXACT))
def test_other_courses_of_luck(protocol: str, seed: int) -> None:
    for fault in ("drop", "reorder", "flip"):
        assert trial(protocol, fault, seed, 6.0).passed


def test_every_client_has_a_device_to_try_it() -> None:
    assert set(CLIENTS) == set(DEVICES)
    assert all(name == client.name for name, client in CLIENTS.items())


def test_a_wrong_baud_is_heard_as_a_uart_hears_it() -> None:
    assert misheard(b"hello", 115200, 115200) == b"hello"
    assert misheard(b"\x00" * 4, 1200, 2400)[:2] == b"\x00\x00"  # a long 0 is two bytes of 0, the stop bit missing
    assert misheard(b"\xff" * 3, 2400, 4800) == b"\xfe" * 3  # the start bit lasts for two
    assert misheard(b"\xff" * 3, 2400, 300) == b""  # and here it is too short to be one
    text = b"12.5,3.25,7\r\n" * 20
    assert misheard(text, 115200, 57600) not in text and len(misheard(text, 115200, 57600)) < len(text)
    near = misheard(text, 115200, 116000)  # within what a UART bears
    assert near == text
