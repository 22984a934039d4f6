"""WAV files with labels: samples as PCM or float, labels as cue points with a length (ltxt), a name (labl), a note."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from studio.data.labels import Segment
from studio.data.stream import Stream
from studio.data.travel.item import Item, Signal
from studio.errors import InputError

_MOST = 0xFFFF_FF00
#: Our types -> (format tag, bits).
_TAGS = {"i16": (1, 16), "i32": (1, 32), "f32": (3, 32)}
#: How many labels a foreign file may hold; a damaged one claims any number.
_MOST_CUES = 1_000_000


def write_riff(path: Path, item: Item) -> None:
    """The item's one stream and its labels; InputError when a WAV cannot be so large."""
    (signal,) = item.signals
    extra = _cue_chunks(item, signal.stream.rate_hz)
    n_bytes = len(signal) * len(signal.stream.channels) * signal.stream.numpy_dtype.itemsize
    if n_bytes + len(extra) > _MOST:
        seen = f"has {n_bytes >> 20} MB, a WAV holds 4095"
        raise InputError(f"Recording {item.name!r}", seen, "Choose flac, hdf5 or xdf.")
    head = _head(signal.stream, len(signal))
    padding = b"\0" * (n_bytes % 2)
    size = 4 + len(head) + 8 + n_bytes + len(padding) + len(extra)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", size) + b"WAVE" + head)
        file.write(b"data" + struct.pack("<I", n_bytes))
        _write_samples(file, signal)
        file.write(padding + extra)


def _write_samples(file: BinaryIO, signal: Signal) -> None:
    for rows in signal.blocks():
        file.write(rows.astype(signal.stream.numpy_dtype).tobytes())


def _head(stream: Stream, n: int) -> bytes:
    tag, bits = _TAGS[stream.dtype]
    channels, rate = len(stream.channels), int(stream.rate_hz)
    align = channels * bits // 8
    found = struct.pack("<HHIIHH", tag, channels, rate, min(rate * align, 0xFFFFFFFF), align & 0xFFFF, bits)
    if tag == 1:
        return _chunk(b"fmt ", found)
    return _chunk(b"fmt ", found + b"\0\0") + _chunk(b"fact", struct.pack("<I", n))


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def _cue_chunks(item: Item, rate_hz: float) -> bytes:
    found = item.labels
    if not found:
        return b""
    points, texts = [], [b"adtl"]
    for i, s in enumerate(found, 1):
        start, stop = round(s.start_s * rate_hz), round(s.stop_s * rate_hz)
        points.append(struct.pack("<II4sIII", i, start, b"data", 0, 0, start))
        texts.append(_chunk(b"labl", struct.pack("<I", i) + s.label.encode() + b"\0"))
        if stop > start:
            texts.append(_chunk(b"ltxt", struct.pack("<II4sHHHH", i, stop - start, b"rgn ", 0, 0, 0, 65001)))
        if s.comment:
            texts.append(_chunk(b"note", struct.pack("<I", i) + s.comment.encode() + b"\0"))
    return _chunk(b"cue ", struct.pack("<I", len(found)) + b"".join(points)) + _chunk(b"LIST", b"".join(texts))


# --- reading -----------------------------------------------------------------------------


def read_cues(path: Path, rate_hz: float) -> list[Segment]:
    """The labels in a WAV; a damaged part of them is passed over, the samples matter more."""
    starts: dict[int, int] = {}
    lengths: dict[int, int] = {}
    names: dict[int, str] = {}
    notes: dict[int, str] = {}
    for name, content in _chunks(path):
        if name == b"cue ":
            starts |= _cues(content)
        elif name == b"LIST" and content[:4] == b"adtl":
            for kind, body in _inner(content[4:]):
                _take(kind, body, lengths, names, notes)
    found = []
    for number, start in starts.items():
        stop = start + lengths.get(number, 0)
        label = names.get(number) or f"cue {number}"
        found.append(Segment(start / rate_hz, stop / rate_hz, label, 1.0, notes.get(number, "")))
    return found


def _take(kind: bytes, body: bytes, lengths: dict[int, int], names: dict[int, str], notes: dict[int, str]) -> None:
    if len(body) < 4:
        return
    (number,) = struct.unpack_from("<I", body)
    if kind == b"ltxt" and len(body) >= 8:
        (lengths[number],) = struct.unpack_from("<I", body, 4)
        if body[20:].strip(b"\0"):
            names.setdefault(number, _text(body[20:]))
    elif kind == b"labl":
        names[number] = _text(body[4:])
    elif kind == b"note":
        notes[number] = _text(body[4:])


def _cues(content: bytes) -> dict[int, int]:
    if len(content) < 4:
        return {}
    n = min(struct.unpack_from("<I", content)[0], (len(content) - 4) // 24, _MOST_CUES)
    rows = (struct.unpack_from("<II4sIII", content, 4 + 24 * i) for i in range(n))
    return {row[0]: row[5] for row in rows}


def _text(raw: bytes) -> str:
    raw = raw.split(b"\0")[0]
    try:
        return raw.decode().strip()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace").strip()


def _chunks(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Chunks after the RIFF header, but for the samples."""
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return
        while len(head := file.read(8)) == 8:
            name, size = head[:4], struct.unpack("<I", head[4:])[0]
            if name in (b"cue ", b"LIST"):
                yield name, file.read(min(size, 1 << 28))
                file.seek(size % 2, 1)
            else:
                file.seek(size + size % 2, 1)


def _inner(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(content):
        (size,) = struct.unpack_from("<I", content, at + 4)
        yield content[at : at + 4], content[at + 8 : at + 8 + size]
        at += 8 + size + size % 2
