"""Apache Parquet: a row a sample with `index` and `time_s`, what is known of the recording as metadata of the file."""

import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.formats.format import Format, Options
from studio.data.formats.hdf5 import clean_stream
from studio.data.formats.piece import Hints, Piece, named, numbers
from studio.data.formats.text import free_names
from studio.data.formats.times import TIME, even_index
from studio.data.labels import parse_tracks, plain_tracks
from studio.data.stream import Array, Chunk, Stream
from studio.data.travel.guard import reading
from studio.data.travel.holds import Gaps, Holds
from studio.data.travel.item import Item, Signal
from studio.errors import DataError

_KEY = b"sensorsmith"
_TAKEN = {"index", "time_s", "time", "t", "timestamp"}


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet

        return pyarrow
    except ImportError as e:
        next_step = "Install the studio's extra `parquet` (pip install pyarrow)."
        raise DataError("Parquet files", "need the library pyarrow, which is not installed", next_step) from e


def read_parquet(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of a table."""
    pa = _pyarrow()
    with reading(path, "Parquet"):
        file = pa.parquet.ParquetFile(path)
        told = json.loads((file.schema_arrow.metadata or {}).get(_KEY, b"{}"))
        piece = _ours(path, file, told, hints) if told else _others(path, file, hints)
    yield piece


def _ours(path: Path, file: Any, told: Any, hints: Hints) -> Piece:
    stream = Stream(**told["stream"] | {"channels": tuple(told["stream"]["channels"])})
    marks = {name: track.segments for name, track in parse_tracks(told["labels"]).items()}
    return Piece(
        path,
        (stream,),
        _rows(path, file, stream),
        marks,
        hints.subject or told["subject"],
        hints.split or told["split"],
        device=told["device"],
        created=told["created"],
    )


def _rows(path: Path, file: Any, stream: Stream) -> Iterator[Chunk]:
    yield Chunk(stream, 0, np.zeros((0, len(stream.channels)), stream.numpy_dtype))
    with reading(path, "Parquet"):
        for batch in file.iter_batches(1 << 16):
            index = batch.column("index").to_numpy()
            columns = [batch.column(name).to_numpy(zero_copy_only=False) for name in stream.channels]
            values = np.stack(columns, axis=1).astype(stream.numpy_dtype)
            yield from holed(stream, index, values)


def holed(stream: Stream, index: Array, values: Array) -> Iterator[Chunk]:
    """Chunks of samples whose index leaves holes."""
    borders = [0, *(np.flatnonzero(np.diff(index.astype(np.int64)) != 1) + 1).tolist(), len(index)]
    for a, b in itertools.pairwise(borders):
        if a < b:
            yield Chunk(stream, int(index[a]), values[a:b])


def _others(path: Path, file: Any, hints: Hints) -> Piece:
    """Numeric columns; a column of times gives the rate."""
    table = file.read()
    clock = next((c for c in table.column_names if TIME.fullmatch(c)), None)
    numeric = [c for c in table.column_names if c != clock and _is_number(table, c)]
    if not numeric or not table.num_rows:
        raise DataError(str(path), "holds no column of numbers", "Leave it out of the import.")
    rate_hz, index = hints.rate_hz, np.arange(table.num_rows)
    if clock is not None:
        rate_hz, index = even_index(_seconds(table.column(clock), clock), 0.0)
    if not rate_hz:
        raise DataError(str(path), "does not say its sampling rate", "Give it (--rate), or add a column time_s.")
    columns = [table.column(c).to_numpy() for c in numeric]
    values, dtype = numbers(np.stack(columns, axis=1), path)
    stream = named(Stream("sensor", hints.rate_hz or rate_hz, tuple(numeric), "", dtype), hints)
    return Piece(path, (stream,), list(holed(stream, index, values)), {}, hints.subject, hints.split)


def _is_number(table: Any, column: str) -> bool:
    import pyarrow

    kind = table.schema.field(column).type
    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind))


def _seconds(column: Any, name: str) -> Any:
    found = column.to_numpy()
    if found.dtype.kind == "M":
        return (found - found[0]) / np.timedelta64(1, "s")
    unit = (TIME.fullmatch(name) or [None, None, None])[2] or "s"
    return found.astype(np.float64) * {"ms": 1e-3, "us": 1e-6, "ns": 1e-9}.get(str(unit).lower(), 1.0)


# --- writing -----------------------------------------------------------------------------


def write_parquet(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """One table for each item."""
    pa = _pyarrow()
    for item in items:
        for signal in item.signals:
            path, s = folder / f"{item.name}.parquet", signal.stream
            told = {"stream": asdict(s), "labels": plain_tracks(item.tracks), "subject": item.subject}
            told |= {"split": item.split, "device": dict(item.device), "created": item.created}
            kinds = [("index", pa.int64()), ("time_s", pa.float64())]
            kinds += [(name, pa.from_numpy_dtype(s.numpy_dtype)) for name in s.channels]
            schema = pa.schema(kinds, metadata={_KEY: json.dumps(told, ensure_ascii=False).encode()})
            with pa.parquet.ParquetWriter(path, schema) as file:
                for start, rows in signal.runs():
                    file.write_table(_table(pa, schema, signal, start, rows))
            yield path


def _table(pa: Any, schema: Any, signal: Signal, start: int, rows: Array) -> Any:
    index = np.arange(start, start + len(rows))
    columns = [index, index / signal.stream.rate_hz, *np.ascontiguousarray(rows.T)]
    return pa.table([pa.array(c) for c in columns], schema=schema)


def unique_stream(stream: Stream) -> Stream:
    """Clean words, and no two channels of one name."""
    clean = clean_stream(stream)
    return replace(clean, channels=free_names(clean.channels, _TAKEN))


def _gaps(signal: Signal) -> Gaps:
    """Missing rows tell of gaps, but for one at the very end."""
    return tuple((a, n) for a, n in signal.gaps if a + n < len(signal))


FORMAT = Format(
    "Parquet", (".parquet", ".pq"), read_parquet, write_parquet,
    Holds(gaps=_gaps, stream=unique_stream, subject=True, split=True, origin=True, tracks="all"),
    note="needs the extra parquet",
)  # fmt: skip
