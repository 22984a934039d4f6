"""XDF, the file of LabRecorder: any number of streams with their stamps, labels as marker streams.

Read with pyxdf, which finds its way in damaged files; written here. A label track is a marker stream of four strings:
label, length in seconds, score, comment. Programs that know only markers show the label.
"""

import contextlib
import json
import logging
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

import numpy as np

from studio.data.formats.format import Format, Options
from studio.data.formats.hdf5 import clean_stream
from studio.data.formats.parquet import holed
from studio.data.formats.piece import Hints, Piece, named, numbers
from studio.data.formats.times import even_index
from studio.data.labels import Labels, Segment
from studio.data.raw import safe_name
from studio.data.stream import Chunk, Stream
from studio.data.travel.entry import Entry
from studio.data.travel.guard import reading
from studio.data.travel.holds import Gaps, Holds
from studio.data.travel.item import Item, Signal
from studio.errors import DataError

_FORMATS = {"i16": "int16", "i32": "int32", "f32": "float32"}
_MARKS = ("label", "length_s", "score", "comment")
_HEADER, _STREAM, _SAMPLES, _FOOTER = 1, 2, 3, 6
_TAGGED = (2, 3, 4, 6)
#: Samples of one chunk: small enough that a damaged one costs little.
_CHUNK = 4096


def read_xdf(path: Path, hints: Hints) -> Iterator[Piece]:
    """All streams of a file as one recording; what is whole in a half-written file is read."""
    with reading(path, "XDF"):
        yield _piece(path, hints)


def _piece(path: Path, hints: Hints) -> Piece:
    found, head, damage = _load(path)
    told = json.loads(_text(head, "sensorsmith") or "{}") if head else {}
    samples = [s for s in found if s["info"]["channel_format"][0] != "string" and len(s["time_series"])]
    if not samples:
        raise DataError(str(path), "holds no stream with samples", "Leave it out of the import.")
    origin_s = 0.0 if told else min(float(s["time_stamps"][0]) for s in samples)
    chunks = [c for i, s in enumerate(samples) for c in _chunks(path, s, origin_s, i, hints, len(samples))]
    marks = {}
    for s in found:
        if s["info"]["channel_format"][0] == "string" and len(s["time_series"]):
            marks[_text(s["info"], "name") or "labels"] = _marks(s, origin_s)
    streams = tuple({c.stream.name: c.stream for c in chunks}.values())
    entries = (Entry("", "unread", path.name, 1, damage),) if damage else ()
    return Piece(
        path,
        streams,
        chunks,
        marks,
        hints.subject or told.get("subject", ""),
        hints.split or told.get("split", ""),
        device=told.get("device", {}),
        created=told.get("created", ""),
        entries=entries,
    )


def _load(path: Path) -> tuple[list[Any], Any, str]:
    """(streams, header, what was damaged), with pyxdf's own words kept from the terminal."""
    import pyxdf

    log = logging.getLogger("pyxdf.pyxdf")
    heard: list[str] = []
    ear = logging.Handler(logging.ERROR)
    ear.emit = lambda record: heard.append(record.getMessage())  # type: ignore[method-assign]
    log.addHandler(ear)
    spoke, log.propagate = log.propagate, False
    try:
        found, head = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    finally:
        log.removeHandler(ear)
        log.propagate = spoke
    return found, head.get("info", {}), _damage(path)


def _damage(path: Path) -> str:
    """What is wrong with the chain of chunks, "" when it leads to the end of the file."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(4)
        at = 4
        while at < size:
            file.seek(at)
            width = file.read(1)
            n = width[0] if width else 0
            raw = file.read(n)
            if n not in (1, 4, 8) or len(raw) < n:
                return f"The file is damaged at byte {at}; what could be read was read."
            at += 1 + n + int.from_bytes(raw, "little")
    return "" if at == size else "The file ends inside a chunk; what is whole was read."


def _text(found: Any, key: str) -> str:
    value = (found or {}).get(key) or [""]
    return str(value[0] or "") if isinstance(value, list) else str(value)


def _chunks(path: Path, s: Any, origin_s: float, number: int, hints: Hints, of: int) -> Iterator[Chunk]:
    info = s["info"]
    values, dtype = numbers(np.asarray(s["time_series"]), path)
    stamps = np.asarray(s["time_stamps"], np.float64) - origin_s
    nominal = float(_text(info, "nominal_srate") or 0)
    rate_hz, index = even_index(stamps, nominal if math.isfinite(nominal) and nominal > 0 else 0.0)
    rate_hz = rate_hz or hints.rate_hz
    if not rate_hz:
        raise DataError(str(path), f"stream {_text(info, 'name')!r} does not say its rate", "Give it (--rate).")
    first = max(0, round(float(stamps[0]) * rate_hz))
    stream = _stream_of(info, number, rate_hz, dtype, values.shape[1])
    stream = named(stream, hints) if of == 1 else stream
    yield Chunk(stream, 0, values[:0])
    yield from holed(stream, index + first, values)


def _stream_of(info: Any, number: int, rate_hz: float, dtype: str, n: int) -> Stream:
    described = ((info.get("desc") or [None])[0] or {}).get("channels") or [{}]
    rows = (described[0] or {}).get("channel") or []
    names = [_text(row, "label") or f"ch{i + 1}" for i, row in enumerate(rows)]
    channels = tuple(names) if len(names) == n else tuple(f"ch{i + 1}" for i in range(n))
    units = {_text(row, "unit") for row in rows}
    scale = float(_text((info.get("desc") or [None])[0], "scale") or 1)
    unit = units.pop() if len(units) == 1 else ""
    kind = _text(info, "type") or "sensor"
    try:
        name = safe_name(_text(info, "name"))
    except DataError:
        name = f"stream {number + 1}"
    return Stream(name, rate_hz, channels, unit, dtype, scale, kind)


def _marks(s: Any, origin_s: float) -> list[Segment]:
    found = []
    for stamp, row in zip(s["time_stamps"], s["time_series"], strict=False):
        label, *rest = [str(cell) for cell in row]
        start_s = float(stamp) - origin_s
        stop_s, score, comment = start_s, 1.0, ""
        if len(rest) == len(_MARKS) - 1:
            with contextlib.suppress(ValueError):
                stop_s, score, comment = float(rest[0]), float(rest[1]), rest[2]
        found.append(Segment(start_s, stop_s, label.strip() or "marker", score, comment))
    return found


# --- writing -----------------------------------------------------------------------------


def write_xdf(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """One file for each item."""
    for item in items:
        path = folder / f"{item.name}.xdf"
        with open(path, "wb") as file:
            file.write(b"XDF:")
            _write_item(file, item)
            file.flush()
            os.fsync(file.fileno())
        yield path


def _write_item(file: BinaryIO, item: Item) -> None:
    told = {"subject": item.subject, "split": item.split, "created": item.created, "device": dict(item.device)}
    own = escape(json.dumps(told, ensure_ascii=False))
    file.write(chunk(_HEADER, _xml(f"<version>1.0</version><sensorsmith>{own}</sensorsmith>")))
    for number, signal in enumerate(item.signals, 1):
        file.write(chunk(_STREAM, _described(signal.stream), number))
        for start, rows in signal.runs():
            for at in range(0, len(rows), _CHUNK):
                stamp = (start + at) / signal.stream.rate_hz
                file.write(samples(number, stamp, rows[at : at + _CHUNK]))
        file.write(chunk(_FOOTER, _ends(len(signal), signal.duration_s), number))
    for number, (name, track) in enumerate(item.tracks.items(), len(item.signals) + 1):
        file.write(chunk(_STREAM, _marker_stream(name), number))
        file.write(chunk(_SAMPLES, _marker_rows(track), number))
        file.write(chunk(_FOOTER, _ends(len(track), item.duration_s), number))


def chunk(tag: int, content: bytes, stream: int = 0) -> bytes:
    """One chunk: length, tag, the stream's number where it has one, content."""
    body = struct.pack("<H", tag) + (struct.pack("<I", stream) if tag in _TAGGED else b"") + content
    return _length(len(body)) + body


def _length(n: int) -> bytes:
    return b"\x01" + struct.pack("<B", n) if n < 256 else b"\x04" + struct.pack("<I", n)


def samples(stream: int, stamp: float, rows: Any) -> bytes:
    """A chunk of samples: a stamp for the first, the others follow at the nominal rate."""
    raw = rows.tobytes()
    width = len(raw) // len(rows)
    cells = [raw[i : i + width] for i in range(0, len(raw), width)]
    body = b"\x08" + struct.pack("<d", stamp) + cells[0] + b"".join(b"\x00" + cell for cell in cells[1:])
    return chunk(_SAMPLES, _length(len(rows)) + body, stream)


def _marker_rows(track: Labels) -> bytes:
    rows = []
    for s in track.segments:
        words = [s.label, repr(s.stop_s), repr(s.score), s.comment]
        rows.append(b"\x08" + struct.pack("<d", s.start_s) + b"".join(_string(w) for w in words))
    return _length(len(rows)) + b"".join(rows)


def _string(word: str) -> bytes:
    raw = word.encode()
    return _length(len(raw)) + raw


def _xml(inner: str) -> bytes:
    return f'<?xml version="1.0"?><info>{inner}</info>'.encode()


def _described(s: Stream) -> bytes:
    channels = "".join(
        f"<channel><label>{escape(name)}</label><unit>{escape(s.unit)}</unit></channel>" for name in s.channels
    )
    return _xml(
        f"<name>{escape(s.name)}</name><type>{escape(s.kind)}</type><channel_count>{len(s.channels)}</channel_count>"
        f"<nominal_srate>{s.rate_hz!r}</nominal_srate><channel_format>{_FORMATS[s.dtype]}</channel_format>"
        f"<created_at>0</created_at><desc><scale>{s.scale!r}</scale><channels>{channels}</channels></desc>"
    )


def _marker_stream(name: str) -> bytes:
    channels = "".join(f"<channel><label>{name}</label></channel>" for name in _MARKS)
    return _xml(
        f"<name>{escape(name)}</name><type>Markers</type><channel_count>{len(_MARKS)}</channel_count>"
        "<nominal_srate>0</nominal_srate><channel_format>string</channel_format><created_at>0</created_at>"
        f"<desc><channels>{channels}</channels></desc>"
    )


def _ends(n: int, end_s: float) -> bytes:
    times = f"<first_timestamp>0.0</first_timestamp><last_timestamp>{end_s!r}</last_timestamp>"
    return _xml(f"{times}<sample_count>{n}</sample_count>")


def inner_gaps(signal: Signal) -> Gaps:
    """Stamps tell of every gap but one at the very end."""
    return tuple((a, n) for a, n in signal.gaps if a + n < len(signal))


FORMAT = Format(
    "XDF", (".xdf", ".xdfz"), read_xdf, write_xdf,
    Holds(
        streams=True, gaps=inner_gaps, stream=clean_stream, subject=True, split=True, origin=True, tracks="all"
    ),
    note="labels as marker streams",
)  # fmt: skip
