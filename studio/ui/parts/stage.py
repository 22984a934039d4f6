"""The stage above the plots: a countdown or a prompt in words that are read from across the room."""

from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.prompts import Cue
from studio.paths import RESOURCES
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, theme

HEIGHT, BAR = 176, 6
SUFFIXES = (".png", ".jpg", ".jpeg", ".svg", ".gif")


@safe_overrides
class Stage(QtWidgets.QWidget):
    """Hidden while there is nothing to say."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(HEIGHT)
        self.title, self.above, self.below, self.color = "", "", "", ""
        self._share = 0.0
        self._picture = QtGui.QPixmap()
        self._picture_of = Path()
        self.hide()
        theme().changed.connect(self.update)

    def count_down(self, left_s: float, whole_s: float) -> None:
        """Before a recording."""
        self._say(f"{max(1, int(left_s + 0.999))}", "Recording begins in", "", "", 1 - left_s / whole_s)

    def prompt(self, cue: Cue, color: str, picture: Path | None) -> None:
        """A step of a prompted collection."""
        above = "Now" if cue.kind == "show" else "Get ready"
        below = f"{cue.left_s:.1f} s   ·   {cue.done + 1} of {cue.total}"
        self._show_picture(picture)
        self._say(cue.label, above, below, color if cue.kind == "show" else "", cue.share)

    def clear(self) -> None:
        """Take it away."""
        if self.isVisible():
            self._show_picture(None)
            self.hide()

    def _say(self, title: str, above: str, below: str, color: str, share: float) -> None:
        if (title, above) != (self.title, self.above):
            self.setAccessibleName(f"{above}: {title}")
        self.title, self.above, self.below, self.color, self._share = title, above, below, color, share
        self.setVisible(True)
        self.update()

    def _show_picture(self, path: Path | None) -> None:
        if (path or Path()) != self._picture_of:
            self._picture_of = path or Path()
            self._picture = QtGui.QPixmap(str(path)) if path is not None else QtGui.QPixmap()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        t, painter = theme().tokens, QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QtGui.QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), QtGui.QColor(t.panel))
        box = QtCore.QRectF(self.rect()).adjusted(24, 14, -24, -14 - BAR)
        if not self._picture.isNull():
            box = self._draw_picture(painter, box)
        big = QtGui.QColor(self.color or t.dim)
        center = Qt.AlignmentFlag.AlignCenter
        self._words(painter, QtCore.QRectF(box.x(), box.y(), box.width(), 22), self.above, 15, t.dim)
        used = self._fitting(box.width())
        painter.setFont(used)
        painter.setPen(big if self.color else QtGui.QColor(t.text))
        painter.drawText(box.adjusted(0, 22, 0, -22), center, self.title)
        self._words(painter, QtCore.QRectF(box.x(), box.bottom() - 20, box.width(), 20), self.below, 14, t.dim)
        groove = QtCore.QRectF(0, self.height() - BAR, self.width(), BAR)
        painter.fillRect(groove, QtGui.QColor(t.line))
        groove.setWidth(self.width() * min(1.0, max(0.0, self._share)))
        painter.fillRect(groove, QtGui.QColor(self.color or t.accent))

    def _draw_picture(self, painter: QtGui.QPainter, box: QtCore.QRectF) -> QtCore.QRectF:
        """At the left; the rest of the box is for the words."""
        side = box.height()
        size = QtCore.QSizeF(self._picture.size()).scaled(side * 1.4, side, Qt.AspectRatioMode.KeepAspectRatio)
        place = QtCore.QRectF(QtCore.QPointF(box.x(), box.center().y() - size.height() / 2), size)
        painter.drawPixmap(place, self._picture, QtCore.QRectF(self._picture.rect()))
        return box.adjusted(size.width() + 20, 0, 0, 0)

    def _fitting(self, width: float) -> QtGui.QFont:
        """As large as the words allow."""
        for size in (84, 68, 54, 42, 32, 24):
            used = font(size, QtGui.QFont.Weight.Bold, figures=True)
            if QtGui.QFontMetricsF(used).horizontalAdvance(self.title) <= width:
                break
        return used

    @staticmethod
    def _words(painter: QtGui.QPainter, box: QtCore.QRectF, text: str, size: int, color: str) -> None:
        painter.setFont(font(size, figures=True))
        painter.setPen(QtGui.QColor(color))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def picture_of(label: str, project: Path | None) -> Path | None:
    """The picture of a class: `prompts/<class>.png` in the project's folder, else one that the studio brings."""
    folders = [*([project / "prompts"] if project is not None else []), RESOURCES / "prompts"]
    places = (folder / f"{label}{suffix}" for folder in folders for suffix in SUFFIXES)
    return next((place for place in places if place.is_file()), None)
