"""Windows around short events: a spoken word, a gesture, a knock.

A window that lies whole inside a segment teaches what goes on and on (walking, a running motor). A short event is met
by a board in the middle of whatever surrounds it, so its window is centred on it and takes what was recorded around
it, up to the neighbouring segments; beyond those and beyond the ends of the recording the outermost sample goes on.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from studio.data.labels import Segment
from studio.data.stream import Array, Stream

#: Labels are of events when half of them are no longer than this, or fill a short recording alone.
EVENT_S, ALONE_S = 2.0, 6.0
#: Share of the events that a window shall hold whole.
WHOLE = 0.95


def around(
    segments: Sequence[Segment], rate_hz: float, n_samples: int, length: int
) -> Iterator[tuple[Segment, int, int]]:
    """Each segment shorter than `length` samples, with the samples [first, stop) that its window may show."""
    for i, segment in enumerate(segments):
        start, end = (round(t * rate_hz) for t in (segment.start_s, segment.stop_s))
        end = min(end, n_samples)
        if not 0 <= end - start < length:
            continue
        left = round(segments[i - 1].stop_s * rate_hz) if i else 0
        right = round(segments[i + 1].start_s * rate_hz) if i + 1 < len(segments) else n_samples
        first = (start + end - length) // 2
        yield segment, max(first, min(left, start)), min(first + length, max(right, end), n_samples)


def padded(samples: Array, first: int, stop: int, length: int) -> tuple[Array, int]:
    """A window of `length` with samples [first, stop) in its middle and the outermost repeated; and its start.

    The start is that of the first sample shown, so that windows of one recording can be told apart and ordered.
    """
    missing = length - (stop - first)
    before = missing // 2
    pad = ((before, missing - before), *((0, 0),) * (samples.ndim - 1))
    return np.pad(np.asarray(samples[first:stop]), pad, mode="edge"), first


def are_events(durations_s: Sequence[float], alone: Sequence[bool]) -> bool:
    """Whether labels of these durations mark short events; `alone`: a segment that fills its whole recording."""
    if not durations_s:
        return False
    short = np.asarray(durations_s) <= EVENT_S
    whole = np.asarray(alone) & (np.asarray(durations_s) <= ALONE_S)
    return bool(np.mean(short | whole) > 0.5)


def event_length_s(durations_s: Sequence[float]) -> float:
    """Seconds that hold most of the events whole."""
    return float(np.quantile(durations_s, WHOLE))


def is_sound(stream: Stream) -> bool:
    """Whether a stream is heard rather than felt: a microphone's, or anything at the rate of sound."""
    return stream.kind == "microphone" or stream.rate_hz >= 4000
