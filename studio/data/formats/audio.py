"""WAV and FLAC. 16-bit samples stay as they are; the scale makes full scale 1."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from studio.data.formats.piece import Hints, Piece, named
from studio.data.stream import Array, Chunk, Stream
from studio.errors import DataError

#: How libsndfile's subtypes are kept: (type to read, ours, scale). Others are kept as float32.
_KEPT = {
    "PCM_16": ("int16", "i16", 2.0**-15),
    "PCM_S8": ("int16", "i16", 2.0**-15),
    "PCM_U8": ("int16", "i16", 2.0**-15),
    "PCM_24": ("int32", "i32", 2.0**-31),
    "PCM_32": ("int32", "i32", 2.0**-31),
}


def read_audio(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of a sound file."""
    values, rate_hz, dtype, scale = _sound(path)
    if hints.rate_hz and hints.rate_hz != rate_hz:
        seen = f"is sampled at {rate_hz:g} Hz, the manifest says {hints.rate_hz:g} Hz"
        raise DataError(str(path), seen, "Leave rate_hz out for sound files.")
    if not len(values):
        raise DataError(str(path), "holds no sample", "Leave it out of the import.")
    if not np.isfinite(values).all():
        at = int((~np.isfinite(values)).any(axis=1).argmax())
        raise DataError(f"{path.name}, sample {at}", "is not a finite number", "Correct it, then import again.")
    n = values.shape[1]
    channels = ("mono",) if n == 1 else ("left", "right") if n == 2 else tuple(f"ch{i + 1}" for i in range(n))
    stream = named(Stream("microphone", rate_hz, channels, "", dtype, scale, "microphone"), hints)
    yield Piece(path, (Chunk(stream, 0, values),), subject=hints.subject, split=hints.split)


def _sound(path: Path) -> tuple[Array, float, str, float]:
    """(samples (n, n_channels), rate, dtype, scale)."""
    import soundfile

    if not path.is_file():
        raise DataError(str(path), "there is no such file", "Check the name and the folder.")
    try:
        with soundfile.SoundFile(str(path)) as file:
            read_as, dtype, scale = _KEPT.get(file.subtype, ("float32", "f32", 1.0))
            return file.read(dtype=read_as, always_2d=True), float(file.samplerate), dtype, scale
    except (soundfile.SoundFileError, RuntimeError, OSError) as e:
        raise DataError(str(path), f"is not a sound file that can be read ({e})", "Save it as WAV or FLAC.") from e
