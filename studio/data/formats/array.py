"""NumPy's `.npy`: (n_samples, n_channels), or (n_frames, ...) of a radar or another cube.

A cube becomes a stream with one channel per cell, in C order; the channel's name is the cell's index ("3.17"), so the
shape of a frame can be read back from the names. Complex cells become two channels, "3.17.re" and "3.17.im".
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from studio.data.formats.format import Format, Options
from studio.data.formats.piece import Hints, Piece, named, numbers, whole
from studio.data.formats.text import labels_beside
from studio.data.label_files import table
from studio.data.stream import Array, Stream
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.errors import DataError


def read_npy(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of an array."""
    found = _array(path)
    if not hints.rate_hz:
        next_step = "Give the rate (the field Rate, --rate, or rate_hz or frame_rate_hz in a manifest.json)."
        raise DataError(str(path), "does not say its sampling rate", next_step)
    values, dtype, names = flat(found, path)
    stream = named(Stream(hints.kind or "sensor", hints.rate_hz, names, "", dtype, kind=hints.kind or "sensor"), hints)
    beside = labels_beside(path).get("labels")
    told = replace(hints, labels=beside) if beside and not hints.labels and not hints.label else None
    yield Piece(path, (stream,), whole(stream, values), subject=hints.subject, split=hints.split, told=told)


def flat(found: Array, path: Path) -> tuple[Array, str, tuple[str, ...]]:
    """(values (n, n_channels), dtype, names of the channels) of an array of any shape."""
    names = _names(found)
    if np.iscomplexobj(found):
        found = np.stack([found.real, found.imag], axis=-1)
    values, dtype = numbers(found.reshape(len(found), -1), path)
    return values, dtype, names


def _array(path: Path) -> Array:
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError as e:
        raise DataError(str(path), "there is no such file", "Check the name and the folder.") from e
    except Exception as e:  # its header is Python source: a broken one raises whatever the parser does
        raise DataError(str(path), f"is not an array that can be read ({e})", "Save it with numpy.save.") from e
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "iufc" or found.ndim == 0 or found.size == 0:
        seen = f"holds {getattr(found, 'dtype', type(found).__name__)} of shape {getattr(found, 'shape', '?')}"
        raise DataError(str(path), seen, "Save samples as numbers, (n_samples, n_channels).")
    return found[:, None] if found.ndim == 1 else found


def _names(found: Array) -> tuple[str, ...]:
    cells = [".".join(map(str, cell)) for cell in np.ndindex(found.shape[1:])]
    if np.iscomplexobj(found):
        return tuple(f"{cell}.{part}" for cell in cells for part in ("re", "im"))
    return tuple(cells) if found.ndim > 2 else tuple(f"ch{cell}" for cell in cells)


def write_npy(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """An array for each item, and its labels beside it."""
    for item in items:
        for signal in item.signals:
            path = folder / f"{item.name}.npy"
            shape = len(signal), len(signal.stream.channels)
            made = np.lib.format.open_memmap(path, "w+", signal.stream.numpy_dtype, shape)
            at = 0
            for rows in signal.blocks():
                made[at : at + len(rows)] = rows
                at += len(rows)
            made.flush()
            yield path
        yield from write_beside(folder, item)


def write_beside(folder: Path, item: Item) -> Iterator[Path]:
    """The item's labels as NAME.labels.csv, when it has any."""
    if item.tracks:
        path = folder / f"{item.name}.labels.csv"
        table.write(path, item)
        yield path


def _stream(stream: Stream) -> Stream:
    channels = tuple(f"ch{i}" for i in range(len(stream.channels)))
    return Stream("sensor", stream.rate_hz, channels, "", stream.dtype)


FORMAT = Format(
    "NumPy array", (".npy",), read_npy, write_npy, Holds(stream=_stream, rate=False, tracks="all"),
    note="labels beside it, in NAME.labels.csv",
)  # fmt: skip
