"""Cameras, and a film of what one sees: an MP4 whose frames lie by the camera's clock, and a file of their times.

Every frame goes through the studio on its way from the camera to Qt's recorder: so its arrival is known, and one that
the recorder cannot take is counted instead of silently missing.
"""

import time
from collections import deque
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PySide6 import QtCore, QtGui

from studio.data.frames import write_frames
from studio.errors import LinkError
from studio.ui.media import extra

VIRTUAL = "virtual"
#: Frames that wait for the recorder; more are lost, and counted.
MOST_WAITING = 60
BITS, CELL = 24, 24


class Camera(Protocol):
    """Gives frames; `seen(frame, own_us)` on the window's thread, own_us by the camera's clock, -1 when it has none."""

    seen: Any
    rate_hz: float

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End."""


class VirtualCamera(QtCore.QObject):
    """A camera that sees a clock: this computer's monotonic clock in ms, as a row of black and white cells.

    Its own clock runs `ppm` fast, so that what is made of the frames' times can be judged by what is in the frames.
    """

    seen = QtCore.Signal(object, object)

    def __init__(self, rate_hz: float = 30.0, size: tuple[int, int] = (640, 360), ppm: float = 0.0) -> None:
        super().__init__()
        self.rate_hz, self._size, self._ppm = rate_hz, size, ppm
        self._timer = QtCore.QTimer(self)
        self._timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._take)

    def start(self) -> None:
        """Begin."""
        self._timer.start(round(1000 / self.rate_hz))

    def stop(self) -> None:
        """End."""
        self._timer.stop()

    def _take(self) -> None:
        now_ns = time.monotonic_ns()
        frame = extra.multimedia().QVideoFrame(clock_image(now_ns // 1_000_000, self._size))
        self.seen.emit(frame, int(now_ns * 1e-3 * (1 + self._ppm * 1e-6)))


class RealCamera(QtCore.QObject):
    """A camera of this computer, by QtMultimedia. LinkError when it cannot be used. Not tried on hardware."""

    seen = QtCore.Signal(object, object)

    def __init__(self, device: Any) -> None:
        super().__init__()
        m = extra.multimedia()
        self._camera = m.QCamera(device, self)
        self._session, self._sink = m.QMediaCaptureSession(self), m.QVideoSink(self)
        self._session.setCamera(self._camera)
        self._session.setVideoSink(self._sink)
        self._sink.videoFrameChanged.connect(self._came)
        self.rate_hz = float(self._camera.cameraFormat().maxFrameRate() or 30.0)
        self.title = device.description()

    def start(self) -> None:
        """Begin."""
        self._camera.start()
        if self._camera.error() != type(self._camera).Error.NoError:
            seen = self._camera.errorString() or "it gives no picture"
            raise LinkError(f"Camera {self.title}", seen, "Close other programs that use it, and allow this one to.")

    def stop(self) -> None:
        """End."""
        self._camera.stop()

    def _came(self, frame: Any) -> None:
        if frame.isValid():
            self.seen.emit(frame, int(frame.startTime()))


def cameras() -> list[tuple[str, str]]:
    """(id, title) of every camera there is; StudioError without the extra. The virtual one is last."""
    found = extra.multimedia().QMediaDevices.videoInputs()
    real = [(bytes(d.id().data()).decode(errors="replace"), d.description()) for d in found]
    return [*real, (VIRTUAL, "Virtual camera (a clock)")]


def open_camera(id: str) -> Camera:
    """The camera of this id; LinkError when it is gone."""
    if id == VIRTUAL:
        return VirtualCamera()
    for device in extra.multimedia().QMediaDevices.videoInputs():
        if bytes(device.id().data()).decode(errors="replace") == id:
            return RealCamera(device)
    raise LinkError(f"Camera {id}", "is not connected", "Plug it in, then choose it again.")


class Filming(QtCore.QObject):
    """Records what `camera` sees into `file` (MP4); `finished` when it is whole, `error` says why not.

    `rows` are (number, camera clock us, this computer's ns) of every frame in the file; `lost` were not taken.
    """

    finished = QtCore.Signal()

    def __init__(self, camera: Camera, file: Path) -> None:
        super().__init__()
        self._m, self._camera, self.file = extra.multimedia(), camera, file
        self.rows: list[tuple[int, int, int]] = []
        self.lost, self.error = 0, ""
        self._waiting: deque[Any] = deque()
        self._first_us: int | None = None
        self._ending = self._done = False
        self._session, self._input = self._m.QMediaCaptureSession(), self._m.QVideoFrameInput()
        self._recorder = self._m.QMediaRecorder()
        self._session.setVideoFrameInput(self._input)
        self._session.setRecorder(self._recorder)
        self._set_up()
        self._input.readyToSendVideoFrame.connect(self._send)
        self._recorder.recorderStateChanged.connect(self._changed)
        self._recorder.errorOccurred.connect(self._failed)
        camera.seen.connect(self._seen)
        self._recorder.record()

    def _set_up(self) -> None:
        m = self._m
        form = m.QMediaFormat(m.QMediaFormat.FileFormat.MPEG4)
        codecs = m.QMediaFormat.VideoCodec
        known = form.supportedVideoCodecs(m.QMediaFormat.ConversionMode.Encode)
        form.setVideoCodec(next((c for c in (codecs.H264, codecs.MPEG4) if c in known), codecs.MPEG4))
        self._recorder.setMediaFormat(form)
        self._recorder.setOutputLocation(QtCore.QUrl.fromLocalFile(str(self.file)))
        self._recorder.setVideoFrameRate(self._camera.rate_hz)
        self._recorder.setQuality(m.QMediaRecorder.Quality.HighQuality)
        self._recorder.setAutoStop(True)

    def end(self) -> None:
        """No more frames; `finished` comes when the file is whole."""
        if not self._ending:
            self._ending = True
            self._camera.seen.disconnect(self._seen)
            self._waiting.append(self._m.QVideoFrame())
            self._send()
            if self.error or self._stopped():
                QtCore.QTimer.singleShot(0, self._over)

    def _seen(self, frame: Any, own_us: int) -> None:
        host_ns = time.monotonic_ns()
        own_us = own_us if own_us >= 0 else host_ns // 1000
        if len(self._waiting) >= MOST_WAITING or (self.rows and own_us <= self.rows[-1][1]):
            self.lost += 1
            return
        self._first_us = own_us if self._first_us is None else self._first_us
        frame.setStartTime(own_us - self._first_us)
        frame.setEndTime(own_us - self._first_us + round(1e6 / self._camera.rate_hz))
        self.rows.append((len(self.rows), own_us, host_ns))
        self._waiting.append(frame)
        self._send()

    def _send(self) -> None:
        while self._waiting and self._input.sendVideoFrame(self._waiting[0]):
            self._waiting.popleft()

    def _failed(self, _: object, text: str) -> None:
        """The recorder gives up; it may or may not say that it stopped."""
        self.error = self.error or text or "the recorder stopped"
        if self._ending:
            QtCore.QTimer.singleShot(0, self._over)

    def _stopped(self) -> bool:
        return bool(self._recorder.recorderState() == self._m.QMediaRecorder.RecorderState.StoppedState)

    def _changed(self, _: object) -> None:
        if self._stopped() and self._ending:
            self._over()

    def _over(self) -> None:
        """The file is whole, or there is none: say so once."""
        if self._done:
            return
        self._done = True
        if not self.error:
            write_frames(self.file.with_suffix(".frames"), np.array(self.rows, np.int64).reshape(-1, 3))
        self.finished.emit()


def clock_image(ms: int, size: tuple[int, int] = (640, 360)) -> QtGui.QImage:
    """A picture of a clock: the lowest bits of `ms` as cells, and a hand that goes round once a second."""
    image = QtGui.QImage(*size, QtGui.QImage.Format.Format_RGB32)
    image.fill(QtGui.QColor(24, 28, 36))
    painter = QtGui.QPainter(image)
    for bit in range(BITS):
        painter.fillRect(8 + bit * CELL, 8, CELL, CELL, QtGui.QColor("white" if ms >> bit & 1 else "black"))
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setPen(QtGui.QPen(QtGui.QColor("#5b8cff"), 6))
    middle = QtCore.QPointF(size[0] / 2, size[1] * 0.56)
    line = QtCore.QLineF.fromPolar(size[1] * 0.3, 90 - 0.36 * (ms % 1000))
    painter.drawEllipse(middle, size[1] * 0.36, size[1] * 0.36)
    painter.drawLine(line.translated(middle))
    painter.end()
    return image


def clock_ms(image: QtGui.QImage) -> int:
    """The bits of the clock in a picture."""
    cells = [image.pixel(8 + bit * CELL + CELL // 2, 8 + CELL // 2) for bit in range(BITS)]
    return sum(1 << bit for bit, pixel in enumerate(cells) if QtGui.qGray(pixel) > 128)
