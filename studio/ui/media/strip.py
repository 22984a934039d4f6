"""The video on the time axis of the rows: where it begins and ends, and small pictures along it.

Small pictures are fetched one by one by a player of their own while nothing plays, at moments of a grid whose step
is a power of two of seconds, or one and a half; so panning and small zooms find them again.
"""

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.data.video import VideoTrack
from studio.ui.media.film import Film
from studio.ui.media.playhead import Playhead
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

HEIGHT_PX, PICTURE_PX, NAME_PX = 44, 36, 8
#: Pictures that are kept, and how much wider than a picture its place on the axis is at least.
KEPT, ROOM = 240, 1.06
#: Beats after which a picture that did not come is asked for again.
PATIENCE = 30


@dataclass(frozen=True)
class Axis:
    """Pixels [left_px, right_px) of the widget show the seconds [left_s, right_s)."""

    left_px: float
    right_px: float
    left_s: float
    right_s: float

    @property
    def px_per_s(self) -> float:
        """How wide a second is."""
        return (self.right_px - self.left_px) / max(self.right_s - self.left_s, 1e-9)

    def x(self, time_s: float) -> float:
        """Where a time lies."""
        return self.left_px + (time_s - self.left_s) * self.px_per_s

    def time_s(self, x: float) -> float:
        """Which time lies there."""
        return self.left_s + (x - self.left_px) / self.px_per_s


class Pictures(QtCore.QObject):
    """Small pictures of a video by the second; `came` when there is one more."""

    came = QtCore.Signal()

    def __init__(self, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._head = Playhead(parent=self)
        self.film = Film(self._head, self)
        self.film.framed.connect(self._framed)
        self.film.opened.connect(self.came)
        self._kept: OrderedDict[float, QtGui.QImage] = OrderedDict()
        self._wanted: float | None = None
        self._patience, self.path = 0, ""
        self.shape = 16 / 9

    def open(self, path: Path) -> None:
        """Another video."""
        self.close()
        self.path = str(path)
        self._head.open(1e6)
        self.film.open(path, VideoTrack(str(path)))

    def close(self) -> None:
        """Let the file go."""
        self.film.close()
        self._kept.clear()
        self._wanted, self.path = None, ""

    def at(self, video_s: float) -> QtGui.QImage | None:
        """The picture of this second when it is there; its place in the queue of those kept is renewed."""
        found = self._kept.get(video_s)
        if found is not None:
            self._kept.move_to_end(video_s)
        return found

    def fetch(self, video_s: float) -> None:
        """Ask for one picture, unless another is on its way."""
        if self._wanted is None and self.film.ready:
            self._wanted, self._patience = video_s, PATIENCE
            self._head.seek(video_s)

    def tick(self) -> None:
        """A beat."""
        self._head.tick()
        self._patience -= 1
        if self._patience < 0:
            self._wanted = None

    def _framed(self, frame: Any) -> None:
        if self._wanted is None or abs(self.film.frame_s - self._wanted) > 0.5:
            return
        image = frame.toImage()
        if not image.isNull():
            self.shape = image.width() / image.height()
            small = image.scaledToHeight(2 * PICTURE_PX, Qt.TransformationMode.SmoothTransformation)
            self._kept[self._wanted] = small
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._wanted = None
        self.came.emit()


@safe_overrides
class FilmStrip(QtWidgets.QWidget):
    """One video along the axis of the rows, which `axis` tells. A click puts the line there."""

    def __init__(self, head: Playhead, axis: Callable[[], Axis | None]) -> None:
        super().__init__()
        self._head, self._axis = head, axis
        self.track: VideoTrack | None = None
        self.pictures = Pictures(self)
        self.pictures.came.connect(self.update)
        self._shown: Axis | None = None
        self.setFixedHeight(HEIGHT_PX)
        self.setObjectName("video_strip")
        self.setAccessibleName("Video along the time axis")
        self.setToolTip("Where the video lies. Click to put the line there")
        head.ticked.connect(self._tick)
        head.moved.connect(lambda _: self.update())
        theme().changed.connect(self.update)
        self.hide()

    def show_video(self, path: Path | None, track: VideoTrack | None) -> None:
        """This video, or none."""
        self.track = track
        self.setVisible(track is not None)
        if path is None or track is None:
            self.pictures.close()
        elif str(path) != self.pictures.path:
            self.pictures.open(path)
        self.update()

    @property
    def span_px(self) -> tuple[float, float] | None:
        """From where to where the video reaches, in pixels."""
        axis = self._axis()
        if self.track is None or axis is None or not self.pictures.film.ready:
            return None
        return axis.x(self.track.time_s(0.0)), axis.x(self.track.time_s(self.pictures.film.seconds))

    def places(self) -> list[float]:
        """Seconds of the video whose pictures are in view, one beside the other."""
        span, axis, film = self.span_px, self._axis(), self.pictures.film
        if span is None or axis is None or span[1] - span[0] < 4:
            return []
        per_px = film.seconds / (span[1] - span[0])
        least = max(per_px * PICTURE_PX * self.pictures.shape * ROOM, 1e-3)
        octave = 2.0 ** math.floor(math.log2(least))
        step = next(octave * part for part in (1.0, 1.5, 2.0) if octave * part >= least)
        first = max(0, math.floor((axis.left_px - span[0]) * per_px / step))
        last = math.ceil((axis.right_px - span[0]) * per_px / step)
        return [i * step for i in range(first, last + 1) if i * step < film.seconds - film.period_s / 2]

    def _tick(self) -> None:
        if not self.isVisible() or self.track is None:
            return
        self.pictures.tick()
        axis = self._axis()
        if axis != self._shown:  # the rows were moved
            self._shown = axis
            self.update()
        if not self._head.playing:
            missing = next((v for v in self.places() if self.pictures.at(v) is None), None)
            if missing is not None:
                self.pictures.fetch(missing)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter, t = QtGui.QPainter(self), theme()
        painter.fillRect(self.rect(), t.color("plot"))
        painter.setFont(font(12, QtGui.QFont.Weight.DemiBold))
        painter.setPen(t.color("text"))
        painter.drawText(NAME_PX, 0, 60, self.height(), Qt.AlignmentFlag.AlignVCenter, "video")
        span, axis = self.span_px, self._axis()
        if span is None or axis is None:
            return
        painter.setClipRect(QtCore.QRectF(axis.left_px, 0, axis.right_px - axis.left_px, self.height()))
        box = QtCore.QRectF(span[0], (self.height() - PICTURE_PX) // 2, span[1] - span[0], PICTURE_PX)
        painter.fillRect(box, t.color("raised"))
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        for video_s in self.places():
            self._paint_picture(painter, box, video_s)
        painter.setPen(t.color("line_strong"))
        painter.drawRect(box.adjusted(0, 0, -1, -1))
        painter.setPen(t.color("text"))
        at = axis.x(self._head.time_s)
        painter.drawLine(QtCore.QPointF(at, 0), QtCore.QPointF(at, self.height()))

    def _paint_picture(self, painter: QtGui.QPainter, box: QtCore.QRectF, video_s: float) -> None:
        image = self.pictures.at(video_s)
        if image is None:
            return
        whole = PICTURE_PX * self.pictures.shape
        x = box.left() + box.width() * video_s / self.pictures.film.seconds
        wide = min(whole, box.right() - x)
        part = QtCore.QRectF(0, 0, image.width() * wide / whole, image.height())
        painter.drawImage(QtCore.QRectF(x, box.top(), wide, PICTURE_PX), image, part)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        axis = self._axis()
        if axis is not None:
            self._head.seek(axis.time_s(event.position().x()))
