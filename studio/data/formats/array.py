"""NumPy's `.npy`: (n_samples, n_channels), or (n_frames, ...) of a radar or another cube.

A cube becomes a stream with one channel per cell, in C order; the channel's name is the cell's index ("3.17"), so the
shape of a frame can be read back from the names. Complex cells become two channels, "3.17.re" and "3.17.im".
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from studio.data.formats.piece import Hints, Piece, integers, named
from studio.data.stream import Array, Chunk, Stream
from studio.errors import DataError


def read_npy(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of an array."""
    found = _array(path)
    if not hints.rate_hz:
        next_step = "Import it through a manifest.json that says rate_hz (or frame_rate_hz)."
        raise DataError(str(path), "does not say its sampling rate", next_step)
    names = _names(found)
    if np.iscomplexobj(found):
        found = np.stack([found.real, found.imag], axis=-1)
    values, dtype = _kept(path, found.reshape(len(found), -1))
    stream = named(Stream(hints.kind or "sensor", hints.rate_hz, names, "", dtype, kind=hints.kind or "sensor"), hints)
    yield Piece(path, (Chunk(stream, 0, values),), subject=hints.subject, split=hints.split)


def _array(path: Path) -> Array:
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError as e:
        raise DataError(str(path), "there is no such file", "Check the name and the folder.") from e
    except (OSError, ValueError, EOFError) as e:
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


def _kept(path: Path, values: Array) -> tuple[Array, str]:
    if values.dtype.kind in "iu":
        return integers(values, str(path))
    with np.errstate(over="ignore"):
        single = values.astype("<f4")
    bad = ~np.isfinite(single).all(axis=1)
    if bad.any():
        thing = f"{path.name}, sample {int(bad.argmax())}"
        raise DataError(thing, "is not a finite number", "Correct it, then import again.")
    return single, "f32"
