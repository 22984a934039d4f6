"""What a video file holds, read as fast as it decodes: generators for a process of their own.

Qt decodes by an event loop and at the speed of a player; a player without a sound output that runs fifty times as fast
as life gives every frame all the same (measured: 1250 frames a second of 640 x 360).
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from PySide6 import QtCore

from studio.data.video import Activity, Curve, even_curve
from studio.errors import DataError
from studio.progress import Progress, Work
from studio.ui.media.extra import multimedia

SOUND_HZ = 8000
FASTEST = 50.0
STEP_MS = 40
#: Nothing new for so long means that a file cannot be read.
STUCK_STEPS = 250
Luma = npt.NDArray[np.float32]


def activity(path: str, of: str) -> Work[tuple[Curve, dict[str, Any]]]:
    """(curve of the video's "sound" or "motion", what is known of the file). DataError when it cannot be read."""
    facts = yield from about(path)
    if of == "sound" and not facts["has_sound"]:
        raise DataError(path, "has no sound", "Align it by motion or by hand.")
    found = yield from (sound(path) if of == "sound" else motion(path, facts["frame_rate_hz"], facts["seconds"]))
    return found, facts


def about(path: str) -> Work[dict[str, Any]]:
    """{"seconds", "frame_rate_hz", "has_sound", "width", "height"} of a video file."""
    m, app = multimedia(), _application()
    player, sink = m.QMediaPlayer(), m.QVideoSink()
    player.setVideoSink(sink)
    player.setSource(QtCore.QUrl.fromLocalFile(path))
    status = m.QMediaPlayer.MediaStatus
    yield from _until(lambda: player.mediaStatus() in (status.LoadedMedia, status.InvalidMedia), path)
    if player.mediaStatus() == status.InvalidMedia or not player.hasVideo():
        seen = f"cannot be read as a video ({player.errorString() or 'it holds no pictures'})"
        raise DataError(path, seen, "Use MP4, MOV, MKV, AVI or WebM.")
    key, meta = m.QMediaMetaData.Key, player.metaData()
    size = meta.value(key.Resolution)
    facts = {
        "seconds": player.duration() / 1000,
        "frame_rate_hz": float(meta.value(key.VideoFrameRate) or 0) or 30.0,
        "has_sound": player.hasAudio(),
        "width": size.width() if size is not None else 0,
        "height": size.height() if size is not None else 0,
    }
    player.setSource(QtCore.QUrl())
    del app
    return facts


def sound(path: str) -> Work[Curve]:
    """Activity of the sound track, its time that of the pictures."""
    m, app = multimedia(), _application()
    decoder, form = m.QAudioDecoder(), m.QAudioFormat()
    form.setSampleRate(SOUND_HZ)
    form.setChannelCount(1)
    form.setSampleFormat(m.QAudioFormat.SampleFormat.Int16)
    decoder.setAudioFormat(form)
    decoder.setSource(QtCore.QUrl.fromLocalFile(path))
    over: list[str] = []
    made: list[Activity] = []

    def came() -> None:  # it decodes the next piece only when this one was taken
        while decoder.bufferAvailable():
            buffer = decoder.read()
            if not made:
                made.append(Activity(SOUND_HZ, buffer.startTime() * 1e-6 if buffer.startTime() != -1 else 0.0))
            made[0].add(np.frombuffer(bytes(buffer.data()), np.int16))

    decoder.bufferReady.connect(came)
    decoder.finished.connect(lambda: over.append(""))
    decoder.error.connect(lambda _: over.append(decoder.errorString() or "an unknown error"))
    decoder.start()
    while not over:
        yield from _pause("listening to the video", decoder.position(), decoder.duration())
    came()
    if over[0] and not made:
        raise DataError(path, f"its sound cannot be read ({over[0]})", "Align it by motion or by hand.")
    del app
    return made[0].curve() if made else Curve(np.zeros(0), float(SOUND_HZ))


def motion(path: str, rate_hz: float, seconds: float) -> Work[Curve]:
    """How much the picture changes from frame to frame, by its brightness."""
    m, app = multimedia(), _application()
    player, sink = m.QMediaPlayer(), m.QVideoSink()
    times: list[float] = []
    changes: list[float] = []
    before: list[Luma] = []

    def came(frame: Any) -> None:
        if not frame.isValid() or frame.startTime() < 0 or (times and frame.startTime() * 1e-6 <= times[-1]):
            return
        now = luma(frame)
        changes.append(float(np.abs(now - before[0]).mean()) if before and before[0].shape == now.shape else 0.0)
        times.append(frame.startTime() * 1e-6)
        before[:] = [now]

    sink.videoFrameChanged.connect(came)
    player.setVideoSink(sink)
    player.setSource(QtCore.QUrl.fromLocalFile(path))
    player.setPlaybackRate(FASTEST)
    player.play()
    status = m.QMediaPlayer.MediaStatus
    while player.mediaStatus() not in (status.EndOfMedia, status.InvalidMedia):
        yield from _pause("watching the video", times[-1] if times else 0.0, seconds)
    player.setSource(QtCore.QUrl())
    del app
    if len(times) < 2:
        raise DataError(path, "none of its pictures can be read", "Use MP4, MOV, MKV, AVI or WebM.")
    changes[0] = changes[1]
    return even_curve(np.array(times) - 0.5 / rate_hz, changes, rate_hz)  # a change lies between two frames


def luma(frame: Any, step: int = 4) -> Luma:
    """Brightness 0..255 of every `step`-th pixel of a frame; of its first plane where that is brightness."""
    m = multimedia()
    planar = {m.QVideoFrameFormat.PixelFormat[f"Format_{n}"] for n in ("YUV420P", "YUV422P", "NV12", "NV21", "YV12")}
    if frame.pixelFormat() in planar and frame.map(m.QVideoFrame.MapMode.ReadOnly):
        line, height, width = frame.bytesPerLine(0), frame.height(), frame.width()
        rows = np.frombuffer(frame.bits(0), np.uint8, count=line * height).reshape(height, line)
        made: Luma = rows[::step, :width:step].astype(np.float32)
        frame.unmap()
        return made
    from PySide6 import QtGui

    grey = frame.toImage().convertToFormat(QtGui.QImage.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    shrunk: Luma = rows[::step, : grey.width() : step].astype(np.float32)
    return shrunk


def _application() -> QtCore.QCoreApplication:
    """Qt decodes by an event loop, which needs an application; this process may have none yet."""
    return QtCore.QCoreApplication.instance() or QtCore.QCoreApplication([])


def _pause(what: str, done: float, total: float) -> Iterator[Progress]:
    loop = QtCore.QEventLoop()
    QtCore.QTimer.singleShot(STEP_MS, loop.quit)
    loop.exec()
    yield Progress(max(0.0, done), max(0.0, total), what)


def _until(ready: Callable[[], bool], path: str) -> Iterator[Progress]:
    for _ in range(STUCK_STEPS):
        if ready():
            return
        yield from _pause("opening the video", 0, 0)
    raise DataError(path, "gives no answer for ten seconds", "Check that the file plays elsewhere.")
