"""MCAP, the file of Foxglove: a message a sample, as JSON that anybody can plot; `sequence` is the sample's index."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.formats.format import Format, Options
from studio.data.formats.parquet import holed, unique_stream
from studio.data.formats.piece import Hints, Piece, named, numbers
from studio.data.formats.times import even_index
from studio.data.formats.xdf import inner_gaps
from studio.data.labels import Segment, parse_row, plain_row
from studio.data.raw import safe_name
from studio.data.stream import Chunk, Stream
from studio.data.travel.entry import Entry
from studio.data.travel.guard import reading
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item, Signal
from studio.errors import DataError

_KEY, _LABELS = "sensorsmith", "/labels"


class _Topic:
    """The messages of one topic."""

    def __init__(self, channel: Any) -> None:
        self.topic, self.metadata = str(channel.topic), dict(channel.metadata)
        self.rows: list[list[float]] = []
        self.stamps: list[int] = []
        self.index: list[int] = []
        self.names: tuple[str, ...] = ()
        self.skipped = 0

    def take(self, found: Any, message: Any) -> None:
        """One message: an object of numbers; anything else is counted."""
        flat = {k: v for k, v in found.items() if isinstance(v, int | float)} if isinstance(found, dict) else {}
        self.names = self.names or tuple(flat)
        if not flat or tuple(flat) != self.names:
            self.skipped += 1
            return
        self.rows.append(list(flat.values()))
        self.stamps.append(message.publish_time or message.log_time)
        self.index.append(message.sequence)


def read_mcap(path: Path, hints: Hints) -> Iterator[Piece]:
    """All topics of JSON numbers as one recording; what is whole in a half-written file is read."""
    with reading(path, "MCAP"):
        yield _piece(path, hints)


def _piece(path: Path, hints: Hints) -> Piece:
    topics, labels, told, damage = _messages(path)
    filled = [t for t in topics if t.rows]
    entries = [Entry("", "unread", t.topic, t.skipped, "Messages that are no numbers.") for t in topics if t.skipped]
    entries += [Entry("", "unread", path.name, 1, damage)] if damage else []
    if not filled:
        raise DataError(str(path), "holds no topic of JSON numbers", "Only JSON messages can be read.")
    origin_ns = 0 if told else min(t.stamps[0] for t in filled)
    chunks = [c for t in filled for c in _chunks(path, t, origin_ns, hints, len(filled))]
    return Piece(
        path,
        tuple({c.stream.name: c.stream for c in chunks}.values()),
        chunks,
        labels,
        hints.subject or told.get("subject", ""),
        hints.split or told.get("split", ""),
        device=json.loads(told.get("device", "{}")),
        created=told.get("created", ""),
        entries=tuple(entries),
    )


def _messages(path: Path) -> tuple[list[_Topic], dict[str, list[Segment]], dict[str, str], str]:
    """(topics, labels, metadata of the recording, what was damaged)."""
    from mcap.records import Channel, Message, Metadata
    from mcap.stream_reader import StreamReader

    topics: dict[int, _Topic] = {}
    labels: dict[str, list[Segment]] = {}
    told: dict[str, str] = {}
    try:
        with open(path, "rb") as file:
            for record in StreamReader(file, record_size_limit=1 << 28).records:
                if isinstance(record, Channel) and record.message_encoding == "json":
                    topics.setdefault(record.id, _Topic(record))
                elif isinstance(record, Metadata) and record.name == _KEY:
                    told |= record.metadata
                elif isinstance(record, Message) and record.channel_id in topics:
                    _take(topics[record.channel_id], record, labels)
    except Exception as e:  # a half-written chunk trips the reader, or what unpacks it, anywhere
        if not any(t.rows for t in topics.values()):
            raise
        return list(topics.values()), labels, told, f"The file ends early ({type(e).__name__}); what is whole was read."
    return list(topics.values()), labels, told, ""


def _take(topic: _Topic, message: Any, labels: dict[str, list[Segment]]) -> None:
    found = json.loads(message.data)
    if topic.topic == _LABELS and isinstance(found, dict) and "segment" in found:
        labels.setdefault(str(found["track"]), []).append(parse_row(found["segment"]))
    else:
        topic.take(found, message)


def _chunks(path: Path, t: _Topic, origin_ns: int, hints: Hints, of: int) -> Iterator[Chunk]:
    raw = np.array(t.rows)
    if _KEY in t.metadata:
        told = json.loads(t.metadata[_KEY])
        stream = Stream(**told | {"channels": tuple(told["channels"])})
        index, values = np.array(t.index, np.int64), raw.astype(stream.numpy_dtype)
    else:
        time_s = np.asarray((np.array(t.stamps, np.int64) - origin_ns) * 1e-9, np.float64)
        rate_hz, index = even_index(time_s)
        rate_hz = hints.rate_hz or rate_hz
        if not rate_hz:
            raise DataError(str(path), f"topic {t.topic!r} does not say its rate", "Give it (--rate).")
        values, dtype = numbers(raw.astype(np.float64), path)
        index = index + max(0, round(float(time_s[0]) * rate_hz))
        stream = Stream(_safe(t.topic), rate_hz, t.names, "", dtype)
        stream = named(stream, hints) if of == 1 else stream
    yield Chunk(stream, 0, values[:0])
    yield from holed(stream, index, values)


def _safe(topic: str) -> str:
    name = topic.strip("/").replace("/", " ")
    try:
        return safe_name(name)
    except DataError:
        return "topic"


# --- writing -----------------------------------------------------------------------------


def write_mcap(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """One file for each item."""
    from mcap.writer import Writer

    for item in items:
        path = folder / f"{item.name}.mcap"
        with open(path, "wb") as file:
            writer = Writer(file)
            writer.start("", "sensorsmith")
            told = {"subject": item.subject, "split": item.split, "created": item.created}
            writer.add_metadata(_KEY, told | {"device": json.dumps(dict(item.device), ensure_ascii=False)})
            schema = writer.register_schema("sample", "jsonschema", b'{"type":"object"}')
            for signal in item.signals:
                _write_signal(writer, signal, schema)
            _write_labels(writer, item, schema)
            writer.finish()
        yield path


def _write_signal(writer: Any, signal: Signal, schema: int) -> None:
    s = signal.stream
    own = {_KEY: json.dumps(asdict(s), ensure_ascii=False)}
    channel = writer.register_channel(f"/{s.name}", "json", schema, own)
    keys = [f"{json.dumps(name, ensure_ascii=False)}:" for name in s.channels]
    for start, rows in signal.runs():
        for i, row in enumerate(rows.astype(str).tolist(), start):
            data = "{" + ",".join(k + v for k, v in zip(keys, row, strict=True)) + "}"
            time_ns = round(i / s.rate_hz * 1e9)
            writer.add_message(channel, time_ns, data.encode(), time_ns, i & 0xFFFFFFFF)


def _write_labels(writer: Any, item: Item, schema: int) -> None:
    rows = sorted((s, name) for name, track in item.tracks.items() for s in track.segments)
    if not rows:
        return
    channel = writer.register_channel(_LABELS, "json", schema, {})
    for i, (s, name) in enumerate(rows):
        data = {"track": name, "label": s.label, "segment": plain_row(s)}
        time_ns = round(s.start_s * 1e9)
        writer.add_message(channel, time_ns, json.dumps(data, ensure_ascii=False).encode(), time_ns, i)


FORMAT = Format(
    "MCAP", (".mcap",), read_mcap, write_mcap,
    Holds(
        streams=True, gaps=inner_gaps, stream=unique_stream, subject=True, split=True, origin=True, tracks="all"
    ),
    note="a JSON message a sample",
)  # fmt: skip
