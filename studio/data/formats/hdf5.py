"""HDF5: ours, which holds a recording whole; Acconeer's A121 recordings; and arrays of others that say their rate.

/streams/NAME/samples (n, n_channels), with attributes rate_hz, unit, scale, kind; /streams/NAME/channels, /gaps
/labels/N: one row a label, attribute name; the file's attributes: subject, split, created, device (JSON)
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.formats.array import flat
from studio.data.formats.format import Format, Options
from studio.data.formats.piece import Hints, Piece, named, whole
from studio.data.formats.times import even_index
from studio.data.labels import Segment
from studio.data.raw import safe_name
from studio.data.stream import DTYPES, Array, Chunk, Stream
from studio.data.travel.guard import reading
from studio.data.travel.holds import Holds, trimmed
from studio.data.travel.item import Item, Signal
from studio.errors import DataError

_RATES = ("rate_hz", "sampling_rate", "sample_rate", "fs", "sr", "samplingrate")
_MADE_BY = "Sensorsmith Studio"


def read_hdf5(path: Path, hints: Hints) -> Iterator[Piece]:
    """The recordings of a file: one for each session of an A121 file, else one."""
    import h5py

    with reading(path, "HDF5"), h5py.File(path, "r") as file:
        if "generation" in file or "session" in file or "sessions" in file:
            pieces = list(_sessions(path, file, hints))
        elif file.attrs.get("creator") == _MADE_BY:
            pieces = [_ours(path, file, hints)]
        else:
            pieces = [_others(path, file, hints)]
    yield from pieces


def _ours(path: Path, file: Any, hints: Hints) -> Piece:
    streams: list[tuple[int, Stream]] = []
    chunks: list[Chunk] = []
    for name, group in file["streams"].items():
        a = group["samples"].attrs
        dtype = next(ours for ours, theirs in DTYPES.items() if theirs == group["samples"].dtype)
        channels = tuple(_words(group["channels"][()]))
        stream = Stream(name, float(a["rate_hz"]), channels, str(a["unit"]), dtype, float(a["scale"]), str(a["kind"]))
        streams.append((int(a.get("order", len(streams))), stream))
        chunks += whole(stream, group["samples"][()], group["gaps"][()].tolist())
    marks = {str(rows.attrs["name"]): [_segment(row) for row in rows[()]] for rows in file["labels"].values()}
    told = {key: str(file.attrs.get(key, "")) for key in ("subject", "split", "created")}
    ordered = tuple(s for _, s in sorted(streams, key=lambda pair: pair[0]))
    return Piece(
        path,
        ordered,
        chunks,
        marks,
        hints.subject or told["subject"],
        hints.split or told["split"],
        device=json.loads(file.attrs.get("device", "{}")),
        created=told["created"],
    )


def _words(found: Any) -> list[str]:
    return [w.decode() if isinstance(w, bytes) else str(w) for w in np.atleast_1d(found)]


def _segment(row: Any) -> Segment:
    label, comment = _words([row["label"], row["comment"]])
    return Segment(float(row["start_s"]), float(row["stop_s"]), label, float(row["score"]), comment)


# --- Acconeer A121 -----------------------------------------------------------------------


def _sessions(path: Path, file: Any, hints: Hints) -> Iterator[Piece]:
    generation = _words(file["generation"][()])[0] if "generation" in file else "a121"
    if generation != "a121":
        raise DataError(str(path), f"is of the generation {generation}", "Only A121 recordings can be read.")
    group = file["sessions"] if "sessions" in file else {"session": file["session"]}
    sessions = [s for name, s in sorted(group.items()) if name.startswith("session")]
    for session in sessions:
        yield _session(path, file, session, hints, len(sessions))


def _session(path: Path, file: Any, session: Any, hints: Hints, of: int) -> Piece:
    device: dict[str, Any] = {
        key: _words(file[key][()])[0] for key in ("lib_version", "timestamp", "uuid") if key in file
    }
    server = json.loads(_words(file["server_info"][()])[0]) if "server_info" in file else {}
    config = json.loads(_words(session["session_config"][()])[0]) if "session_config" in session else {}
    device |= {"board": "acconeer a121", "server_info": server, "session_config": config}
    ticks = float(server.get("ticks_per_second", 1000))
    entries = [
        (f"{g}.{e}", session[g][e])
        for g in sorted(k for k in session if k.startswith("group_"))
        for e in sorted(session[g])
    ]
    chunks = [_entry(path, name, entry, ticks, hints, len(entries)) for name, entry in entries]
    if not chunks:
        raise DataError(str(path), "holds a session without any sensor", "Leave it out of the import.")
    streams = tuple(chunk.stream for chunk in chunks)
    return Piece(path, streams, chunks, {}, hints.subject, hints.split, of, device=device)


def _entry(path: Path, name: str, entry: Any, ticks: float, hints: Hints, n: int) -> Chunk:
    """Frames (n, sweeps, points) of complex int16, each one sample; the rate as its ticks measured it."""
    frames = entry["result/frame"][()]
    parts = np.stack([frames["real"], frames["imag"]], axis=-1)
    sweeps, points = frames.shape[1:]
    channels = tuple(f"s{s}p{p}{part}" for s in range(sweeps) for p in range(points) for part in ("re", "im"))
    rate_hz = hints.rate_hz or _frame_rate(entry, ticks)
    if not rate_hz or not len(frames):
        seen = f"holds {len(frames)} frames, too few to tell their rate"
        raise DataError(str(path), seen, "Give the rate (--rate).")
    called = hints.stream or ("radar" if n == 1 else f"radar {name}")
    stream = Stream(called, rate_hz, channels, hints.unit, "i16", 1.0, hints.kind or "radar")
    return Chunk(stream, 0, parts.reshape(len(frames), -1).astype("<i2"))


def _frame_rate(entry: Any, ticks: float) -> float:
    time_s = np.asarray(entry["result/tick"][()], np.float64) / ticks
    if len(time_s) < 2 or time_s[-1] <= time_s[0]:
        return 0.0
    return float(f"{(len(time_s) - 1) / (time_s[-1] - time_s[0]):.6g}")


# --- others ------------------------------------------------------------------------------


def _others(path: Path, file: Any, hints: Hints) -> Piece:
    """Arrays of numbers; each must say its rate, have a time beside it, or the person says it for all."""
    found: list[tuple[str, Any]] = []
    file.visititems(lambda name, one: found.append((name, one)) if _is_samples(one) else None)
    times = {name: one for name, one in found if name.rpartition("/")[2].lower() in ("time", "t", "timestamps")}
    arrays = [(name, one) for name, one in found if name not in times]
    chunks = []
    for i, (name, one) in enumerate(arrays):
        beside = next((t for where, t in times.items() if where.rpartition("/")[0] == name.rpartition("/")[0]), None)
        rate_hz = hints.rate_hz or _said_rate(one, file) or _timed_rate(beside, one)
        if not rate_hz:
            next_step = "Give the rate (--rate), or an attribute rate_hz in the file."
            raise DataError(str(path), f"does not say the sampling rate of {name!r}", next_step)
        values, dtype, channels = flat(_two(one[()]), path)
        stream = Stream(_safe(name, i), rate_hz, channels, str(one.attrs.get("unit", "")), dtype)
        chunks.append(Chunk(named(stream, hints) if len(arrays) == 1 else stream, 0, values))
    if not chunks:
        raise DataError(str(path), "holds no array of numbers", "Leave it out of the import.")
    return Piece(path, tuple(c.stream for c in chunks), chunks, {}, hints.subject, hints.split)


def _two(found: Array) -> Array:
    return found[:, None] if found.ndim == 1 else found


def _is_samples(one: Any) -> bool:
    return bool(getattr(one, "ndim", 0)) and one.size > 1 and getattr(one, "dtype", np.dtype("O")).kind in "iufc"


def _said_rate(one: Any, file: Any) -> float:
    for attrs in (one.attrs, one.parent.attrs, file.attrs):
        for name, value in attrs.items():
            if name.lower() in _RATES and float(value) > 0:
                return float(value)
    return 0.0


def _timed_rate(beside: Any, one: Any) -> float:
    if beside is None or len(beside) != len(one):
        return 0.0
    return even_index(np.asarray(beside[()], np.float64))[0]


def _safe(name: str, number: int) -> str:
    try:
        return safe_name(name.replace("/", " "))
    except DataError:
        return f"array {number + 1}"


# --- writing -----------------------------------------------------------------------------


def write_hdf5(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """One file for each item."""
    import h5py

    for item in items:
        path = folder / f"{item.name}.h5"
        with h5py.File(path, "w") as file:
            told = {"creator": _MADE_BY, "subject": item.subject, "split": item.split, "created": item.created}
            file.attrs.update(told | {"device": json.dumps(dict(item.device), ensure_ascii=False)})
            streams = file.create_group("streams")
            for order, signal in enumerate(item.signals):
                _write_signal(streams.create_group(signal.stream.name), signal, order)
            _write_labels(file.create_group("labels"), item)
        yield path


def _write_signal(group: Any, signal: Signal, order: int) -> None:
    s, shape = signal.stream, (len(signal), len(signal.stream.channels))
    made = group.create_dataset("samples", shape, s.numpy_dtype, chunks=True, compression="gzip", compression_opts=4)
    at = 0
    for rows in signal.blocks():
        made[at : at + len(rows)] = rows
        at += len(rows)
    told: Mapping[str, Any] = {"rate_hz": s.rate_hz, "unit": s.unit, "scale": s.scale, "kind": s.kind, "order": order}
    made.attrs.update(told)
    group.create_dataset("gaps", data=np.array(signal.gaps, np.int64).reshape(-1, 2))
    group.create_dataset("channels", data=[c.encode() for c in s.channels])


def _write_labels(group: Any, item: Item) -> None:
    import h5py

    text = h5py.string_dtype()
    row = np.dtype([("start_s", "<f8"), ("stop_s", "<f8"), ("label", text), ("score", "<f8"), ("comment", text)])
    for number, (name, track) in enumerate(item.tracks.items()):
        rows = [(s.start_s, s.stop_s, s.label, s.score, s.comment) for s in track.segments]
        group.create_dataset(str(number), data=np.array(rows, row)).attrs["name"] = name


def clean_stream(stream: Stream) -> Stream:
    """A stream whose words hold no control characters."""
    channels = tuple(trimmed(c) or f"ch{i + 1}" for i, c in enumerate(stream.channels))
    words = {"unit": trimmed(stream.unit), "kind": trimmed(stream.kind) or "sensor"}
    return Stream(stream.name, stream.rate_hz, channels, words["unit"], stream.dtype, stream.scale, words["kind"])


FORMAT = Format(
    "HDF5", (".h5", ".hdf5"), read_hdf5, write_hdf5,
    Holds(
        streams=True, gaps=True, stream=clean_stream, subject=True, split=True, origin=True, tracks="all"
    ),
    note="also reads Acconeer A121 recordings",
)  # fmt: skip
