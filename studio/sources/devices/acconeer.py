"""An A121 exploration server: it replays radar frames, from one of Acconeer's own recordings or made here."""

import json
from pathlib import Path

import numpy as np

from studio.data.stream import Array, Stream
from studio.errors import DataError, InputError
from studio.sources.devices.device import Device

TICKS_PER_S = 1_000_000
SWEEPS, POINTS, RATE_HZ = 8, 12, 20.0


class AcconeerDevice(Device):
    """Rows are frames (sweeps, points) of re, im in turn; a stream that is no radar is replaced by a moving target."""

    def __init__(self, stream: Stream, rows: Array, rate: float = 1.0, drift_ppm: float = 0.0) -> None:
        if stream.kind != "radar":
            rows = moving_target()
            stream = radar_stream(SWEEPS, POINTS, RATE_HZ)
        super().__init__(stream, rows, rate, drift_ppm)
        self.per_frame = 1
        self._sweeps = len({name.partition("p")[0] for name in stream.channels})
        self._heard = b""

    def hear(self, data: bytes, now_s: float) -> None:
        *lines, self._heard = (self._heard + data)[-65536:].split(b"\n")
        for line in lines:
            try:
                asked = json.loads(line).get("cmd")
            except (ValueError, AttributeError, RecursionError):
                continue
            self._command(asked, now_s)

    def _command(self, asked: object, now_s: float) -> None:
        n = len(self.stream.channels) // 2
        info = {"rss_version": "a121-v1.0.0", "sensor": "a121", "sensor_count": 1, "hw": "simulated"}
        meta = {"frame_data_length": n, "sweep_data_length": n // self._sweeps}
        period = round(TICKS_PER_S / self.told_hz)
        if asked == "get_system_info":
            self._say({"status": "ok", "system_info": info | {"ticks_per_second": TICKS_PER_S}})
        elif asked == "setup":
            self._say({"status": "ok", "tick_period": period, "metadata": [[meta]], "calibration_info": []})
        elif asked == "start_streaming":
            self._say({"status": "start"})
            self.begin(now_s)
        elif asked == "stop_streaming":
            self.streaming = False
            self._say({"status": "stop"})

    def _say(self, head: dict[str, object]) -> None:
        self.answer(_line(head))

    def frame(self, first: int, rows: Array) -> bytes:
        tick = round((first + 4e9) / self.stream.rate_hz * TICKS_PER_S) & 0xFFFFFFFF
        flags = dict.fromkeys(("data_saturated", "frame_delayed", "calibration_needed"), False)
        head = {"status": "data", "result_info": [[{"tick": tick, **flags, "temperature": 27}]]}
        return _line(head | {"payload_size": rows.nbytes}) + rows.tobytes()

    @property
    def noise(self) -> bytes:
        return _line({"status": "log", "message": "still here"})


def _line(head: dict[str, object]) -> bytes:
    return json.dumps(head, separators=(",", ":")).encode() + b"\n"


def radar_stream(sweeps: int, points: int, rate_hz: float) -> Stream:
    """The stream of frames (sweeps, points) of complex int16."""
    names = tuple(f"s{s}p{p}{part}" for s in range(sweeps) for p in range(points) for part in ("re", "im"))
    return Stream("radar", rate_hz, names, "", "i16", 1.0, "radar")


def moving_target(n_frames: int = 200, seed: int = 0) -> Array:
    """A reflector that swings through the range: (n_frames, sweeps x points x 2) int16."""
    t = np.arange(n_frames)[:, None, None] / RATE_HZ + np.arange(SWEEPS)[None, :, None] / (RATE_HZ * SWEEPS)
    place = POINTS / 2 * (1 + 0.7 * np.sin(2 * np.pi * 0.3 * t))
    echo = 2000 * np.exp(-((np.arange(POINTS) - place) ** 2) / 4) * np.exp(2j * np.pi * place * 3)
    noise = np.random.default_rng(seed).normal(0, 20, (2, *echo.shape))
    return np.stack([echo.real + noise[0], echo.imag + noise[1]], -1).astype("<i2").reshape(n_frames, -1)


def recorded(path: Path) -> tuple[Stream, Array]:
    """Stream and rows of an Acconeer `.h5` file. InputError without h5py, DataError for another kind of file."""
    try:
        import h5py
    except ImportError as e:
        raise InputError(str(path), "is an HDF5 file, and h5py is not installed", "Run `pip install h5py`.") from e
    try:
        with h5py.File(path) as file:
            result = file["sessions/session_0/group_0/entry_0/result"]
            frames, ticks = result["frame"][:], result["tick"][:]
            per_s = json.loads(file["server_info"][()])["ticks_per_second"]
    except (OSError, KeyError, ValueError) as e:
        raise DataError(str(path), f"cannot be read as an A121 recording ({e})", "Give one of its .h5 files.") from e
    rate_hz = round(per_s * (len(ticks) - 1) / float(ticks[-1] - ticks[0]), 3)
    rows = np.stack([frames["real"], frames["imag"]], -1).astype("<i2").reshape(len(frames), -1)
    return radar_stream(frames.shape[1], frames.shape[2], rate_hz), rows
