"""WAV and FLAC. 16-bit samples stay as they are; the scale makes full scale 1."""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.data.formats.array import write_beside
from studio.data.formats.format import Format, Options
from studio.data.formats.piece import Hints, Piece, named
from studio.data.formats.riff import read_cues, write_riff
from studio.data.formats.text import labels_beside
from studio.data.stream import Array, Chunk, Stream
from studio.data.travel.holds import Holds, whole_rate
from studio.data.travel.item import BLOCK, Item, Signal
from studio.errors import DataError, InputError

#: How libsndfile's subtypes are kept: (type to read, ours, scale). Others are kept as float32.
_KEPT = {
    "PCM_16": ("int16", "i16", 2.0**-15),
    "PCM_S8": ("int16", "i16", 2.0**-15),
    "PCM_U8": ("int16", "i16", 2.0**-15),
    "PCM_24": ("int32", "i32", 2.0**-31),
    "PCM_32": ("int32", "i32", 2.0**-31),
}
_SCALES = {"i16": 2.0**-15, "i32": 2.0**-31, "f32": 1.0}
#: What the FLAC format itself allows.
_FLAC_CHANNELS, _FLAC_HZ = 8, 655350


def read_audio(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of a sound file."""
    rate_hz, n_channels, n, dtype, scale = _head(path)
    if hints.rate_hz and hints.rate_hz != rate_hz:
        seen = f"is sampled at {rate_hz:g} Hz, the manifest says {hints.rate_hz:g} Hz"
        raise DataError(str(path), seen, "Leave rate_hz out for sound files.")
    if not n:
        raise DataError(str(path), "holds no sample", "Leave it out of the import.")
    stream = named(Stream("microphone", rate_hz, _channels(n_channels), "", dtype, scale, "microphone"), hints)
    marks = read_cues(path, rate_hz) if path.suffix.lower() != ".flac" else []
    beside = labels_beside(path).get("labels") if not marks else None
    told = replace(hints, labels=beside) if beside and not hints.labels and not hints.label else None
    reading = _Reading(path, stream, n)
    tracks = {"labels": marks} if marks else {}
    yield Piece(path, (stream,), reading, tracks, hints.subject, hints.split, share=reading.share, told=told)


def _channels(n: int) -> tuple[str, ...]:
    return ("mono",) if n == 1 else ("left", "right") if n == 2 else tuple(f"ch{i + 1}" for i in range(n))


def _open(path: Path) -> Any:
    import soundfile

    if not path.is_file():
        raise DataError(str(path), "there is no such file", "Check the name and the folder.")
    try:
        return soundfile.SoundFile(str(path))
    except (soundfile.SoundFileError, RuntimeError, OSError, TypeError) as e:
        raise DataError(str(path), f"is not a sound file that can be read ({e})", "Save it as WAV or FLAC.") from e


def _head(path: Path) -> tuple[float, int, int, str, float]:
    """(rate, channels, samples, dtype, scale)."""
    with _open(path) as file:
        _, dtype, scale = _KEPT.get(file.subtype, ("float32", "f32", 1.0))
        return float(file.samplerate), file.channels, file.frames, dtype, scale


class _Reading:
    """The samples of a sound file, some at a time."""

    def __init__(self, path: Path, stream: Stream, n: int) -> None:
        self._path, self._stream, self._n, self._at = path, stream, n, 0

    def share(self) -> float:
        return min(1.0, self._at / self._n)

    def __iter__(self) -> Iterator[Chunk]:
        with _open(self._path) as file:
            read_as = {"i16": "int16", "i32": "int32"}.get(self._stream.dtype, "float32")
            while True:
                try:
                    rows = file.read(BLOCK, dtype=read_as, always_2d=True)
                except (RuntimeError, OSError, ValueError) as e:
                    raise DataError(str(self._path), f"cannot be read on ({e})", "Save it as WAV or FLAC.") from e
                if not len(rows):
                    break
                self._check(rows)
                yield Chunk(self._stream, self._at, rows)
                self._at += len(rows)
        if not self._at:
            raise DataError(str(self._path), "holds no sample", "Leave it out of the import.")

    def _check(self, rows: Array) -> None:
        bad = ~np.isfinite(rows).all(axis=1)
        if bad.any():
            thing = f"{self._path.name}, sample {self._at + int(bad.argmax())}"
            raise DataError(thing, "is not a finite number", "Correct it, then import again.")


# --- writing -----------------------------------------------------------------------------


def write_wav(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """A WAV for each item, its labels as cues."""
    for item in items:
        if item.signals:
            write_riff(folder / f"{item.name}.wav", item)
            yield folder / f"{item.name}.wav"


def write_flac(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """A FLAC for each item, its labels beside it."""
    import soundfile

    for item in items:
        for signal in item.signals:
            path, stream = folder / f"{item.name}.flac", signal.stream
            subtype = "PCM_16" if stream.dtype == "i16" else "PCM_24"
            rate, channels = int(stream.rate_hz), len(stream.channels)
            with soundfile.SoundFile(str(path), "w", rate, channels, subtype, format="FLAC") as file:
                for rows in signal.blocks():
                    file.write(rows)
            yield path
        yield from write_beside(folder, item)


def _wav_stream(stream: Stream) -> Stream:
    channels = _channels(len(stream.channels))
    rate_hz = whole_rate(stream.rate_hz)
    return Stream("microphone", rate_hz, channels, "", stream.dtype, _SCALES[stream.dtype], "microphone")


def _flac_stream(stream: Stream) -> Stream:
    dtype = "i16" if stream.dtype == "i16" else "i32"
    return replace(_wav_stream(stream), dtype=dtype, scale=_SCALES[dtype])


def _flac_signal(signal: Signal, new: Stream) -> Signal:
    """16 bits as they are, all else in 24; InputError where FLAC has no place for the stream at all."""
    old = signal.stream
    if len(old.channels) > _FLAC_CHANNELS or new.rate_hz > _FLAC_HZ:
        seen = f"has {len(old.channels)} channels at {old.rate_hz:g} Hz; FLAC takes {_FLAC_CHANNELS} at {_FLAC_HZ} Hz"
        raise InputError(f"Stream {old.name!r}", seen, "Choose wav, hdf5 or another format.")
    if old.dtype == "i16":
        return replace(signal, stream=new, factor=old.scale / new.scale)
    return _from_float(signal, new) if old.dtype == "f32" else _from_long(signal, new)


def _from_long(signal: Signal, new: Stream) -> Signal:
    """32-bit integers: moved up where they leave room, else without their last eight bits."""
    peak = max((int(np.abs(rows.astype(np.int64)).max()) for rows in signal.blocks()), default=0)
    if peak < 2**23:
        factor = signal.stream.scale / (new.scale * 256)
        return replace(signal, stream=new, convert=lambda rows: rows.astype(np.int32) * np.int32(256), factor=factor)
    changed = sum(int((rows.astype(np.int64) & 255 != 0).sum()) for rows in signal.blocks())
    factor = signal.stream.scale / new.scale
    keep = np.int32(-256)
    return replace(
        signal, stream=new, convert=lambda rows: rows.astype(np.int32) & keep, changed=changed, factor=factor
    )


def _from_float(signal: Signal, new: Stream) -> Signal:
    """Floats as 24 bits of a full scale that is a power of two above the largest."""
    peak = max((float(np.abs(rows.astype(np.float64)).max()) for rows in signal.blocks()), default=0.0)
    full = 2.0 ** (math.floor(math.log2(peak)) + 1) if peak >= 1 else 1.0

    def steps(rows: Array) -> npt.NDArray[np.float64]:
        return np.clip(np.rint(rows.astype(np.float64) / full * 2**23), -(2**23), 2**23 - 1)

    def convert(rows: Array) -> Array:
        return np.asarray(steps(rows) * 256, np.int32)

    changed = sum(int(np.count_nonzero(steps(rows) * (full / 2**23) != rows)) for rows in signal.blocks())
    return replace(signal, stream=new, convert=convert, changed=changed, factor=full)


WAV = Format(
    "WAV sound", (".wav",), read_audio, write_wav,
    Holds(stream=_wav_stream, score=False, ticks="samples"), note="labels as cue points",
)  # fmt: skip
FLAC = Format(
    "FLAC sound", (".flac",), read_audio, write_flac,
    Holds(stream=_flac_stream, convert=_flac_signal, tracks="all"), note="labels beside it, in NAME.labels.csv",
)  # fmt: skip
