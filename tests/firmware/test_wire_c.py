"""The C end of the wire against the Python end, byte for byte, and against damage."""

import ctypes
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.data.wire import MAX_PAYLOAD, Packet, encode
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS

DOOR = f"""#include "cbor.h"
#include "wire.h"
{EXPORT}
static struct wire_receiver receiver;
static struct wire_packet packet;

API int32_t c_encode(const struct wire_header *header, const uint8_t *payload, int32_t n, uint8_t *frame)
{{ return wire_encode(header, payload, n, frame); }}
API void c_begin(void) {{ receiver = (struct wire_receiver){{0}}; }}
API int32_t c_take(uint8_t byte) {{ return wire_take(&receiver, byte, &packet); }}
API uint32_t c_bad(void) {{ return receiver.bad; }}
API const struct wire_header *c_header(void) {{ return &packet.header; }}
API const uint8_t *c_payload(void) {{ return packet.payload; }}
API int32_t c_bytes(void) {{ return packet.bytes; }}
API int32_t c_find_int(const uint8_t *map, int32_t n, int64_t key, int64_t *value)
{{ struct cbor_in in; return cbor_find(map, n, key, &in) && cbor_int(&in, value); }}
API int32_t c_find_string(const uint8_t *map, int32_t n, int64_t key, int32_t major, const uint8_t **at, int32_t *size)
{{ struct cbor_in in; return cbor_find(map, n, key, &in) && cbor_string(&in, (enum cbor_major)major, at, size); }}
API int32_t c_skip(const uint8_t *bytes, int32_t n)
{{ struct cbor_in in = {{bytes, bytes + n}}; return cbor_skip(&in) ? (int32_t)(in.at - bytes) : -1; }}
API int32_t c_head(int32_t major, uint64_t value, uint8_t *bytes, int32_t size)
{{ struct cbor_out out = {{bytes, size, 0}}; cbor_head(&out, (enum cbor_major)major, value); return out.n; }}
"""


class Header(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_uint8),
        ("channel", ctypes.c_uint8),
        ("count", ctypes.c_uint16),
        ("seq", ctypes.c_uint32),
        ("t_us", ctypes.c_uint64),
    ]


@pytest.fixture(scope="module")
def c() -> ctypes.CDLL:
    files = [STUBS / "runtime" / "wire.c", STUBS / "runtime" / "cbor.c", STUBS / "kernels" / "freestanding.c"]
    library = ctypes.CDLL(str(compile_shared("wire", files, {"door.c": DOOR}, [STUBS / "runtime"])))
    library.c_header.restype = ctypes.POINTER(Header)
    library.c_payload.restype = ctypes.c_void_p
    for name in ("c_find_int", "c_find_string"):
        getattr(library, name).argtypes = [ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64, *[ctypes.c_void_p] * 0]
    return library


def encoded(c: ctypes.CDLL, p: Packet) -> bytes:
    frame = ctypes.create_string_buffer(b"\xaa" * 1100, 1100)
    n = c.c_encode(ctypes.byref(Header(p.type, p.channel, p.count, p.seq, p.t_us)), p.payload, len(p.payload), frame)
    assert frame.raw[n:] == b"\xaa" * (1100 - n)
    return frame.raw[:n]


def received(c: ctypes.CDLL, data: bytes) -> list[Packet]:
    found = []
    for byte in data:
        if c.c_take(byte):
            h = c.c_header().contents
            payload = ctypes.string_at(c.c_payload(), c.c_bytes())
            found.append(Packet(h.type, h.channel, h.count, h.seq, h.t_us, payload))
    return found


PACKETS = st.builds(
    Packet,
    st.integers(1, 255),
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.binary(max_size=MAX_PAYLOAD),
)


@pytest.mark.parametrize(
    "size", [0, 1, 227, 228, 229, 230, 231, 232, 233, 234, 235, 236, 237, 254, 487, 488, 1023, 1024]
)
@pytest.mark.parametrize("fill", [b"\x01", b"\x00", b"\xff", b"\x00\x01"])
def test_frames_are_the_same_bytes_at_every_length_of_a_run(c: ctypes.CDLL, size: int, fill: bytes) -> None:
    packet = Packet(255, 255, 65535, 2**32 - 1, 2**64 - 1, (fill * size)[:size])  # no zero in the header
    assert encoded(c, packet) == encode(packet)


@given(PACKETS)
@settings(max_examples=200, deadline=None)
def test_both_ends_agree_on_any_packet(c: ctypes.CDLL, packet: Packet) -> None:
    frame = encode(packet)
    assert encoded(c, packet) == frame
    c.c_begin()
    assert received(c, frame) == [packet]
    assert c.c_bad() == 0


@given(PACKETS, PACKETS, st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_frame_is_counted_and_the_next_is_whole(
    c: ctypes.CDLL, first: Packet, second: Packet, data: st.DataObject
) -> None:
    frame = bytearray(encode(first))
    at = data.draw(st.integers(0, len(frame) - 2))
    frame[at] = data.draw(st.integers(0, 255).filter(lambda b: b != frame[at]))
    c.c_begin()
    assert received(c, bytes(frame) + encode(second)) == [second]
    assert c.c_bad() >= 1 or frame[at] == 0


def test_a_frame_without_end_is_dropped_and_overwrites_nothing(c: ctypes.CDLL) -> None:
    good = Packet(4, seq=7, payload=b"x" * MAX_PAYLOAD)
    c.c_begin()
    assert received(c, b"\x02\x01" * 5000 + b"\0" + encode(good)) == [good]
    assert c.c_bad() == 1


def test_zeros_between_frames_mean_nothing(c: ctypes.CDLL) -> None:
    good = Packet(1)
    c.c_begin()
    assert received(c, b"\0\0\0" + encode(good) + b"\0\0" + encode(good)) == [good, good]
    assert c.c_bad() == 0


def test_one_byte_too_many_is_refused(c: ctypes.CDLL) -> None:
    c.c_begin()
    assert received(c, encode(Packet(6, payload=b"y" * (MAX_PAYLOAD + 1)))) == []
    assert c.c_bad() == 1


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.integers(-(2**63), 2**63 - 1) | st.binary(max_size=300) | st.text(max_size=40) | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.integers(-5, 30), inner, max_size=4),
    max_leaves=12,
)


def find(function: Callable[..., int], packed: bytes, key: int, *more: Any) -> int:
    return function(packed, len(packed), ctypes.c_int64(key), *more)


@given(st.dictionaries(st.integers(-30, 300), VALUES, max_size=8), st.integers(-30, 300))
@settings(max_examples=300, deadline=None)
def test_the_c_reader_finds_what_cbor2_wrote(c: ctypes.CDLL, map_: dict[int, Any], key: int) -> None:
    packed = cbor2.dumps(map_)
    assert c.c_skip(packed, len(packed)) == len(packed)
    value, at, size = ctypes.c_int64(), ctypes.c_void_p(), ctypes.c_int32()
    wanted = map_.get(key)
    found = find(c.c_find_int, packed, key, ctypes.byref(value))
    assert found == (isinstance(wanted, int) and not isinstance(wanted, bool))
    if found:
        assert value.value == wanted
    for major, kind in ((2, bytes), (3, str)):
        found = find(c.c_find_string, packed, key, major, ctypes.byref(at), ctypes.byref(size))
        assert found == isinstance(wanted, kind)
        if found:
            text = ctypes.string_at(at, size.value) if size.value else b""
            assert text == (wanted.encode() if kind is str else wanted)


@given(st.dictionaries(st.integers(0, 30), VALUES, min_size=1, max_size=4), st.data())
@settings(max_examples=200, deadline=None)
def test_a_truncated_message_is_refused(c: ctypes.CDLL, map_: dict[int, Any], data: st.DataObject) -> None:
    packed = cbor2.dumps(map_)
    cut = data.draw(st.integers(0, len(packed) - 1))
    assert c.c_skip(packed[:cut], cut) == -1


@pytest.mark.parametrize(
    "hostile",
    [
        b"\x5b\xff\xff\xff\xff\xff\xff\xff\xff",  # a string longer than memory
        b"\x9b\x7f\xff\xff\xff\xff\xff\xff\xff\x00",  # an array of all there is
        b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00",  # twice which overflows
        b"\x9f\x00\xff",  # without a length
        b"\xc0" * 1000,  # tags without end
        b"\x81" * 100_000,  # a nest that would eat the stack
    ],
)
def test_hostile_messages_are_refused(c: ctypes.CDLL, hostile: bytes) -> None:
    assert c.c_skip(hostile, len(hostile)) == -1


@given(st.sampled_from([0, 1, 2, 3, 4, 5]), st.integers(0, 2**64 - 1) | st.integers(0, 300))
@settings(deadline=None)
def test_heads_are_the_shortest_as_cbor2_writes_them(c: ctypes.CDLL, major: int, value: int) -> None:
    out = ctypes.create_string_buffer(9)
    n = c.c_head(major, ctypes.c_uint64(value), out, 9)
    wanted = cbor2.dumps(value)
    assert out.raw[:n] == bytes([wanted[0] | major << 5]) + wanted[1:]


def test_what_does_not_fit_is_not_written(c: ctypes.CDLL) -> None:
    out = ctypes.create_string_buffer(b"\xaa" * 9, 9)
    assert c.c_head(0, ctypes.c_uint64(2**40), out, 8) > 8
    assert out.raw == b"\xaa" * 9
