"""The loudspeaker of this computer, by PortAudio: the counterpart of the microphone."""

from typing import Any

import numpy as np
import numpy.typing as npt

from studio.errors import LinkError

WAIT_S = 0.2


class Speaker:
    """One channel of sound out, at `rate_hz`. LinkError when there is no package, no PortAudio or no loudspeaker."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._stream = _opened(rate_hz)
        self._room = int(self._stream.write_available)  # of the empty buffer

    def free(self) -> int:
        """How many samples it would take now."""
        found = int(self._stream.write_available)
        self._room = max(self._room, found)
        return found

    def wait_s(self) -> float:
        """What is in its buffer; what the system keeps behind it is not known."""
        return (self._room - self.free()) / self.rate_hz

    def write(self, samples: npt.NDArray[np.float32]) -> None:
        """Sound -1..1, at most `free()` samples, so that it never waits."""
        self._stream.write(np.ascontiguousarray(samples[:, None], np.float32))

    def clear(self) -> None:
        """Drop what waits."""
        self._stream.abort()
        self._stream.start()

    def close(self) -> None:
        """Let the loudspeaker go."""
        self._stream.abort()
        self._stream.close()


def _opened(rate_hz: float) -> Any:
    try:
        import sounddevice
    except ImportError as e:
        step = "Run `pip install sensorsmith-studio[microphone]`."
        raise LinkError("Sound", "the package sounddevice is not installed", step) from e
    except OSError as e:
        step = "Install it: `sudo apt install libportaudio2`, or your system's package of that name."
        raise LinkError("Sound", f"the system has no PortAudio ({e})", step) from e
    try:
        stream = sounddevice.OutputStream(rate_hz, 0, None, 1, "float32", latency=WAIT_S)
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as e:
        step = "Connect loudspeakers or headphones."
        raise LinkError("Sound", f"this computer has no sound output ({e})", step) from e
    return stream
