"""Videos made for tests: Qt's own recorder, fed with drawn frames that carry their number, and with sound."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6 import QtCore, QtGui

if os.environ.get("CI"):
    from PySide6 import QtMultimedia as M
else:  # a user's computer may lack the libraries that it needs
    M = pytest.importorskip("PySide6.QtMultimedia", exc_type=ImportError)

WIDTH, HEIGHT = 320, 180
BITS, CELL = 12, 24


def numbered(i: int | None, square_x: int | None = None) -> QtGui.QImage:
    """A picture with its number in a row of black and white cells, and a bright square that may move."""
    image = QtGui.QImage(WIDTH, HEIGHT, QtGui.QImage.Format.Format_RGB32)
    image.fill(QtGui.QColor(30, 34, 44))
    painter = QtGui.QPainter(image)
    for bit in range(BITS if i is not None else 0):
        color = "white" if (i or 0) >> bit & 1 else "black"
        painter.fillRect(8 + bit * CELL, 8, CELL, CELL, QtGui.QColor(color))
    if square_x is not None:
        painter.fillRect(square_x % (WIDTH - 48), 90, 48, 48, QtGui.QColor("#f2a33c"))
    painter.end()
    return image


def number_in(image: QtGui.QImage) -> int:
    """The number that `numbered` drew."""
    cells = [image.pixel(8 + bit * CELL + CELL // 2, 8 + CELL // 2) for bit in range(BITS)]
    return sum(1 << bit for bit, pixel in enumerate(cells) if QtGui.qGray(pixel) > 128)


def make_video(
    path: Path,
    n_frames: int,
    fps: float = 25.0,
    sound: np.ndarray | None = None,
    sound_hz: int = 16000,
    square_x: Callable[[int], int] | None = None,
) -> Path:
    """An MP4 of `n_frames` numbered frames or a moving square; when given, with a sound track of floats -1..1."""
    session, frames, recorder = M.QMediaCaptureSession(), M.QVideoFrameInput(), M.QMediaRecorder()
    session.setVideoFrameInput(frames)
    form = M.QAudioFormat()
    form.setSampleRate(sound_hz)
    form.setChannelCount(1)
    form.setSampleFormat(M.QAudioFormat.SampleFormat.Int16)
    buffers = M.QAudioBufferInput(form) if sound is not None else None
    if buffers is not None:
        session.setAudioBufferInput(buffers)
    session.setRecorder(recorder)
    _set_up(recorder, path, fps)

    def frame(i: int) -> M.QVideoFrame:
        made = M.QVideoFrame(numbered(None, square_x(i)) if square_x else numbered(i))
        made.setStartTime(round(i * 1e6 / fps))
        made.setEndTime(round((i + 1) * 1e6 / fps))
        return made

    _feed(frames.readyToSendVideoFrame, frames.sendVideoFrame, (frame(i) for i in range(n_frames)), M.QVideoFrame())
    if buffers is not None and sound is not None:
        raw = (np.clip(sound, -1, 1) * 32767).astype("<i2")
        parts = (
            M.QAudioBuffer(QtCore.QByteArray(raw[i : i + 1600].tobytes()), form, round(i * 1e6 / sound_hz))
            for i in range(0, len(raw), 1600)
        )
        _feed(buffers.readyToSendAudioBuffer, buffers.sendAudioBuffer, parts, M.QAudioBuffer())
    _record(recorder)
    return path


def _set_up(recorder: M.QMediaRecorder, path: Path, fps: float) -> None:
    form = M.QMediaFormat(M.QMediaFormat.FileFormat.MPEG4)
    form.setVideoCodec(M.QMediaFormat.VideoCodec.MPEG4)
    form.setAudioCodec(M.QMediaFormat.AudioCodec.AAC)
    recorder.setMediaFormat(form)
    recorder.setOutputLocation(QtCore.QUrl.fromLocalFile(str(path)))
    recorder.setVideoFrameRate(fps)
    recorder.setQuality(M.QMediaRecorder.Quality.HighQuality)
    recorder.setAutoStop(True)


def _feed(ready: QtCore.SignalInstance, send: Callable[..., bool], parts: object, end: object) -> None:
    """Send parts whenever the recorder asks for more; `end` says that it was the last."""
    waiting: list[object] = []
    source = iter(parts)  # type: ignore[call-overload]

    def more() -> None:
        while True:
            if not waiting:
                waiting.append(next(source, end))
            if not send(waiting[0]):
                return
            if waiting.pop() is end:
                waiting.append(end)
                return

    ready.connect(more)


def _record(recorder: M.QMediaRecorder) -> None:
    loop, wrong = QtCore.QEventLoop(), []
    stopped = M.QMediaRecorder.RecorderState.StoppedState
    recorder.recorderStateChanged.connect(lambda state: loop.quit() if state == stopped else None)
    recorder.errorOccurred.connect(lambda _, text: (wrong.append(text), loop.quit()))
    recorder.record()
    loop.exec()
    assert not wrong, wrong


def clapped(at_s: list[float], seconds: float, seed: int) -> np.ndarray:
    """Sound at 16 kHz with a clap at each of these times."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.003, round(seconds * 16000))
    for t in at_s:
        i = round(t * 16000)
        x[i : i + 400] += rng.normal(0, 0.3, 400) * np.exp(-np.arange(400) / 80)
    return x
