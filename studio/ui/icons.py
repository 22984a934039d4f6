"""Tabler's SVG icons, drawn in a colour of the theme: crisp at every size, right again after a change of theme."""

from functools import cache

from PySide6 import QtCore, QtGui, QtSvg
from PySide6.QtGui import QIcon

from studio.paths import RESOURCES
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

STROKE = 1.75


@safe_overrides
class SvgIconEngine(QtGui.QIconEngine):
    """Paints one SVG in the token `role`, in `role_on` while its button is checked."""

    def __init__(self, name: str, role: str, role_on: str) -> None:
        super().__init__()
        self._name, self._role, self._role_on = name, role, role_on

    def paint(
        self, painter: QtGui.QPainter, rect: QtCore.QRect, mode: QtGui.QIcon.Mode, state: QtGui.QIcon.State
    ) -> None:
        role = self._role_on if state == QIcon.State.On else self._role
        if mode == QIcon.Mode.Disabled:
            role = "faint"
        side = min(rect.width(), rect.height())
        box = QtCore.QRectF(rect.x(), rect.y() + (rect.height() - side) / 2, side, side)
        renderer(self._name, getattr(theme().tokens, role, role)).render(painter, box)

    def pixmap(self, size: QtCore.QSize, mode: QIcon.Mode, state: QIcon.State) -> QtGui.QPixmap:
        made = QtGui.QPixmap(size)
        made.fill(QtCore.Qt.GlobalColor.transparent)
        painter = QtGui.QPainter(made)
        self.paint(painter, QtCore.QRect(QtCore.QPoint(0, 0), size), mode, state)
        painter.end()
        return made

    def clone(self) -> "SvgIconEngine":
        return SvgIconEngine(self._name, self._role, self._role_on)


@cache
def renderer(name: str, color: str) -> QtSvg.QSvgRenderer:
    """The SVG `name` in `color`, parsed once."""
    svg = (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    svg = svg.replace("currentColor", color).replace('stroke-width="2"', f'stroke-width="{STROKE}"')
    return QtSvg.QSvgRenderer(svg.encode())


def icon(name: str, role: str = "text", role_on: str = "") -> QIcon:
    """The icon `name` in the colour of the token `role` (or a colour like "#fff")."""
    return QIcon(SvgIconEngine(name, role, role_on or role))


def pixmap(name: str, role: str, size: int, ratio: float = 1.0) -> QtGui.QPixmap:
    """The icon as a picture of `size` points, for labels."""
    made = SvgIconEngine(name, role, role).pixmap(
        QtCore.QSize(round(size * ratio), round(size * ratio)), QIcon.Mode.Normal, QIcon.State.Off
    )
    made.setDevicePixelRatio(ratio)
    return made
