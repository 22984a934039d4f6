"""What is read of a recording before its rows can be drawn."""

from studio.data.pyramid import Pyramid, pyramid
from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.progress import Progress, Work


def filled(recording: Recording) -> list[Stream]:
    """Its streams that have samples."""
    return [s for s in recording.streams if recording.n_samples.get(s.name)]


def build_pyramids(recording: Recording) -> Work[dict[str, Pyramid]]:
    """One per stream with samples."""
    found = {}
    for stream in filled(recording):
        yield Progress(len(found), len(recording.streams), stream.name)
        found[stream.name] = pyramid(recording, stream.name)
    return found
