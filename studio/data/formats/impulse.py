"""Edge Impulse's data acquisition format, JSON and CBOR, signed; labels beside it in info.labels.

The signature is HMAC-SHA256 over the very bytes of the file with 64 zeros in its place. Values are in the unit, but
sound, which stays int16 with the unit "wav".
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from studio.data.formats.format import Format, Options
from studio.data.formats.piece import Hints, Piece, named, whole
from studio.data.label_files import impulse as labels
from studio.data.label_files.about import About
from studio.data.labels import Segment
from studio.data.stream import Array, Stream
from studio.data.travel.guard import reading
from studio.data.travel.item import Item, Signal
from studio.data.travel.letters import encoding_of, head_of, text_of
from studio.errors import DataError
from studio.paths import write_atomic

ZEROS = "0" * 64
_PARTS = {"train": "training", "test": "testing", "": "split"}
_SOUND = "wav"
_NO_UNIT = ("N/A", _SOUND)


# --- reading -----------------------------------------------------------------------------


def read_acquisition(path: Path, hints: Hints) -> Iterator[Piece]:
    """One recording out of a file, JSON or CBOR, or all that an export's folder names."""
    if path.is_dir():
        yield from _folder(path, hints)
        return
    with reading(path, "Edge Impulse"):
        yield _piece(path, hints, 1)


def _folder(path: Path, hints: Hints) -> Iterator[Piece]:
    with reading(path / labels.INFO, "Edge Impulse"):
        names = [str(f["path"]) for f in labels.document(path / labels.INFO)["files"]]
    for name in names:
        file = path / name
        if not file.resolve().is_relative_to(path.resolve()) or not file.is_file():
            raise DataError(str(path / labels.INFO), f"names {name!r}, which is not there", "Bring the file back.")
        if file.suffix.lower() in (".json", ".cbor"):
            with reading(file, "Edge Impulse"):
                yield _piece(file, hints, len(names))


def _piece(path: Path, hints: Hints, of: int) -> Piece:
    payload = _payload(path)
    interval_ms = float(payload["interval_ms"])
    if not 0 < interval_ms < float("inf"):
        raise DataError(str(path), f"interval_ms is {interval_ms:g}", "It is the time between samples, above 0.")
    values = _values(path, payload)
    stream = named(_described(payload, values, interval_ms), hints)
    if len(stream.channels) != values.shape[1]:
        seen = f"names {len(stream.channels)} sensors and has {values.shape[1]} values a sample"
        raise DataError(str(path), seen, "Correct the file.")
    rows = values.astype(stream.numpy_dtype)
    rate_hz = stream.rate_hz
    known = About(path.name, rate_hz, len(rows), len(rows) / rate_hz)
    found, subject, split = _beside(path, known)
    device = {k: str(payload[k]) for k in ("device_name", "device_type") if payload.get(k)}
    return Piece(
        path, (stream,), whole(stream, rows), found, hints.subject or subject, hints.split or split, of, device=device
    )


def _payload(path: Path) -> dict[str, Any]:
    import cbor2

    if path.suffix.lower() == ".cbor" or _is_cbor(path):
        found = cbor2.loads(path.read_bytes())
    else:
        found = json.loads(text_of(path))
    payload = found["payload"]
    if not isinstance(payload, dict):
        raise DataError(str(path), "has no payload", "Choose a file of Edge Impulse's data acquisition format.")
    return payload


def _is_cbor(path: Path) -> bool:
    with open(path, "rb") as file:
        head = file.read(512)
    return encoding_of(head) is None or head[:1] in (b"\xa3", b"\xbf")


def _values(path: Path, payload: dict[str, Any]) -> Array:
    rows = payload["values"]
    if not isinstance(rows, list) or not rows:
        raise DataError(str(path), "holds no sample", "Leave it out of the import.")
    found = np.array(rows, np.float64)
    found = found[:, None] if found.ndim == 1 else found
    bad = ~(np.abs(found) <= np.finfo(np.float32).max).all(axis=1)
    if bad.any():
        thing = f"{path.name}, sample {int(bad.argmax())}"
        raise DataError(thing, "is not a finite number", "Correct it, then import again.")
    return found


def _described(payload: dict[str, Any], values: Array, interval_ms: float) -> Stream:
    sensors = payload.get("sensors") or [{"name": f"ch{i}"} for i in range(values.shape[1])]
    units = {str(s.get("units") or "N/A") for s in sensors}
    channels = tuple(str(s.get("name", "")) for s in sensors)
    rate_hz = float(f"{1000 / interval_ms:.15g}")
    unit = units.pop() if len(units) == 1 else ""
    fits = values.size and np.array_equal(values, values.astype("<i2"))
    if unit == _SOUND and fits:
        return Stream("microphone", rate_hz, channels, "", "i16", 2.0**-15, "microphone")
    return Stream("sensor", rate_hz, channels, "" if unit in _NO_UNIT else unit)


def _beside(path: Path, known: About) -> tuple[dict[str, list[Segment]], str, str]:
    """(labels, subject, split) that info.labels, or structured_labels.labels, in the same folder says of the file."""
    info, structured = path.with_name(labels.INFO), path.with_name(labels.STRUCTURED)
    if info.is_file():
        entries = {Path(str(f["path"])).name: f for f in labels.document(info)["files"]}
        entry = entries.get(path.name)
        if entry is not None:
            split = {v: k for k, v in _PARTS.items()}.get(str(entry.get("category", "split")), "")
            subject = str((entry.get("metadata") or {}).get("subject", ""))
            return {"labels": labels.of_entry(entry, known, info)}, subject, split
    if structured.is_file() and path.name in labels.document(structured).get("structuredLabels", {}):
        return labels.read(structured, known), "", ""
    return {}, "", ""


def signed(data: bytes, key: str) -> bool:
    """Whether the file's signature is that of `key`; JSON and CBOR alike."""
    at, size = _signature_at(data)
    if size != 64:
        return False
    bare = data[:at] + ZEROS.encode() + data[at + 64 :]
    return hmac.compare_digest(_sign(bare, key), data[at : at + 64].decode("ascii", "replace"))


def _signature_at(data: bytes) -> tuple[int, int]:
    """(where its 64 letters begin, 64), or (0, 0) when the file has none."""
    for mark in (b'"signature":"', b"signature\x78\x40"):
        at = data.find(mark)
        if at >= 0 and len(data) >= at + len(mark) + 64:
            return at + len(mark), 64
    return 0, 0


def _sign(bare: bytes, key: str) -> str:
    return hmac.new(key.encode(), bare, hashlib.sha256).hexdigest()


# --- writing -----------------------------------------------------------------------------


def _stream(stream: Stream) -> Stream:
    rate_hz = float(f"{1000 / _number(1000 / stream.rate_hz):.15g}")
    if _is_sound(stream):
        return Stream("microphone", rate_hz, stream.channels, "", "i16", 2.0**-15, "microphone")
    return Stream("sensor", rate_hz, stream.channels, "" if stream.unit in _NO_UNIT else stream.unit)


def _is_sound(stream: Stream) -> bool:
    return stream.kind == "microphone" and stream.dtype == "i16" and len(stream.channels) == 1


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value


def header(stream: Stream, device_name: str = "", device_type: str = "SENSORSMITH") -> dict[str, Any]:
    """The payload but for its values, in the order of the format."""
    found: dict[str, Any] = {"device_name": device_name} if device_name else {}
    unit = _SOUND if stream.kind == "microphone" and stream.dtype == "i16" else stream.unit or "N/A"
    found |= {"device_type": device_type, "interval_ms": 1000 / stream.rate_hz}
    return found | {"sensors": [{"name": name, "units": unit} for name in stream.channels]}


def json_bytes(payload: Mapping[str, Any], rows: Iterable[Array], key: str, iat: int) -> bytes:
    """A signed JSON file; `rows` are blocks (n, n_channels)."""
    top = {"protected": {"ver": "v1", "alg": "HS256", "iat": iat}, "signature": ZEROS}
    told = {**payload, "interval_ms": _number(payload["interval_ms"])}
    words = [json.dumps(part, separators=(",", ":"), ensure_ascii=False)[:-1] for part in (top, told)]
    values = ",".join(_json_rows(rows))
    bare = f'{words[0]},"payload":{words[1]},"values":[{values}]}}}}'.encode()
    return bare.replace(ZEROS.encode(), _sign(bare, key).encode(), 1)


def _json_rows(blocks: Iterable[Array]) -> Iterator[str]:
    for rows in blocks:
        for row in rows.astype(str).tolist():
            yield f"[{','.join(row)}]"


def cbor_bytes(payload: Mapping[str, Any], rows: Iterable[Array], key: str) -> bytes:
    """A signed CBOR file: header, an array without length, one item a sample."""
    import cbor2

    top = cbor2.dumps({"protected": {"ver": "v1", "alg": "HS256"}, "signature": ZEROS})
    told = cbor2.dumps({**payload, "interval_ms": float(payload["interval_ms"])})
    head = b"\xa3" + top[1:] + cbor2.dumps("payload")
    head += bytes([0xA0 | (told[0] & 0x1F) + 1]) + told[1:] + cbor2.dumps("values") + b"\x9f"
    bare = head + b"".join(_cbor_rows(rows)) + b"\xff"
    return bare.replace(ZEROS.encode(), _sign(bare, key).encode(), 1)


def _cbor_rows(blocks: Iterable[Array]) -> Iterator[bytes]:
    """A bare number for one channel, else an array of doubles; integers stay integers."""
    import cbor2

    for rows in blocks:
        found = rows.tolist() if rows.dtype.kind == "i" else rows.astype(np.float64).tolist()
        single = rows.shape[1] == 1
        yield b"".join(cbor2.dumps(row[0] if single else row) for row in found)


def _write(folder: Path, items: list[Item], options: Options, suffix: str) -> Iterator[Path]:
    files, structured = [], {}
    for item in items:
        for signal in item.signals:
            name = f"{item.name}{suffix}"
            (folder / name).write_bytes(_content(item, signal, options, suffix))
            files.append(_entry(item, name))
            structured[name] = labels.covering(item)
            yield folder / name
    info = {"version": 1, "files": files}
    write_atomic(folder / labels.INFO, json.dumps(info, ensure_ascii=False, indent=1) + "\n")
    yield folder / labels.INFO
    if any(item.tracks for item in items):
        write_atomic(folder / labels.STRUCTURED, labels.structured(structured))
        yield folder / labels.STRUCTURED


def _content(item: Item, signal: Signal, options: Options, suffix: str) -> bytes:
    payload = header(signal.stream, item.name)
    if suffix == ".cbor":
        return cbor_bytes(payload, signal.blocks(), options.key)
    return json_bytes(payload, signal.blocks(), options.key, int(time.time()))


def _entry(item: Item, name: str) -> dict[str, Any]:
    label: dict[str, Any] = {"type": "unlabeled"}
    if item.tracks:
        label = {"type": "multi-label", "labels": labels.covering(item)}
    metadata = {"subject": item.subject} if item.subject else {}
    return {"path": name, "name": item.name, "category": _PARTS[item.split], "label": label, "metadata": metadata}


def write_json(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """A signed JSON for each item, and their labels."""
    yield from _write(folder, items, options, ".json")


def write_cbor(folder: Path, items: list[Item], options: Options) -> Iterator[Path]:
    """A signed CBOR for each item, and their labels."""
    yield from _write(folder, items, options, ".cbor")


def _mine(path: Path) -> bool:
    if path.is_dir():
        return (path / labels.INFO).is_file()
    return '"payload"' in head_of(path)


_HOLDS = replace(labels.HOLDS, signals=True, stream=_stream, subject=True, split=True)
JSON = Format(
    "Edge Impulse JSON", (".json",), read_acquisition, write_json, _HOLDS, _mine, "labels in info.labels, signed"
)  # fmt: skip
CBOR = Format(
    "Edge Impulse CBOR", (".cbor",), read_acquisition, write_cbor, _HOLDS, None, "labels in info.labels, signed"
)
