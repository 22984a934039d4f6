"""What drawing costs on this computer: `python -m studio.ui.bench plot|live|window|label` prints one line of JSON.

Frames are drawn one after the other in a real window (or off screen without a display) and measured in the CPU time
of the window's thread, which is what a person's machine pays, and in wall time, which includes the display.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PySide6 import QtCore, QtWidgets

from studio.app.actions.load import LOADS, NOISE, SETTLED_S, Sender, many, rss_mb
from studio.app.live import Connection
from studio.data.labels import Labels, Segment
from studio.data.project import LabelClass, create, save
from studio.data.recording import Recording, Writer
from studio.data.recording import save as save_recording
from studio.data.stream import Chunk, Ring, Stream
from studio.ui.heartbeat import Heartbeat
from studio.ui.main import make_window
from studio.ui.parts.rows import LiveRows
from studio.ui.plots.live import LivePlots
from studio.ui.window import Window

SIZE = 1600, 900
IMU = Stream("imu", 1000.0, tuple(f"{s}{a}" for s in "agm" for a in "xyz"), "", "i16", 1 / 4096, "imu")
ACCEL = Stream("accelerometer", 1600.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
MIC = Stream("microphone", 16000.0, ("mono",), "", "i16", 2.0**-15, "microphone")
N_LABELS = 20_000
FRAMES = 40
Draw = Callable[[], object]


def plot(hours: float = 24.0) -> dict[str, Any]:
    """A day of nine channels at 1 kHz: seconds to open it on the Label page, frames of panning and zooming, memory."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project"
        made = long_recording(create(path, "Long").path / "recordings" / "long", hours)
        window = _window(path)
        before = rss_mb()
        opened_s = _opened(window)
        frames = _moves(window, made.duration_s)
        found = {"hours": hours, "channels": 9, "rate_hz": 1000, "raw_mb": round(made.raw("imu").nbytes / 1e6)}
        rss = {"rss_before_mb": round(before, 1), "rss_after_mb": round(rss_mb(), 1)}
        return found | {"open_s": round(opened_s, 3)} | rss | frames


def long_recording(path: Path, hours: float) -> Recording:
    """A recording of nine channels at 1 kHz, written minute by minute as a device's would be."""
    luck, n = np.random.default_rng(0), 60 * 1000
    minute = (luck.normal(0, 600, (n, 9)) + 4000 * np.sin(np.arange(n)[:, None] / (90 + 40 * np.arange(9)))).astype(
        "<i2"
    )
    writer = Writer(path, [IMU])
    for i in range(max(1, round(hours * 60))):
        slow = round(6000 * float(np.sin(i / 40)))
        writer.append(Chunk(IMU, i * n, minute + np.int16(slow), 1 + i * 60_000_000, 1 + i * 60 * 10**9))
    return writer.close()


def _window(path: Path) -> Window:
    window = make_window(_app())
    window.open_project(path)
    window.go("capture")
    window.resize(*SIZE)
    window.show()
    _settle()
    return window


def _app() -> QtWidgets.QApplication:
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    return QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])


def _settle(seconds: float = 0.3) -> None:
    """Let the window live for a while, as it does when nobody measures."""
    loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(round(1e3 * seconds), loop.quit)
    loop.exec()


def _opened(window: Window) -> float:
    """Seconds from the wish to label until the recording is drawn."""
    began = time.perf_counter()
    window.go("label")
    timeline = _timeline(window)
    while not timeline.rows:
        QtWidgets.QApplication.processEvents()
    timeline.viewport().repaint()
    seconds = time.perf_counter() - began
    _settle()
    return seconds


def _timeline(window: Window) -> Any:
    from studio.ui.labels.timeline import Timeline

    return window.findChild(Timeline, "timeline")


def _moves(window: Window, end_s: float) -> dict[str, Any]:
    """Frames of a zoom from all to one second, and of panning at several widths."""
    timeline = _timeline(window)
    zoom = [(end_s / 3 * (1 - w / end_s), w) for w in np.geomspace(end_s, 1.0, 2 * FRAMES).tolist()]
    steps: dict[str, Iterable[tuple[float, float]]] = {"zoom": zoom}
    for name, width in (("day", end_s * 0.8), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0)):
        width = min(width, end_s * 0.8)
        steps[f"pan_{name}"] = [(end_s * 0.1 + i * min(width, end_s * 0.1) / FRAMES, width) for i in range(FRAMES)]
    found = {}
    for name, places in steps.items():
        found[name] = _cost(_shown(timeline, at, at + width) for at, width in places)
    worst = {f"worst_{k}": min(f[k] for f in found.values()) for k in ("frames_per_s", "frames_per_s_by_cpu")}
    return {"frames": found, **worst}


def _shown(timeline: Any, left: float, right: float) -> Draw:
    def draw() -> None:
        timeline.look_at(left, right)
        QtWidgets.QApplication.processEvents()  # paints, once

    return draw


def _cost(draws: Iterable[Draw]) -> dict[str, float]:
    """Median and 95th percentile of what the frames cost, ms; frames per second at those of CPU and wall time."""
    cpu, wall = [], []
    for draw in draws:
        cpu_s, wall_s = time.thread_time(), time.perf_counter()
        draw()
        cpu.append(1e3 * (time.thread_time() - cpu_s))
        wall.append(1e3 * (time.perf_counter() - wall_s))
    high_cpu, high_wall = (float(np.percentile(v, 95)) for v in (cpu, wall))
    told = {"cpu_ms": median(cpu), "cpu_ms_p95": high_cpu, "wall_ms": median(wall), "wall_ms_p95": high_wall}
    rates = {"frames_per_s": round(1e3 / high_wall, 1), "frames_per_s_by_cpu": round(1e3 / max(high_cpu, 0.01), 1)}
    return {k: round(v, 2) for k, v in told.items()} | rates


def live(seconds: float = 6.0) -> dict[str, Any]:
    """Accelerometer at 1.6 kHz, microphone at 16 kHz with its spectrogram: each frame brings 1/30 s."""
    _app()
    rings = {s.name: Ring(s, 60.0) for s in (ACCEL, MIC)}
    plots = LivePlots()
    plots.resize(*SIZE)
    plots.show_rings(rings)
    plots.show()
    _settle()
    luck = np.random.default_rng(0)

    def frame(i: int) -> Draw:
        def draw() -> None:
            for ring in rings.values():
                start, stop = (round(k / 30 * ring.stream.rate_hz) for k in (i, i + 1))
                values = luck.integers(-9000, 9000, (stop - start, len(ring.stream.channels))).astype("<i2")
                ring.append(Chunk(ring.stream, start, values))
            plots.tick()
            QtWidgets.QApplication.processEvents()

        return draw

    return {"frames": {"live": _cost(frame(i) for i in range(round(30 * seconds)))}, "rss_mb": round(rss_mb(), 1)}


def window(seconds: float = 30.0) -> dict[str, Any]:
    """Each load of the load test into the live view, as the window draws it: frames per second, losses, memory.

    First waves with a little noise, then noise of full scale, which no cheap trick can draw.
    """
    _app()
    streams = [many(channels, rate_hz) for channels, rate_hz in LOADS]
    return {"loads": [_streamed(replace(s, name=name), seconds) for s in streams for name in ("load", NOISE)]}


def _streamed(stream: Stream, seconds: float) -> dict[str, Any]:
    sender, rows = Sender(stream), LiveRows()
    connection = Connection(f"socket://127.0.0.1:{sender.port}").wait()
    beats = _Beats(rows.tick)
    try:
        rows.resize(*SIZE)
        rows.show_rings(connection.rings)
        rows.show()
        heart = Heartbeat(beats.beat)
        heart.start()
        _settle(SETTLED_S)
        before, cpu_s = rss_mb(), time.process_time()
        beats.begin()
        _settle(seconds)
        share = (time.process_time() - cpu_s) / beats.seconds
        if connection.error is not None:
            raise connection.error
        counts = connection.stats["streams"][stream.name]
    finally:
        connection.close()
        sender.close()
        rows.hide()
    told = {"signal": stream.name, "channels": len(stream.channels), "rate_hz": stream.rate_hz, "seconds": seconds}
    told |= {"received": counts["received"], "lost": counts["lost"]} | beats.told()
    told |= {"cpu_ms": round(heart.frame_ms, 2), "cpu_share": round(share, 3)}
    return told | {"rss_before_mb": round(before, 1), "rss_after_mb": round(rss_mb(), 1)}


class _Beats:
    """Counts beats by the second: the mean, and how few there were in the worst seconds."""

    def __init__(self, draw: Callable[[], object]) -> None:
        self._draw = draw
        self.begin()

    def begin(self) -> None:
        """Count from now on."""
        self._began_s, self._in = time.perf_counter(), dict[int, int]()

    def beat(self) -> None:
        """One frame."""
        second = int(self.seconds)
        self._in[second] = self._in.get(second, 0) + 1
        self._draw()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._began_s

    def told(self) -> dict[str, float]:
        """Frames per second: mean, what 95 of 100 seconds reached, the worst second."""
        whole = [self._in.get(s, 0) for s in range(int(self.seconds))] or [0]
        mean, low = sum(self._in.values()) / self.seconds, float(np.percentile(whole, 5))
        return {"frames_per_s": round(mean, 1), "frames_per_s_p5": low, "frames_per_s_worst": float(min(whole))}


def label(hours: float = 24.0) -> dict[str, Any]:
    """Twenty thousand labels, and as many in a second track, over a day of nine channels: frames of panning and zooming
    on the Label page, and what one edit costs the window's thread."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "project"
        project = create(path, "Labels")
        save(replace(project, classes=(LabelClass("a", "#3a86ff", "1"), LabelClass("b", "#ff006e", "2"))))
        made = long_recording(path / "recordings" / "long", hours)
        step = made.duration_s / N_LABELS
        spans = (Segment(i * step, (i + 0.8) * step, "ab"[i * i // 3 % 2]) for i in range(N_LABELS))
        track = Labels(tuple(s if i % 20 else replace(s, stop_s=s.start_s) for i, s in enumerate(spans)))
        save_recording(replace(made, labels={"labels": track, "labels:ann": track}))
        window = _window(path)
        found = {"labels": N_LABELS, "tracks": 2, "hours": hours, "open_s": round(_opened(window), 3)}
        return found | _moves(window, made.duration_s) | {"edit": _edits(window)}


def _edits(window: Window) -> dict[str, float]:
    """What it costs to relabel one of many labels: model, disk and window, until the next paint."""
    edit = window.pages["label"].edit_  # type: ignore[attr-defined]

    def relabel(i: int) -> Draw:
        edit.pick(N_LABELS // 2 + i)
        other = "b" if edit.labels.segments[edit.selected].label == "a" else "a"
        return lambda: edit.assign(other)

    return _cost(relabel(i) for i in range(FRAMES))


BENCHES: dict[str, Callable[..., dict[str, Any]]] = {"plot": plot, "live": live, "window": window, "label": label}

if __name__ == "__main__":
    print(json.dumps(BENCHES[sys.argv[1]](*(float(a) for a in sys.argv[2:]))))
