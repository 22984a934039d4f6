"""The USB stack's own logic on this computer, against a model of the host: chapter 9 of USB 2.0 and CDC-ACM."""

import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firmware.usb.fake import BOARD_ID, Fake
from tests.firmware.usb.host import (
    CONFIGURATION,
    DEVICE,
    GET_LINE_CODING,
    SET_LINE_CODING,
    STRING,
    Host,
    Silent,
    Stalled,
)


@pytest.fixture
def host() -> Iterator[Host]:
    """A host with the device on its port, still unknown."""
    made = Host(Fake())
    yield made
    assert made.bus.wrongs == []


@pytest.fixture
def board(host: Host) -> Fake:
    """Enumerated and opened."""
    host.enumerate()
    host.open()
    assert isinstance(host.bus, Fake)
    return host.bus


def parts(configuration: bytes) -> list[bytes]:
    """The descriptors inside one."""
    found, at = [], 0
    while at < len(configuration):
        found.append(configuration[at : at + configuration[at]])
        at += configuration[at]
    return found


def test_it_says_what_it_is(host: Host) -> None:
    device, configuration = host.enumerate()
    assert struct.unpack("<BBHBBBBHHHBBBB", device) == (18, 1, 0x200, 2, 0, 0, 64, 0x1209, 3, 0x100, 1, 2, 3, 1)
    assert [host.text(i) for i in (1, 2, 3)] == ["Sensorsmith", "A board", BOARD_ID]
    assert host.descriptor(STRING) == b"\x04\x03\x09\x04"
    inside = parts(configuration)
    assert struct.unpack_from("<HB", configuration, 2) == (len(configuration), 2)
    interfaces = [(p[2], p[4], p[5], p[6]) for p in inside if p[1] == 4]
    assert interfaces == [(0, 1, 2, 2), (1, 2, 10, 0)]
    endpoints = {p[2]: (p[3], struct.unpack_from("<H", p, 4)[0]) for p in inside if p[1] == 5}
    assert endpoints == {0x81: (3, 16), 0x02: (2, 64), 0x82: (2, 64)}
    functional = {p[2]: p[3:] for p in inside if p[1] == 0x24}
    assert functional[6] == b"\x00\x01" and functional[2] == b"\x02" and set(functional) == {0, 1, 2, 6}


@pytest.mark.parametrize("length", [1, 2, 8, 17, 18, 19, 63, 64, 65, 66, 67, 68, 128, 255, 4096])
@pytest.mark.parametrize("which", [(DEVICE, 0), (CONFIGURATION, 0), (STRING, 3)])
def test_a_descriptor_is_cut_to_what_was_asked(host: Host, which: tuple[int, int], length: int) -> None:
    """The serial number is 64 bytes: asked for more, the device ends it by an empty packet."""
    host.enumerate()
    whole = host.descriptor(*which, length=255)
    assert host.descriptor(*which, length=length) == whole[:length]


def test_nothing_is_asked_for(host: Host) -> None:
    host.enumerate()
    assert host.control(0x80, 6, DEVICE << 8, 0, 0) == b""


REFUSED = [
    (0x80, 6, 0x0600, 0, 10),  # another speed's qualifier
    (0x80, 6, 0x0200 | 1, 0, 9),  # a second configuration
    (0x80, 6, 0x0304, 0x409, 255),  # a fourth text
    (0x00, 6, 0x0100, 0, 18),  # GET in the wrong direction
    (0x80, 9, 1, 0, 0),
    (0x00, 9, 2, 0, 0),  # a configuration that is not there
    (0x00, 5, 200, 0, 0),  # no address
    (0x00, 7, 0, 0, 0),  # SET_DESCRIPTOR
    (0x00, 3, 1, 0, 0),  # remote wake-up
    (0x01, 11, 1, 0, 0),  # another setting of an interface
    (0x81, 10, 0, 7, 1),  # an interface that is not there
    (0x82, 0, 0, 0x55, 2),  # an endpoint that is not there
    (0x02, 3, 0, 0x03, 0),
    (0xA1, 0x01, 0, 0, 1),  # a class request that nobody knows
    (0x21, 0x20, 0, 1, 7),  # line coding of the data interface
    (0x21, 0x20, 0, 0, 8),
    (0xC0, 1, 0, 0, 4),  # a maker's own
]


@pytest.mark.parametrize("request_", REFUSED)
def test_what_it_does_not_know_is_refused_and_forgotten(host: Host, request_: tuple[int, ...]) -> None:
    host.enumerate()
    kind, request, value, index, n = request_
    with pytest.raises(Stalled):
        host.control(kind, request, value, index, n if kind & 0x80 else bytes(n))
    assert host.control(0x80, 8, 0, 0, 1) == b"\x01"


def test_before_it_is_configured_there_is_no_port(host: Host) -> None:
    host.reset()
    host.set_address(9)
    for request in ((0x21, SET_LINE_CODING, bytes(7)), (0xA1, GET_LINE_CODING, 7), (0x81, 10, 1)):
        with pytest.raises(Stalled):
            host.control(*request[:2], given=request[2])  # type: ignore[arg-type]
    assert host.control(0x80, 8, given=1) == b"\x00" and host.control(0x80, 0, given=2) == b"\x00\x00"


def test_line_coding_is_kept(host: Host) -> None:
    host.enumerate()
    assert host.control(0xA1, GET_LINE_CODING, given=7) == struct.pack("<IBBB", 115200, 0, 0, 8)
    for baud in (9600, 921600, 0xFFFFFF):
        host.open(baud)
        assert host.control(0xA1, GET_LINE_CODING, given=7) == struct.pack("<IBBB", baud, 0, 0, 8)


def test_a_line_coding_that_is_cut_short_changes_nothing(host: Host) -> None:
    host.enumerate()
    host.bus.setup(struct.pack("<BBHHH", 0x21, SET_LINE_CODING, 0, 0, 7))
    assert host.bus.token_out(0, 1, b"\x80\x25\0")
    with pytest.raises(Stalled):
        host.bus.token_in(0, 1)
    assert host.control(0xA1, GET_LINE_CODING, given=7) == struct.pack("<IBBB", 115200, 0, 0, 8)


@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 500, 1024])
def test_what_the_board_says_arrives_and_ends(host: Host, board: Fake, n: int) -> None:
    """After a full packet an empty one: only then does a host's driver hand on what it has."""
    said = bytes(i % 251 for i in range(n))
    assert board.say(said) == n
    got = b""
    while True:
        packet = host._until(host.try_in)
        got += packet
        if len(packet) < 64:
            break
    assert got == said
    with pytest.raises(Silent):
        host.read(1)


def test_the_board_is_told_how_much_fits(host: Host, board: Fake) -> None:
    said = bytes(i % 253 for i in range(5000))
    done, got = 0, b""
    while len(got) < len(said):
        took = board.say(said[done:])
        assert took <= 1024
        done += took
        got += host.try_in() or b""
    assert got == said


def test_with_nobody_at_the_other_end_words_are_lost_at_once(host: Host) -> None:
    fake = host.bus
    assert isinstance(fake, Fake)
    assert fake.say(bytes(5000)) == 5000
    host.enumerate()
    assert fake.say(bytes(5000)) == 5000  # the port is closed
    host.open()
    assert fake.say(b"now") == 3 and host.read(3) == b"now"
    host.line(dtr=False)
    fake.say(bytes(2000))
    host.open()
    assert fake.say(b"again") == 5 and host.read(5) == b"again"


def test_what_the_host_says_waits_until_it_is_read(host: Host, board: Fake) -> None:
    host.write(b"x" * 64)
    assert not any(host.try_out(b"y" * 64) for _ in range(3))
    assert board.hear(7) + board.hear(1000) == b"x" * 64
    assert host.try_out(b"y" * 64) and board.hear(1000) == b"y" * 64


@settings(max_examples=40, deadline=None)
@given(
    blocks=st.lists(st.binary(max_size=200), max_size=12), reads=st.lists(st.integers(0, 90), min_size=1, max_size=9)
)
def test_both_ways_in_any_pieces(blocks: list[bytes], reads: list[int]) -> None:
    host = Host(Fake())
    fake = host.bus
    assert isinstance(fake, Fake)
    host.enumerate()
    host.open()
    sent, heard, told, turn = b"".join(blocks), b"", b"", 0
    packets = [b[i : i + 64] for b in blocks for i in range(0, max(len(b), 1), 64)]  # empty ones too
    waiting = sent
    while len(heard) < len(sent) or len(told) < len(sent):
        if packets and host.try_out(packets[0]):
            packets.pop(0)
        heard += fake.hear(reads[turn % len(reads)] or 1)
        waiting = waiting[fake.say(waiting[: reads[-1] + 1]) :]
        told += host.try_in() or b""
        turn += 1
        assert turn < 5000
    assert heard == sent == told


def test_an_endpoint_can_be_halted(host: Host, board: Fake) -> None:
    for endpoint, token in ((0x82, host.try_in), (0x02, lambda: host.try_out(b"a"))):
        assert host.control(0x82, 0, 0, endpoint, 2) == b"\0\0"
        host.control(2, 3, 0, endpoint)
        assert host.control(0x82, 0, 0, endpoint, 2) == b"\1\0"
        with pytest.raises(Stalled):
            token()
        host.clear_halt(endpoint)
        assert host.control(0x82, 0, 0, endpoint, 2) == b"\0\0"
    board.say(b"on")
    assert host.read(2) == b"on" and host.try_out(b"a") and board.hear(9) == b"a"


def test_while_halted_what_the_board_says_waits(host: Host, board: Fake) -> None:
    host.control(2, 3, 0, 0x82)
    assert board.say(b"later") == 5
    host.clear_halt(0x82)
    assert host.read(5) == b"later"


def test_a_reset_in_the_middle_of_anything(host: Host, board: Fake) -> None:
    host.bus.setup(struct.pack("<BBHHH", 0x80, 6, CONFIGURATION << 8, 0, 67))
    assert len(host.bus.token_in(0, 1) or b"") == 64
    board.say(bytes(600))
    host.write(b"half")
    host.enumerate(7)
    assert host.control(0x80, 8, given=1) == b"\x01"
    assert board.say(b"lost") == 4  # closed again
    host.open()
    board.say(b"whole")
    assert host.read(5) == b"whole"


def test_a_new_setup_ends_the_old_one(host: Host) -> None:
    host.enumerate()
    host.bus.setup(struct.pack("<BBHHH", 0x80, 6, CONFIGURATION << 8, 0, 67))
    assert host.descriptor(DEVICE, length=18)[1] == 1
    host.bus.setup(struct.pack("<BBHHH", 0x00, 5, 77, 0, 0))
    assert host.control(0x80, 8, given=1) == b"\x01"  # its status stage never came: the old address holds


def test_suspend_and_resume(host: Host, board: Fake) -> None:
    board.suspend(True)
    assert board.say(bytes(3000)) == 3000
    board.suspend(False)
    board.say(b"back")
    assert host.read(4) == b"back"


def test_configuring_anew_and_not_at_all(host: Host, board: Fake) -> None:
    host.write(b"old")
    host.configure(0)
    with pytest.raises(Stalled):
        host.try_in()
    assert board.say(bytes(2000)) == 2000
    host.configure(1)
    assert host.try_in() is None
    host.open()
    board.say(b"new")
    assert host.read(3) == b"new"


@pytest.mark.parametrize(("baud", "touched"), [(1200, 1), (1201, 0), (115200, 0), (66736, 0)])
def test_the_touch(host: Host, baud: int, touched: int) -> None:
    """Open at 1200 baud, close; the host has its answer before anything happens. 66736 ends in the same two bytes."""
    host.enumerate()
    fake = host.bus
    assert isinstance(fake, Fake)
    before = fake.c.c_touches()
    host.open(baud)
    fake.c.c_later(20_000)
    fake.step()
    assert fake.c.c_touches() == before
    host.line(dtr=False)
    fake.step()
    assert fake.c.c_touches() == before
    fake.c.c_later(20_000)
    fake.step()
    fake.step()
    assert fake.c.c_touches() - before == touched


def test_the_last_words_are_waited_for_but_not_for_long(host: Host, board: Fake) -> None:
    board.say(b"the end")
    board.c.c_stop()  # nobody takes them
    assert not board.c.c_on()
    host.enumerate()
    assert board.c.c_on()


SETUP = st.tuples(
    st.sampled_from([0, 1, 2, 0x80, 0x81, 0x82, 0x21, 0xA1, 0x40, 0xFF]) | st.integers(0, 255),
    st.integers(0, 12) | st.integers(0x1F, 0x24) | st.integers(0, 255),
    st.integers(0, 0x303) | st.integers(0, 65535),
    st.sampled_from([0, 1, 2, 0x81, 0x82]) | st.integers(0, 65535),
    st.integers(0, 70) | st.integers(0, 65535),
)
EVENTS = st.lists(
    st.one_of(
        SETUP,
        st.tuples(st.just("in"), st.sampled_from([0, 2])),
        st.tuples(st.just("out"), st.sampled_from([0, 2]), st.binary(max_size=64)),
        st.tuples(st.just("say"), st.binary(max_size=300)),
        st.tuples(st.just("hear"), st.integers(0, 100)),
        st.tuples(st.just("reset")),
        st.tuples(st.just("suspend"), st.booleans()),
    ),
    max_size=40,
)


def happen(fake: Fake, event: tuple[object, ...], left: int) -> int:
    """One thing; `left` is how many bytes the host still wants of the data stage under way. Returns what is left."""
    match event:
        case ("in", int(endpoint)):
            packet = fake.token_in(endpoint, 0)
            if endpoint == 0 and packet:
                assert len(packet) <= min(64, left)
                return left - len(packet)
        case ("out", int(endpoint), bytes(data)):
            fake.token_out(endpoint, 0, data)
        case ("say", bytes(data)):
            assert 0 <= fake.say(data) <= len(data)
        case ("hear", int(n)):
            fake.hear(n)
        case ("reset",):
            fake.reset()
        case ("suspend", bool(on)):
            fake.suspend(on)
        case _:
            fake.setup(struct.pack("<BBHHH", *event))
            return int(event[4]) if int(event[0]) & 0x80 else 0  # type: ignore[call-overload]
    return left


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_whatever_a_host_does_a_reset_brings_it_back(events: list[tuple[object, ...]]) -> None:
    """No SETUP, token or reset in any order brings more than was asked for, or a device that cannot start anew."""
    host, left = Host(Fake()), 0
    fake = host.bus
    assert isinstance(fake, Fake)
    for event in events:
        try:
            left = happen(fake, event, left)
        except Stalled:
            continue
    fake.suspend(False)
    host.enumerate()
    host.open()
    fake.hear(200)
    fake.say(b"well")
    assert host.read(4) == b"well" and host.try_out(b"ok") and fake.hear(9) == b"ok"
    assert fake.wrongs == []
