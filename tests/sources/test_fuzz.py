"""Whatever comes in: no client crashes, hangs, keeps more than its share of memory, or makes up samples."""

import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.data.stream import Chunk, Stream
from studio.params import check
from studio.sources.clients import CLIENTS
from studio.sources.clients.client import LIMIT, Client
from studio.sources.devices import DEVICES
from studio.sources.devices.acconeer import radar_stream
from studio.sources.devices.device import Device, DeviceLink
from studio.sources.trial import RAW_OPTIONS, Clock

ACCEL = Stream("accelerometer", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
#: Pieces that parsers wait for, to lead the luck of the fuzzer to them.
_BYTES = b'\0 \xff \x12\0\0 \n \r\n { } [[ ]] " : , B2 > _> 1.5 -7 ax: \x22 \x1a \x0a\x04 \x80\x80 \x02\x3c'.split(b" ")
_WORDS = [
    b'{"payload_size":',
    b'"column_location"',
    b'"sensors"',
    b'"result_info"',
    b"AT+",
    b"===== Device info",
    b"to=",
]
_LINES = [
    b"\xa2atbsd",
    b'{"sample_rate":1,"column_location":{"a":0}}\n',
    b"Used buffer, from=0, to=99\r\n> ",
    b" " * 60,
]
TOKENS = (*_BYTES, *_WORDS, *_LINES)
SOUP = st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=40)), max_size=40).map(b"".join)
FEW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def made(name: str) -> Client:
    return CLIENTS[name](RAW_OPTIONS if name == "raw" else {})


def device(name: str) -> Device:
    stream = radar_stream(1, 2, 20.0) if name == "acconeer" else ACCEL
    rows = np.arange(300 * len(stream.channels)).reshape(300, -1).astype("<i2")
    return DEVICES[name](stream, rows)


def ready(name: str) -> tuple[Client, DeviceLink, Clock]:
    """A client that knows its device's streams and has asked for them."""
    client, clock = made(name), Clock()
    link = DeviceLink(name, device(name), 1.0, clock.seconds)
    client.begin()
    while not client.ready:
        turn(client, link, clock)
    client.start(())
    return client, link, clock


def turn(client: Client, link: DeviceLink, clock: Clock) -> tuple[bytes, list[Chunk]]:
    clock.now_s += 0.05
    client.tick(clock.now_s)
    link.write(client.take())
    data = link.read()
    return data, client.feed(data, clock.ns())


def streamed(name: str, seconds: float) -> tuple[bytes, bytes]:
    """What a device says until its client is ready, and what it says for so many seconds after that."""
    client, clock = made(name), Clock()
    link = DeviceLink(name, device(name), 1.0, clock.seconds)
    client.begin()
    before = after = b""
    while not client.ready:
        before += turn(client, link, clock)[0]
    client.start(())
    end_s = clock.now_s + seconds
    while clock.now_s < end_s:
        after += turn(client, link, clock)[0]
    return before, after


@pytest.fixture(scope="module")
def spoken() -> dict[str, tuple[bytes, bytes]]:
    return {name: streamed(name, 6.0 if name == "edge-impulse-at" else 2.0) for name in CLIENTS}


def sane(client: Client, chunks: list[Chunk]) -> None:
    """Chunks that the rest of the studio can take."""
    for c in chunks:
        assert c.stream in client.streams and c.start >= 0 and c.device_us >= 0
        assert c.values.shape[1] == len(c.stream.channels) and c.values.dtype == c.stream.numpy_dtype
    for s in client.streams:
        assert 0 < s.rate_hz < 1e9 and len(set(s.channels)) == len(s.channels) > 0
    if client.choices:
        check(client.options)
    assert len(client.rest) <= 2 * LIMIT and len(client.log) <= 200


@pytest.mark.parametrize("name", CLIENTS)
@FEW
@given(first=SOUP, then=SOUP, step=st.integers(1, 64))
def test_any_bytes_to_a_fresh_client(name: str, first: bytes, then: bytes, step: int) -> None:
    client = made(name)
    client.begin()
    for i, part in enumerate(parts(first, step)):
        client.tick(i * 0.3)
        sane(client, client.feed(part, i * 10**8))
    client.start(())
    sane(client, client.feed(then, 10**10))
    client.stop()
    assert len(client.take()) < 10_000
    assert 0.0 <= CLIENTS[name].detect(first, then) <= 1.0


@pytest.mark.parametrize("name", CLIENTS)
@FEW
@given(soup=SOUP, data=st.data())
def test_any_bytes_amid_a_stream(
    name: str, spoken: dict[str, tuple[bytes, bytes]], soup: bytes, data: st.DataObject
) -> None:
    """Whatever is put over part of what a device said, and wherever it is cut."""
    client, _, clock = ready(name)
    said = spoken[name][1]
    at = data.draw(st.integers(0, len(said)))
    gone = data.draw(st.integers(0, 200))
    for part in parts(said[:at] + soup + said[at + gone :], data.draw(st.integers(100, 5000))):
        clock.now_s += 0.05
        sane(client, client.feed(part, clock.ns()))


@pytest.mark.parametrize("name", sorted(set(CLIENTS) - {"edge-impulse-at"}))
@settings(max_examples=15, deadline=None)
@given(step=st.integers(1, 300))
def test_the_same_samples_however_the_bytes_are_cut(
    name: str, spoken: dict[str, tuple[bytes, bytes]], step: int
) -> None:
    options = RAW_OPTIONS if name == "raw" else {"rate": "100"} if name in ("edge-impulse", "numbers") else {}
    whole, cut = CLIENTS[name](options), CLIENTS[name](options)
    before, after = spoken[name]
    found = []
    for client, size in ((whole, len(after)), (cut, step)):
        client.begin()
        client.feed(before, 0)
        assert client.ready
        client.start(())
        chunks = [c for part in parts(after, size) for c in client.feed(part, 10**10)]
        assert chunks
        rows = np.concatenate([c.values for c in chunks])
        index = np.concatenate([np.arange(c.start, c.start + len(c.values)) for c in chunks])
        found.append((index - index[0], rows))
    assert np.array_equal(found[0][0], found[1][0]) and np.array_equal(found[0][1], found[1][1], equal_nan=True)


GARBAGE = {
    "zeros": b"\0",
    "ones": b"\xff",
    "text": b"abcdefgh",
    "digits": b"1234567890",
    "numbers": b"11,11 ",
    "spaces": b" ",
    "newlines": b"\n",
    "braces": b'{"a":',
    "heads": b'{"payload_size":1048576}\n',
    "marks": b"\xff\x12\x00\x00",
    "sensor": b"B2",
    "lengths": b"\xff\x7f\x22\xfc\x7f",
    "words": b"a  b  c: ",
    "prompt": b"\r\n> ",
    "luck": np.random.default_rng(1).integers(0, 256, 4096, np.uint8).tobytes(),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_endless_garbage_needs_bounded_memory(name: str) -> None:
    for kind, piece in GARBAGE.items():
        for client in (made(name), ready(name)[0]):
            tracemalloc.start()
            for part in parts((piece * (150_000 // len(piece) + 1)), 16384):
                client.feed(part, 1)
                client.take()
            kept, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert kept < 4 * LIMIT, kind


def parts(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), max(1, size)):
        yield data[at : at + size]
