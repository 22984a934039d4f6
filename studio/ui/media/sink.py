"""Where sound goes: QtMultimedia's output where that extra is there, PortAudio's where that one is, or nowhere.

A sink is fed on every beat of the page and says how long a sample written now will wait until it is heard. That is
all that what follows the playhead needs to know of a sound card.
"""

from typing import Any, Protocol

import numpy as np
from PySide6 import QtCore

from studio.errors import StudioError
from studio.sources.speaker import Speaker
from studio.ui.media import extra
from studio.ui.media.stretch import Floats

#: How much waits in the sink: longer than the window ever pauses, shorter than one notices after Pause.
WAIT_S = 0.2


class Sink(Protocol):
    """An output for one channel of sound at `rate_hz`."""

    rate_hz: float

    def free(self) -> int:
        """How many samples it would take now."""

    def wait_s(self) -> float:
        """How long a sample written now waits until it is heard."""

    def write(self, samples: Floats) -> None:
        """Sound -1..1, at most `free()` samples."""

    def clear(self) -> None:
        """Be silent at once: what waits is dropped."""

    def close(self) -> None:
        """Let the sound card go."""


class QtSink:
    """The system's sound output by QtMultimedia. StudioError when there is none."""

    def __init__(self, rate_hz: float) -> None:
        m = extra.multimedia()
        device = m.QMediaDevices.defaultAudioOutput()
        if device.isNull():
            raise StudioError("Sound", "this computer has no sound output", "Connect loudspeakers or headphones.")
        form = m.QAudioFormat()
        form.setSampleRate(round(rate_hz))
        form.setChannelCount(1)
        form.setSampleFormat(m.QAudioFormat.SampleFormat.Int16)
        if not device.isFormatSupported(form):
            form.setSampleRate(device.preferredFormat().sampleRate())
            form.setChannelCount(device.preferredFormat().channelCount())
        self.rate_hz, self._channels = float(form.sampleRate()), form.channelCount()
        self._sink = m.QAudioSink(device, form)
        self._sink.setBufferSize(round(WAIT_S * self.rate_hz) * 2 * self._channels)
        self._io: QtCore.QIODevice | None = self._sink.start()

    def free(self) -> int:
        """How many samples it would take now."""
        return int(self._sink.bytesFree()) // (2 * self._channels)

    def wait_s(self) -> float:
        """What is in its buffer; what the system keeps behind it is not known."""
        return (self._sink.bufferSize() - self._sink.bytesFree()) / (2 * self._channels * self.rate_hz)

    def write(self, samples: Floats) -> None:
        """Sound -1..1."""
        if self._io is not None:
            whole = (np.clip(samples, -1, 1) * 32767).astype("<i2")
            self._io.write(np.repeat(whole, self._channels).tobytes())

    def clear(self) -> None:
        """Drop what waits."""
        self._sink.reset()
        self._io = self._sink.start()

    def close(self) -> None:
        """Let the sound card go."""
        self._sink.stop()
        self._io = None


def open_sink(rate_hz: float) -> Sink:
    """The first output that there is. StudioError that says what to install or connect when there is none."""
    problems: list[StudioError] = []
    makers: tuple[Any, ...] = (QtSink, Speaker) if extra.installed() else (Speaker,)
    for make in makers:
        try:
            sink: Sink = make(rate_hz)
            return sink
        except StudioError as e:
            problems.append(e)
    if len(problems) == 1:
        step = f"Run `{extra.INSTALL}`, or see to this: {problems[0].next_step}"
        raise StudioError("Sound", problems[0].seen, step)
    raise problems[0]
