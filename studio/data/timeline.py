"""One time line for several recordings: what moment of one is the same as a moment of another.

Each device counts its samples by a clock of its own, so each has a recording of its own, with one origin of time. This
computer's clock stamped the arrivals of all of them, and the line under each device's delays (see `clock`) says when
each sample was taken. So recordings that were made at the same time share a time line, though their clocks drift apart.
What is left is the difference of the least delays of both links: below a millisecond on a cable.
"""

import numpy as np

from studio.data.clock import line_at
from studio.data.recording import Recording
from studio.errors import DataError


def moment_ns(recording: Recording, name: str, at_s: float) -> float:
    """This computer's clock `at_s` into the recording, by stream `name`. DataError without clocks to tell it by."""
    index = at_s * recording.stream(name).rate_hz
    found = recording.host_ns(name, int(index))
    if found is None:
        seen = "is too short, or its device and this computer left no stamps, to tell when it was taken"
        raise DataError(f"Recording {recording.id!r}", seen, "Record for some seconds, from a live device.")
    line = recording.clock_fit()
    pace = 1 + line.ppm * 1e-6 if line is not None else 1.0  # of the part of a sample that is left
    return found + (index - int(index)) * 1e9 / recording.stream(name).rate_hz * pace


def seconds_at(recording: Recording, name: str, host_ns: float) -> float:
    """Seconds into the recording, by stream `name`, at a moment of this computer's clock; may lie outside of it."""
    stream, stamps = recording.stream(name), recording.stamps(name)
    moment_ns(recording, name, 0.0)  # or DataError
    line = recording.clock_fit()
    assert line is not None
    near = max(int(np.searchsorted(stamps[:, 2], host_ns, "right")) - 1, 0)
    clock_us = stamps[near, 1] if stamps[:, 1].any() else stamps[near, 0] * 1e6 / stream.rate_hz
    device_us = line_at(line, stamps, near, stream.rate_hz).device_us(host_ns)
    return float(stamps[near, 0] / stream.rate_hz + (device_us - clock_us) * 1e-6)


def seconds_in(other: Recording, other_name: str, recording: Recording, name: str, at_s: float) -> float:
    """Where in `other` the moment is that lies `at_s` into `recording`."""
    return seconds_at(other, other_name, moment_ns(recording, name, at_s))


def offset_s(first: Recording, second: Recording) -> float:
    """How much later the first sample of `second` was taken than that of `first`."""
    a, b = (moment_ns(r, r.streams[0].name, 0.0) for r in (first, second))
    return (b - a) * 1e-9
