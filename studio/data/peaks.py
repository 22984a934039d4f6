"""The finest level of a stream's pyramid while it is recorded: `<stream>.peaks`, see `pyramid`."""

from pathlib import Path

import numpy as np

from studio.data.stream import Array, Stream

BASE = 32  # samples a block


class PeakFile:
    """Appends minima and maxima of every 32 samples. Derived data: when the disk refuses, it stops and says nothing."""

    def __init__(self, folder: Path, stream: Stream) -> None:
        self._file = open(folder / f"{stream.name}.peaks", "xb", buffering=0)  # noqa: SIM115
        self._rest: Array = np.zeros((0, len(stream.channels)), stream.numpy_dtype)
        self._width = 2 * self._rest.itemsize * len(stream.channels)
        self._failed = False

    def append(self, rows: Array) -> None:
        """The next samples (n, n_channels)."""
        rows = np.concatenate([self._rest, rows]) if len(self._rest) else rows
        whole = len(rows) // BASE * BASE
        self._rest = rows[whole:].copy()
        if whole:
            self._write(rows[:whole])

    def skip(self, n: int) -> None:
        """`n` lost samples: zeros, as in the file of samples, and as sparse."""
        first = min(n, -len(self._rest) % BASE)
        self.append(np.zeros((first, *self._rest.shape[1:]), self._rest.dtype))
        blocks, rest = divmod(n - first, BASE)
        if blocks and not self._failed:
            self._file.seek(blocks * self._width, 1)
        self.append(np.zeros((rest, *self._rest.shape[1:]), self._rest.dtype))

    def close(self) -> None:
        """With the last, perhaps not full, block."""
        if len(self._rest):
            self._write(self._rest)
        self._file.close()

    def _write(self, rows: Array) -> None:
        if self._failed:
            return
        cuts = np.arange(0, len(rows), BASE)
        peaks = np.stack([np.minimum.reduceat(rows, cuts), np.maximum.reduceat(rows, cuts)], 1).tobytes()
        try:
            self._failed = self._file.write(peaks) != len(peaks)
        except OSError:
            self._failed = True
