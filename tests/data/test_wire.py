"""The wire: golden bytes that the firmware shares, and a decoder that no bytes can upset."""

import random
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.stream import Stream
from studio.data.wire import (
    HEADER,
    MAX_PAYLOAD,
    BoardModel,
    BoardStream,
    BootArea,
    Decoder,
    Hello,
    Packet,
    Type,
    Verb,
    encode,
    pack,
    parse_hello,
    parse_stats,
    unpack,
)
from studio.errors import ProtocolError

ACCEL = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
SCORES = Stream("scores", 3.125, ("idle", "wave"), "", "f32", 1.0, "scores")
BOARD = Hello(
    "cortex-m4f",
    "app",
    bytes(range(16)),
    64_000_000,
    512,
    (BoardStream(1, ACCEL, 10), BoardStream(9, SCORES, 1)),
    BoardModel(128, 32, ("idle", "wave"), ("features", "logits", "scores"), 1, 9, 10),
    "0.1.0",
    BootArea(0x4000, 0x3C000, 2048, 1),
)

packets = st.builds(
    Packet,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=MAX_PAYLOAD),
)


def unstuffed(frame: bytes) -> bytes:
    """COBS by its definition (Cheshire and Baker 1999), independent of the library."""
    out, at = bytearray(), 0
    while at < len(frame):
        code = frame[at]
        out += frame[at + 1 : at + code]
        at += code
        if code < 255 and at < len(frame):
            out.append(0)
    return bytes(out)


@pytest.mark.parametrize(
    ("packet", "golden"),
    [
        (Packet(Type.HELLO), "0201010101010101010101010101010105c4dad34200"),
        (
            Packet(Type.SAMPLES, 1, 2, 0x01020304, 1_000_000, bytes.fromhex("0000ff7f0080" * 2)),
            "04020102080403020140420f01010101010103ff7f02800103ff7f06807845d48600",
        ),
        (
            Packet(Type.COMMAND, seq=7, payload=pack({0: Verb.SET, 1: "taps", 2: 1})),
            "0204010102070101010101010101010102a30e030164746170730201171c9ba300",
        ),
    ],
)
def test_golden_bytes(packet: Packet, golden: str) -> None:
    assert encode(packet).hex() == golden
    assert Decoder().feed(bytes.fromhex(golden)) == [packet]
    body = unstuffed(bytes.fromhex(golden)[:-1])
    assert HEADER.unpack_from(body) == (packet.type, packet.channel, packet.count, packet.seq, packet.t_us)
    assert struct.unpack("<I", body[-4:])[0] == zlib.crc32(body[:-4]) and body[16:-4] == packet.payload


@given(st.lists(packets, max_size=8), st.integers(1, 300))
def test_round_trip_in_any_cut(sent: list[Packet], step: int) -> None:
    wire, decoder, came = b"\0" + b"".join(map(encode, sent)), Decoder(), []
    for at in range(0, len(wire), step):
        came += decoder.feed(wire[at : at + step])
    assert came == sent and decoder.bad_packets == 0 and decoder.bytes == len(wire)


@given(st.lists(st.binary(max_size=3000), max_size=5))
def test_no_bytes_upset_the_decoder(parts: list[bytes]) -> None:
    decoder = Decoder()
    for part in parts:
        assert decoder.feed(part) == []
    packet = Packet(Type.LOG, payload=b"still here")
    assert decoder.feed(b"\0" + encode(packet)) == [packet]


def test_damage_never_reads_as_data() -> None:
    luck = random.Random(1)
    sent = [Packet(Type.SAMPLES, 1, 20, i * 20, i, luck.randbytes(240)) for i in range(2000)]
    wire = bytearray(b"".join(map(encode, sent)))
    for _ in range(len(wire) // 300):
        wire[luck.randrange(len(wire))] = luck.randrange(256)
    decoder = Decoder()
    came = decoder.feed(bytes(wire))
    assert set(came) < set(sent) and len(came) > 500
    assert [p.seq for p in came] == sorted(p.seq for p in came)
    assert decoder.bad_packets > 300


def test_a_frame_without_end_costs_bounded_memory() -> None:
    decoder = Decoder()
    for _ in range(100):
        decoder.feed(b"\x07" * 1000)
    assert decoder.bad_packets == 1 and len(decoder._rest) == 0
    packet = Packet(Type.LOG, payload=b"x")
    assert decoder.feed(b"\x07\0" + encode(packet)) == [packet]


def test_console_text_between_frames() -> None:
    packet = Packet(Type.LOG, payload=b"\nab\n")
    decoder = Decoder()
    assert decoder.feed(b"boot 1.2\r\nready\n" + encode(packet) + b"bye\n\0" + encode(packet)) == [packet, packet]
    assert decoder.text == ["boot 1.2", "ready", "bye"] and decoder.bad_packets == 0


def test_a_device_that_only_prints() -> None:
    decoder = Decoder()
    assert decoder.feed(b"1,2,3\n" * 1000) == []
    assert decoder.text[0] == "1,2,3" and len(decoder.text) > 800 and decoder.bad_packets == 0


def test_hello_round_trip() -> None:
    assert parse_hello(BOARD.encode()) == BOARD
    assert BOARD.channels == {1: ACCEL, 9: SCORES} and BOARD.id_of("scores") == 9 and BOARD.id_of("?") is None
    assert BOARD.sensors == (ACCEL,) and BOARD.build_hash == bytes(range(16)).hex()
    bare = Hello("pico", "boot", boot=BootArea(1, 2, 3, 0))
    assert parse_hello(bare.encode()) == bare


@pytest.mark.parametrize(
    ("version", "step"), [(2, "Update the studio"), (0, "Flash the board"), ("x", "Flash the board")]
)
def test_hello_of_another_version(version: object, step: str) -> None:
    payload = pack(unpack(BOARD.encode()) | {0: version})
    with pytest.raises(ProtocolError, match=f"cortex-m4f.*version {version!r}.*{step}"):
        parse_hello(payload)


@pytest.mark.parametrize(
    "change",
    [
        {1: None, 6: 5},
        {6: [{0: 1}]},
        {6: [BoardStream(1, ACCEL).encode() | {2: "i8"}]},
        {6: [BoardStream(1, ACCEL).encode() | {6: 0.0}]},
        {6: [BoardStream(1, ACCEL).encode()] * 2},
        {7: {0: 1}},
        {9: [1]},
    ],
)
def test_hello_that_is_not_as_it_should_be(change: dict[int, object]) -> None:
    with pytest.raises(ProtocolError):
        parse_hello(pack(unpack(BOARD.encode()) | change))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 9), inner, max_size=9),
    max_leaves=12,
)


@given(st.dictionaries(st.integers(0, 9), anything, max_size=4))
def test_no_map_upsets_the_parsers(change: dict[int, object]) -> None:
    for parse, good in ((parse_hello, unpack(BOARD.encode())), (parse_stats, {0: 1, 1: {1: 1}, 2: 0, 3: 0})):
        try:
            parse(pack(good | change))
        except ProtocolError as e:
            assert e.seen and e.next_step


@given(st.binary(max_size=200))
def test_no_payload_upsets_the_parsers(payload: bytes) -> None:
    for parse in (parse_hello, parse_stats, unpack):
        try:
            parse(payload)
        except ProtocolError as e:
            assert e.seen and e.next_step


def test_stats() -> None:
    found = parse_stats(pack({0: 5_000_000, 1: {1: 30}, 2: 4, 3: 1200}))
    assert (found.uptime_us, found.dropped, found.bad_frames, found.stack_bytes) == (5_000_000, {1: 30}, 4, 1200)
