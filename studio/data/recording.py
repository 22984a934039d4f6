"""A recording: a folder with one raw little-endian file per stream and `recording.json`.

    <stream>.raw     rows of the stream's type; the position in the file is the index of the sample
    <stream>.clock   rows of three int64: index, device clock in us, host clock in ns; one row per chunk
    <stream>.peaks   minima and maxima of every 32 samples, for plots; made from the samples where it is missing
    edits.jsonl      edits of labels that recording.json does not hold yet, see `edits`
    journal.jsonl    gaps, one a line, written before the samples after them; only while recording or after a crash
    recording.json   streams, gaps, labels, subject, split, device, clock (origin; once closed, its fit and true rates),
                     videos, where there are any
    seal.json        length and SHA-256 of the raw and clock files, see `seal`

The raw files only grow and are the truth: how many samples there are is asked of them. So a process that is killed
loses nothing that the system took, and its recording opens like any other. A loss on the way is kept as a gap: the
file holds zeros there (sparse, they cost no disk) and the gap says that nobody measured them.
"""

import contextlib
import json
import math
import os
import shutil
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from studio.data import edits
from studio.data.clock import Fit, Ints, Rate, device_fit, line_at, parse_fit, true_rate
from studio.data.document import FORMAT, broken, document, write_document, written
from studio.data.labels import Labels, parse_tracks, plain_tracks
from studio.data.raw import StreamFile, disk_error, merged, safe_name
from studio.data.seal import seal_at_once
from studio.data.stream import Array, Chunk, Floats, Stream
from studio.data.video import VideoTrack, parse_videos
from studio.errors import DataError

Gaps = dict[str, tuple[tuple[int, int], ...]]
#: How long a writer waits for the first chunk of every stream, to begin them all at one moment.
ALIGN_S = 0.4
SYNC_S = 0.5


@dataclass(frozen=True, eq=False)
class Recording:
    """What a folder holds. `gaps` are (index of the first lost sample, how many); `split` is "", "train" or "test"."""

    path: Path
    id: str
    streams: tuple[Stream, ...]
    n_samples: dict[str, int]
    gaps: Gaps = field(default_factory=dict)
    labels: dict[str, Labels] = field(default_factory=dict)
    subject: str = ""
    split: str = ""
    device: dict[str, Any] = field(default_factory=dict)
    created: str = ""
    clock: dict[str, Any] = field(default_factory=dict)
    video: tuple[VideoTrack, ...] = ()

    def stream(self, name: str) -> Stream:
        """The stream of this name; DataError when the recording has none."""
        for s in self.streams:
            if s.name == name:
                return s
        known = ", ".join(s.name for s in self.streams)
        raise DataError(f"Recording {self.id!r}", f"has no stream {name!r}", f"It has {known}.")

    def raw(self, name: str) -> Array:
        """Samples (n, n_channels) as the device sent them, mapped from the file; zeros inside gaps."""
        stream, n = self.stream(name), self.n_samples[name]
        shape = n, len(stream.channels)
        if n == 0:
            return np.zeros(shape, stream.numpy_dtype)
        return np.memmap(self.path / f"{name}.raw", stream.numpy_dtype, "r", shape=shape)

    def values(self, name: str, start: int = 0, stop: int | None = None) -> Floats:
        """Samples [start, stop) in the stream's unit, (n, n_channels) float32; NaN inside gaps."""
        stop = self.n_samples[name] if stop is None else min(stop, self.n_samples[name])
        found = self.stream(name).to_unit(np.asarray(self.raw(name)[start:stop]))
        for first, count in self.gaps.get(name, ()):
            found[max(first - start, 0) : max(first + count - start, 0)] = np.nan
        return found

    @property
    def duration_s(self) -> float:
        """Seconds from the start to the end of the longest stream."""
        return max((self.n_samples[s.name] / s.rate_hz for s in self.streams), default=0.0)

    def stamps(self, name: str) -> Ints:
        """Rows (index, device clock us, host clock ns) int64, one per chunk; (0, 3) when the source had no clock."""
        file = self.path / f"{name}.clock"
        found: Ints = np.fromfile(file, "<i8") if file.is_file() else np.zeros(0, np.int64)
        return found[: len(found) // 3 * 3].reshape(-1, 3)

    def rate(self, name: str) -> Rate:
        """What the stream's rate really was: measured when the recording was closed, or now."""
        stored = self.clock.get("rates", {}).get(name)
        if stored is not None:
            return Rate(float(stored["hz"]), float(stored["error_hz"]), str(stored["by"]))
        return true_rate(self.stamps(name), self.stream(name).rate_hz, self.gaps.get(name, ()), self.simulated)

    @property
    def simulated(self) -> bool:
        """Whether the device was a program or a file, whose second is its own; recordings once knew only its URL."""
        url = str(self.device.get("url", ""))
        return bool(self.device.get("simulated", url.startswith(("virtual:", "replay:"))))

    def measured_rate_hz(self, name: str) -> float:
        """Samples per second as measured; the stated rate when there are fewer than two stamps."""
        return self.rate(name).hz

    def clock_fit(self, name: str = "") -> Fit | None:
        """The device's clock by this computer's: of the stream `name`, else of the one that tells most."""
        if not name and "fit" in self.clock:
            return parse_fit(self.clock["fit"]) if self.clock["fit"] else None
        streams = [self.stream(name)] if name else self.streams
        fits = [device_fit(self.stamps(s.name), s.rate_hz, self.gaps.get(s.name, ())) for s in streams]
        return min((f for f in fits if f is not None), key=lambda f: f.ppm_error, default=None)

    def host_ns(self, name: str, index: int) -> float | None:
        """This computer's monotonic clock when sample `index` was taken; None without a clock to tell it by."""
        line, stamps, rate_hz = self.clock_fit(), self.stamps(name), self.stream(name).rate_hz
        if line is None or not len(stamps):
            return None
        near = max(int(np.searchsorted(stamps[:, 0], index, "right")) - 1, 0)
        device_us = stamps[near, 1] if stamps[:, 1].any() else stamps[near, 0] * 1e6 / rate_hz
        line = line_at(line, stamps, near, rate_hz)
        return line.host_ns(float(device_us + (index - stamps[near, 0]) * 1e6 / rate_hz))


def load(path: Path) -> Recording:
    """The recording in a folder, also after a crash while it was made. DataError when it cannot be read."""
    path = Path(path)
    with edits.held(path) as journal:  # None: there is none, or its owner lives and will do what is done here
        recording, last = _read(path)
        if journal is not None and last and not (path / "journal.jsonl").exists():
            with contextlib.suppress(DataError):  # what may only be read is read all the same
                put(recording)
                edits.drop(path, journal)
    return recording


def _read(path: Path) -> tuple[Recording, int]:
    """The recording with the edits beside it, and the number of the last of those."""
    before = written(path)
    recording = _checked(path, document(path))
    labels, last = edits.replayed(path, recording.labels)
    if written(path) != before:  # it took edits in while we read
        return _read(path)
    _check_labels(recording := replace(recording, labels=labels))
    return recording, last


def _checked(path: Path, found: dict[str, Any]) -> Recording:
    """A document as a recording, when its files hold what it says."""
    try:
        recording = _recording(path, found)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as e:
        raise broken(path, f"a field is missing or wrong ({type(e).__name__}: {e})") from e
    for stream in recording.streams:
        said, there = found.get("n_samples", {}).get(stream.name, 0), recording.n_samples[stream.name]
        if there < said:
            seen = f"has {there} samples where {said} were recorded"
            raise DataError(str(path / f"{stream.name}.raw"), seen, "Bring the file back from a copy.")
    return recording


def save(recording: Recording) -> None:
    """Write `recording.json` anew, in one step; edits beside it are void. DataError when a label is past the end, the
    disk refuses, or somebody else is labelling it."""
    with edits.held(recording.path, edits.WAIT_S) as journal:
        put(recording)
        if journal is not None:
            edits.drop(recording.path, journal)


def put(recording: Recording) -> None:
    """Write `recording.json` only: for whoever holds the edits."""
    _check_labels(recording)
    write_document(recording.path, _plain(recording))


def write(
    path: Path,
    data: Sequence[tuple[Stream, Array]],
    labels: Mapping[str, Labels] | None = None,
    subject: str = "",
    split: str = "",
    device: Mapping[str, Any] | None = None,
) -> Recording:
    """A whole recording at once, from arrays (n, n_channels) of each stream's own type."""
    chunks = [Chunk(stream, 0, raw) for stream, raw in data]
    return write_chunks(path, [stream for stream, _ in data], chunks, labels, subject, split, device)


def write_chunks(
    path: Path,
    streams: Sequence[Stream],
    chunks: Iterable[Chunk],
    labels: Mapping[str, Labels] | None = None,
    subject: str = "",
    split: str = "",
    device: Mapping[str, Any] | None = None,
) -> Recording:
    """A whole recording from chunks; a hole between them is a gap. After an error the folder is gone again."""
    writer = Writer(path, streams, subject=subject, device=dict(device or {}))
    try:
        for chunk in chunks:
            writer.append(chunk)
        recording = replace(writer.close(), labels=dict(labels or {}), split=split)
        save(recording)
    except BaseException:
        writer.close()
        shutil.rmtree(path, ignore_errors=True)
        raise
    return recording


class Writer:
    """Writes a recording while it comes in: a sink. Memory of at most half a second, then it is with the system.

    Streams begin together: at the latest of their first samples, by the device's clock. Raises DataError when
    the disk takes no more; what was written before stays, and `close` still gives a recording.
    """

    def __init__(self, path: Path, streams: Sequence[Stream], subject: str = "", device: Any = None) -> None:
        self.path, self._lock = Path(path), threading.Lock()
        for stream in streams:
            safe_name(stream.name)
        now = {"host_ns": time.monotonic_ns(), "unix_ns": time.time_ns()}
        created = datetime.now(UTC).isoformat(timespec="milliseconds")
        empty = {s.name: 0 for s in streams}
        self._recording = Recording(
            self.path, self.path.name, tuple(streams), empty, {}, {}, subject, "", dict(device or {}), created, now
        )
        self._create()
        self._early: list[Chunk] | None = []
        self._error: DataError | None = None
        self._closing = threading.Event()
        self._sync = threading.Thread(target=self._keep_in_sync, daemon=True, name=f"sync {self.path.name}")
        self._sync.start()

    def _create(self) -> None:
        try:
            self.path.mkdir(parents=True)
        except FileExistsError as e:
            raise DataError(str(self.path), "exists already", "Choose another name for the recording.") from e
        except OSError as e:
            raise disk_error(self.path, e) from e
        with contextlib.ExitStack() as undo:
            undo.callback(shutil.rmtree, self.path, ignore_errors=True)
            try:
                self._journal = open(self.path / "journal.jsonl", "ab", buffering=0)  # noqa: SIM115
                undo.callback(self._journal.close)
                self._files: dict[str, StreamFile] = {}
                for stream in self._recording.streams:
                    self._files[stream.name] = StreamFile(self.path, stream)
                    undo.callback(self._files[stream.name].close)
            except OSError as e:
                raise disk_error(self.path, e) from e
            write_document(self.path, _plain(self._recording))
            undo.pop_all()

    def append(self, chunk: Chunk) -> None:
        """Take a chunk; what is missing before it becomes a gap, what was already there is left out."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._early is None:
                self._put(chunk)
                return
            self._early.append(chunk)
            if self._all_here():
                self._begin()

    def join(self, name: str, index: int, count: int, by: str) -> None:
        """Say that the connection was lost before sample `index`, by the device's count, and who tells the `count`.

        It stands in `device["joints"]` as [stream, our index, count, by], written at once.
        """
        with self._lock:
            if self._early is not None:
                self._begin()
            base = self._files[name].base or 0
            joints = [*self._recording.device.get("joints", []), [name, index - base, count, by]]
            self._recording = replace(self._recording, device={**self._recording.device, "joints": joints})
            said = document(self.path)  # with what others wrote into it meanwhile
            write_document(self.path, {**said, "device": self._recording.device})

    @property
    def gaps(self) -> Gaps:
        """Gaps so far, by stream."""
        return {name: tuple(file.gaps) for name, file in self._files.items() if file.gaps}

    @property
    def lost(self) -> dict[str, int]:
        """Samples lost so far, by stream."""
        return {name: sum(count for _, count in file.gaps) for name, file in self._files.items()}

    def time_s(self, name: str, index: float) -> float | None:
        """Seconds from the recording's start to the device's sample `index`; None before samples of `name` came."""
        file = self._files.get(name)
        return None if file is None or file.base is None else (index - file.base) / file.stream.rate_hz

    def close(self) -> Recording:
        """End the recording and return it. Never loses what was written, even on a full disk."""
        if self._closing.is_set():
            return load(self.path)
        self._closing.set()
        self._sync.join()
        with self._lock:
            failed = self._write_rest()
            for file in self._files.values():
                file.close()
            self._journal.close()
        if failed is None:
            (self.path / "journal.jsonl").unlink(missing_ok=True)
            seal_at_once(self.path)
        return load(self.path)

    def _write_rest(self) -> DataError | None:
        """Early chunks, then the final document; on a full disk the first document and the journal serve as well."""
        try:
            if self._early is not None:
                self._begin()
            self._fsync()
            now = load(self.path)  # somebody may have labelled it meanwhile
            kept = replace(self._recording, labels=now.labels, subject=now.subject, split=now.split, video=now.video)
            counts = {name: file.n for name, file in self._files.items()}
            done = replace(kept, n_samples=counts, gaps=self.gaps)
            write_document(self.path, _plain(replace(done, clock=done.clock | _measured(done))))
        except DataError as e:
            return e
        except OSError as e:
            return disk_error(self.path, e)
        return None

    def _all_here(self) -> bool:
        early = self._early or []
        if {c.stream.name for c in early} >= set(self._files) or early[0].device_us == 0:
            return True
        latest = max(c.device_us for c in early) - early[0].device_us
        arrived = early[-1].host_ns - early[0].host_ns
        return latest >= ALIGN_S * 1e6 or arrived >= ALIGN_S * 1e9

    def _begin(self) -> None:
        """Fix the one origin of time, then write what waited for it."""
        early, self._early = self._early or [], None
        first: dict[str, Chunk] = {}
        for chunk in early:
            first.setdefault(chunk.stream.name, chunk)
        origin_us = max((c.device_us for c in first.values()), default=0)
        clock = self._recording.clock | {"device_us": origin_us}
        self._recording = replace(self._recording, clock=clock)
        for chunk in early:
            self._put(chunk)

    def _put(self, chunk: Chunk) -> None:
        file = self._files[chunk.stream.name]
        if file.base is None:
            file.base = _index_at(chunk, self._recording.clock.get("device_us", 0))
        try:
            file.append(chunk, self._journal.write)
        except OSError as e:
            raise disk_error(self.path, e) from e

    def _keep_in_sync(self) -> None:
        """fsync twice a second, away from the thread that reads the wire."""
        while not self._closing.wait(SYNC_S):
            try:
                self._fsync()
            except OSError as e:
                self._error = disk_error(self.path, e)
                return

    def _fsync(self) -> None:
        os.fsync(self._journal.fileno())
        for file in self._files.values():
            file.fsync()


def _measured(recording: Recording) -> dict[str, Any]:
    """What the clock of a recording will say once it is complete; nothing when its source had no clock."""
    timed = [s.name for s in recording.streams if len(recording.stamps(s.name))]
    if not timed:
        return {}
    line = recording.clock_fit()
    return {"fit": line.plain() if line else {}, "rates": {name: asdict(recording.rate(name)) for name in timed}}


def shift_s(recording: Recording, other: Recording) -> float | None:
    """Seconds from the origin of `recording` to that of `other`, by this computer's clock; None when neither knows.

    Both clocks are monotonic since the computer started; after a restart in between, the calendar's time serves.
    """
    origins = [r.host_ns(r.streams[0].name, 0) if r.streams else None for r in (recording, other)]
    if origins[0] is None or origins[1] is None:
        return None
    started = [int(r.clock.get("unix_ns", 0)) - int(r.clock.get("host_ns", 0)) for r in (recording, other)]
    apart = started[1] - started[0]
    restarted = apart if abs(apart) > 1e9 else 0
    return (origins[1] - origins[0] + restarted) * 1e-9


def _index_at(chunk: Chunk, device_us: int) -> int:
    """Index of the stream's first sample at or after the moment `device_us`."""
    if not device_us or not chunk.device_us:
        return chunk.start
    return chunk.start + math.ceil((device_us - chunk.device_us) * 1e-6 * chunk.stream.rate_hz - 1e-6)


def _plain(recording: Recording) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "created": recording.created,
        "subject": recording.subject,
        "split": recording.split,
        "streams": [asdict(s) for s in recording.streams],
        "n_samples": recording.n_samples,
        "gaps": {name: [list(map(int, gap)) for gap in gaps] for name, gaps in recording.gaps.items()},
        "device": recording.device,
        "clock": recording.clock,
        "labels": plain_tracks(recording.labels),
        **({"video": [v.plain() for v in recording.video]} if recording.video else {}),
    }


def _recording(path: Path, m: dict[str, Any]) -> Recording:
    streams = tuple(Stream(**s | {"channels": tuple(s["channels"])}) for s in m["streams"])
    n = {s.name: _n_samples(path, s) for s in streams}
    said = {name: [(int(a), int(b)) for a, b in gaps] for name, gaps in m["gaps"].items()}
    gaps = _journalled(path) or said
    return Recording(
        path,
        path.name,
        streams,
        n,
        {name: kept for name, found in gaps.items() if (kept := merged(found, n.get(name, 0)))},
        parse_tracks(m["labels"]),
        str(m["subject"]),
        str(m["split"]),
        dict(m["device"]),
        str(m["created"]),
        dict(m["clock"]),
        parse_videos(m.get("video", ())),
    )


def _n_samples(path: Path, stream: Stream) -> int:
    row = stream.numpy_dtype.itemsize * len(stream.channels)
    file = path / f"{safe_name(stream.name)}.raw"
    return file.stat().st_size // row if file.is_file() else 0


def _journalled(path: Path) -> dict[str, list[tuple[int, int]]]:
    """Gaps in the journal of a recording that was not closed; a half last line is one that was never acted on."""
    found: dict[str, list[tuple[int, int]]] = {}
    try:
        lines = (path / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return found
    for line in lines:
        name, start, count = json.loads(line)
        found.setdefault(name, []).append((start, count))
    return found


def _check_labels(recording: Recording) -> None:
    for name, track in recording.labels.items():
        track.check(recording.duration_s, f"recording {recording.id!r}, track {name!r}")
