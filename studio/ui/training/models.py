"""The project's models as a list: read from their documents alone, no graph is loaded."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PySide6 import QtGui
from PySide6.QtCore import QRect

from studio.app.telling import short
from studio.data.project import Project
from studio.ui.labels.lists import Line, write
from studio.ui.theme import font, theme
from studio.ui.training.front import family_color
from studio.ui.widgets import bytes_text


@dataclass(frozen=True, eq=False)
class Shown:
    """A model's id, its `model.json`, the seconds of its window and from one answer to the next (0: unknown).

    `length` is the window's in samples, `decision` how it decides along time (None: each window alone).
    """

    id: str
    document: dict[str, Any]
    window_s: float = 0.0
    stride_s: float = 0.0
    length: int = 0
    classes: tuple[str, ...] = ()
    decision: dict[str, Any] | None = None

    @property
    def family(self) -> str:
        return str(self.document.get("family", ""))

    @property
    def accuracy(self) -> float | None:
        return self.document.get("test", {}).get("accuracy")


def models_of(project: Project | None) -> list[Shown]:
    """Every model of the project, newest first; one that cannot be read is left out."""
    found = []
    paths = (project.path / "models").glob("*/model.json") if project is not None else ()
    for path in sorted(paths, key=lambda p: (p.stat().st_mtime, p.parent.name), reverse=True):
        try:
            graph = json.loads((path.parent / "graph.json").read_text(encoding="utf-8"))
            window_s, stride_s = (graph[k] / graph["rate_hz"] for k in ("length", "stride"))
            known = int(graph["length"]), tuple(graph.get("classes", ())), (graph.get("decision") or {}).get("values")
            found.append(
                Shown(path.parent.name, json.loads(path.read_text(encoding="utf-8")), window_s, stride_s, *known)
            )
        except (OSError, ValueError, KeyError, ZeroDivisionError):
            continue
    return found


def model_text(shown: Shown) -> str:
    """A model in one line."""
    test = shown.document.get("test", {})
    of = "" if test.get("number") or test.get("several") else "accuracy "
    right = f", {of}{short(test)}" if shown.accuracy is not None else ""
    return f"{shown.id}, {shown.family}{right}"


def when_text(created: str) -> str:
    """14:30 for today, else 21 Nov, in local time."""
    try:
        made = datetime.fromisoformat(created).astimezone()
    except ValueError:
        return ""
    today = made.date() == datetime.now().astimezone().date()
    return made.strftime("%H:%M") if today else f"{made.day} {made.strftime('%b')}"


class ModelLine(Line):
    """Name and accuracy; below, what it needs and when it was made."""

    height_px = 52

    def draw(self, painter: QtGui.QPainter, place: QRect, value: Shown) -> None:
        t = theme().tokens
        top = QRect(place.left(), place.top() + 8, place.width(), 18)
        accuracy = short(value.document.get("test", {}))
        taken = QtGui.QFontMetrics(font(13)).horizontalAdvance(accuracy) + 10
        painter.setPen(QtGui.QColor(family_color(value.family)))
        painter.setBrush(QtGui.QColor(family_color(value.family)))
        painter.drawEllipse(place.left(), place.top() + 13, 8, 8)
        write(painter, top.adjusted(16, 0, -taken, 0), value.id, t.text, bold=True)
        write(painter, top, accuracy, t.text, right=True)
        low = QRect(place.left() + 16, place.top() + 28, place.width() - 16, 16)
        cost = value.document.get("cost", {})
        size = f"{bytes_text(cost['flash_bytes'])} flash" if cost.get("flash_bytes") else ""
        when = when_text(str(value.document.get("created", "")))
        write(painter, low, size, t.dim, 12)
        write(painter, low, when, t.faint, 12, right=True)
