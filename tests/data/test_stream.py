"""The ring: the newest samples, lost ones as NaN, and never a torn row while the writer runs ahead."""

import sys
import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from studio.data.stream import Chunk, Ring, Stream

STREAM = Stream("s", 100.0, ("a", "b", "c", "d"), "g", "i32", 0.5)


def rows(start: int, n: int) -> np.ndarray:
    """Row i holds 2 i in every channel, so that its value in units is its index."""
    return np.repeat(2 * np.arange(start, start + n)[:, None], 4, axis=1).astype("<i4")


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 150)), max_size=20), st.integers(0, 10**6))
def test_holds_the_newest_and_marks_the_lost(steps: list[tuple[int, int]], origin: int) -> None:
    ring, truth, end = Ring(STREAM, 1.0), {}, origin
    for skip, n in steps:
        start = end + (skip if truth else 0)
        ring.append(Chunk(STREAM, start, rows(start, n)))
        truth |= {i: np.nan for i in range(end, start)} | {i: float(i) for i in range(start, start + n)}
        end = start + n if truth else end
    first, values = ring.since(0)
    assert len(values) == min(len(truth), 100)
    assert np.array_equal(values[:, 2], [truth[first + i] for i in range(len(values))], equal_nan=True)
    if truth:
        assert first + len(values) == ring.end == end
        assert ring.since(end)[1].shape == (0, 4)


def test_the_past_is_dropped() -> None:
    ring = Ring(STREAM, 1.0)
    ring.append(Chunk(STREAM, 50, rows(50, 10)))
    ring.append(Chunk(STREAM, 40, rows(40, 10)))
    assert ring.end == 60 and ring.since(0)[0] == 50


def test_a_reader_never_sees_a_torn_row() -> None:
    ring, stop = Ring(STREAM, 2.0), threading.Event()
    ring.append(Chunk(STREAM, 0, rows(0, 1)))

    def write() -> None:
        at = 1
        while not stop.is_set():
            ring.append(Chunk(STREAM, at, rows(at, 37)))
            at += 37

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = 0
        for _ in range(3000):
            first, values = ring.since(0)
            expected = np.arange(first, first + len(values), dtype=np.float32)[:, None]
            assert np.array_equal(values, np.broadcast_to(expected, values.shape))
            seen += len(values)
        assert seen
    finally:
        stop.set()
        writer.join()
        sys.setswitchinterval(before)
