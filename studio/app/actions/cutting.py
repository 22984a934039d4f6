"""From a project's labelled recordings to windows: which stream, how long, around events or one after the other."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

import numpy as np

from studio.data.certificate import Certificate, Spans, certificate
from studio.data.labels import Labels, Segment
from studio.data.project import Project, recordings
from studio.data.raw import merged
from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.errors import DataError, InputError
from studio.firmware.board import Board
from studio.learn.dataset import Dataset, windows
from studio.learn.event import are_events, event_length_s, is_sound

WINDOW_SHARE = 1 / 3  # of the board's RAM may hold the window of samples
GRID_S = 0.01  # windows of sound are a whole number of twice this
LONGEST_WINDOW_S = 2.56  # what the field uses for motion; a longer one waits too long for its first answer


class Choice(Protocol):
    """What a person may say about the windows."""

    @property
    def stream(self) -> str: ...
    @property
    def window_s(self) -> float: ...
    @property
    def stride_s(self) -> float: ...
    @property
    def windows(self) -> str: ...
    @property
    def max_rate_error(self) -> float: ...


def dataset(project: Project, settings: Choice, board: Board) -> Dataset:
    """The labelled windows of the project's most telling stream."""
    labelled = [r for r in recordings(project) if len(own_labels(r))]
    if not labelled:
        raise DataError(f"Project {project.path}", "has no labels", "Label a recording first.")
    stream = choose_stream(labelled, settings.stream)
    have = [r for r in labelled if stream.name in r.n_samples]
    events = around_events(have, settings)
    length = window_length(have, stream, settings, board, events)
    step = GRID_S * stream.rate_hz if is_sound(stream) else 1.0  # so that frames of a spectrogram fit the stride
    length = max(1, round(length / (2 * step))) * round(2 * step) if step > 2 else length
    stride = round(settings.stride_s * stream.rate_hz) or length // 2
    sound = trusted(have, stream.name, settings.max_rate_error)
    return windows(sound, stream.name, length, stride, events=events)


def around_events(have: list[Recording], settings: Choice) -> bool:
    """Whether windows are cut around short events: as the person said, else as the labels look."""
    if settings.windows != "auto":
        return settings.windows == "events"
    marked = [(segment_s(s), r) for r in have for s in own_labels(r).segments if segment_s(s) > 0]
    alone = [len(own_labels(r)) == 1 and seconds >= 0.8 * r.duration_s for seconds, r in marked]
    return are_events([seconds for seconds, _ in marked], alone)


def own_labels(r: Recording) -> Labels:
    """The track that training reads: what people decided, not what machines propose."""
    return r.labels.get("labels", Labels())


def segment_s(segment: Segment) -> float:
    """Seconds of one label."""
    return segment.stop_s - segment.start_s


def label_durations_s(have: list[Recording]) -> list[float]:
    """Seconds of every label that is no point."""
    found = [segment_s(s) for r in have for s in own_labels(r).segments]
    return [d for d in found if d > 0] or [0.0]


def window_length(have: list[Recording], stream: Stream, settings: Choice, board: Board, events: bool) -> int:
    """Samples of a window: whole events, else a power of two that suits the labels; what the board's RAM can hold.

    A window of sound is not held by the board: its spectrogram grows frame by frame.
    """
    most = float("inf") if is_sound(stream) else board.ram_bytes * WINDOW_SHARE / (4 * len(stream.channels))
    durations = label_durations_s(have)
    if settings.window_s:
        return max(8, int(min(round(settings.window_s * stream.rate_hz), most)))
    if events and event_length_s(durations) * stream.rate_hz <= most:
        return max(16, round(event_length_s(durations) * stream.rate_hz))
    seconds = min(LONGEST_WINDOW_S, float(np.median(durations)) / 2)
    return int(2 ** max(4, int(np.log2(min(seconds * stream.rate_hz, most)) + 1e-9)))


def trusted(have: Iterable[Recording], name: str, max_rate_error: float) -> list[Recording]:
    """The recordings, with what cannot be trusted added to the gaps; DataError when a rate is too far off."""
    found = []
    for recording in have:
        seen = certificate(recording, name)
        if seen.rate_off > max_rate_error:
            raise _off(recording, seen)
        found.append(replace(recording, gaps=recording.gaps | {name: unusable(seen)}))
    return found


def unusable(seen: Certificate) -> Spans:
    """What training and judging leave out. Sound may be silent to the last bit, and clipped: that is no fault in it."""
    bad = () if is_sound(seen.stream) else seen.bad
    return merged([*seen.gaps, *bad], seen.n_samples)


def _off(recording: Recording, seen: Certificate) -> DataError:
    stated, hz = seen.stream.rate_hz, seen.rate.hz
    told = f"came at {hz:.2f} Hz where the device says {stated:g} Hz, off by {abs(hz / stated - 1):.1%}"
    step = "Record it again at its true rate, remove its labels, or allow a greater rate error (--max-rate-error)."
    return DataError(f"Stream {seen.stream.name!r} of recording {recording.id!r}", told, step)


def choose_stream(labelled: list[Recording], name: str) -> Stream:
    """The stream `name`, or the one that most labelled recordings have (the first of equals, motion before sound)."""
    streams = [s for r in labelled for s in r.streams]
    if name and name not in {s.name for s in streams}:
        seen = f"is in no labelled recording; there are {', '.join(sorted({s.name for s in streams}))}"
        raise InputError(f"Stream {name!r}", seen, "Choose one of those.")
    names = [s.name for s in streams]
    wanted = name or max(names, key=lambda n: (names.count(n), -names.index(n)))
    return next(s for s in streams if s.name == wanted)
