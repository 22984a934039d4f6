"""One stream's file inside a recording while it grows, and the rules of gaps."""

import errno
import json
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from studio.data.peaks import PeakFile
from studio.data.stream import Array, Chunk, Stream
from studio.errors import DataError

_NAME = re.compile(r"\w[\w .()+-]{0,63}")


class StreamFile:
    """`<stream>.raw`, `.clock` and `.peaks`, written without a buffer of our own: a kill loses nothing."""

    def __init__(self, folder: Path, stream: Stream) -> None:
        self.stream = stream
        self.base: int | None = None  # the device's index of our sample 0
        self.n = 0
        self.gaps: list[tuple[int, int]] = []
        self._row = stream.numpy_dtype.itemsize * len(stream.channels)
        self._raw = open(folder / f"{stream.name}.raw", "xb", buffering=0)  # noqa: SIM115
        self._clock = open(folder / f"{stream.name}.clock", "xb", buffering=0)  # noqa: SIM115
        self._peaks = PeakFile(folder, stream)

    def append(self, chunk: Chunk, journal: Callable[[bytes], object]) -> None:
        """Write the rows of `chunk` at their place; a gap before them is journalled first. OSError: nothing changed."""
        start = chunk.start - (self.base or 0)
        known = max(self.n - start, 0)
        if not len(chunk.values[known:]):
            return
        rows = self._rows(chunk.values[known:])
        start += known
        if start > self.n:
            journal(json.dumps([self.stream.name, self.n, start - self.n]).encode() + b"\n")
        self._write_rows(start, rows.tobytes())
        if start > self.n:
            self.gaps.append((self.n, start - self.n))
            self._peaks.skip(start - self.n)
        self._peaks.append(rows)
        self.n = start + len(rows)
        if chunk.device_us or chunk.host_ns:
            shift_us = round(known * 1e6 / self.stream.rate_hz)
            stamp = [start, chunk.device_us + shift_us, chunk.host_ns]
            self._clock.write(np.array(stamp, "<i8").tobytes())

    def _rows(self, values: Array) -> Array:
        """The values in the stream's type; DataError when they are not its rows."""
        shape, dtype = (len(values), len(self.stream.channels)), self.stream.numpy_dtype
        if values.shape != shape or not np.can_cast(values.dtype, dtype, "same_kind"):
            seen = f"gets {values.dtype} of shape {values.shape} where {dtype} of shape {shape} belongs"
            raise DataError(f"Stream {self.stream.name!r}", seen, "Give one column per channel, in the stream's type.")
        return np.ascontiguousarray(values, dtype)

    def _write_rows(self, start: int, data: bytes) -> None:
        self._raw.seek(start * self._row)
        left = memoryview(data)
        try:
            while left:
                left = left[self._raw.write(left) or 0 :]
        except OSError:
            self._raw.truncate(self.n * self._row)
            raise

    def fsync(self) -> None:
        """Until the disk has it."""
        os.fsync(self._raw.fileno())
        os.fsync(self._clock.fileno())

    def close(self) -> None:
        """No more samples."""
        self._raw.close()
        self._clock.close()
        self._peaks.close()


def merged(gaps: Iterable[tuple[int, int]], n: int) -> tuple[tuple[int, int], ...]:
    """Gaps in order, overlapping ones joined, none past sample `n`."""
    found: list[tuple[int, int]] = []
    for start, count in sorted(gaps):
        stop = min(start + count, n)
        if found and start <= sum(found[-1]):
            first = found.pop()
            start, stop = first[0], max(stop, sum(first))
        if start < stop:
            found.append((start, stop - start))
    return tuple(found)


def safe_name(name: str) -> str:
    """The name, when it can be a file's on every system; DataError otherwise."""
    if not _NAME.fullmatch(name) or name.endswith((".", " ")):
        raise DataError("Stream", f"is named {name!r}", "Use letters, digits, spaces, dots and dashes, 64 at most.")
    return name


def disk_error(path: Path, error: OSError) -> DataError:
    """What a failed write means to a person."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DataError(
            str(path), "the disk is full", "What was recorded is safe. Free some space, then record again."
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return DataError(str(path), f"cannot be written ({error.strerror})", "Choose a folder that you may write to.")
    return DataError(str(path), f"cannot be written ({error.strerror or error})", "Check the disk, then try again.")
