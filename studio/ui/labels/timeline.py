"""A recording on one time axis: a row of envelopes per stream, its labels over all rows, the mouse and keys on them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6 import QtCore, QtGui
from PySide6.QtCore import Qt

from studio.data.recording import Recording
from studio.data.stream import Stream
from studio.ui.labels.axis import TimeAxis
from studio.ui.labels.box import TimeBox
from studio.ui.labels.edit import Edit
from studio.ui.labels.gaps import GapItem
from studio.ui.labels.keys import Keys
from studio.ui.labels.layer import LabelLayer
from studio.ui.labels.look import Look
from studio.ui.labels.marks import LabelMarks
from studio.ui.plots.envelope import EnvelopeItem, Pyramid
from studio.ui.plots.live import lanes, note
from studio.ui.plots.plot import PlotArea, quiet, recolor
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

#: Rows shrink no further; the page scrolls instead.
ROW_PX = 130
#: A new label by key is this share of the visible time.
NEW_LABEL = 0.1
#: Air above and below a trace, as a share of its range; above there is room for the labels' names too.
AIR_BELOW, AIR_ABOVE = 0.06, 0.16


@dataclass(eq=False)
class Row:
    """One stream: its plot, and the layer of labels over it."""

    stream: Stream
    plot: pg.PlotItem
    layer: LabelLayer
    marks: LabelMarks


@safe_overrides
class Timeline(PlotArea):
    """`seen` tells of every change of the visible time; `menu(time_s, event)` opens for a right click."""

    seen = QtCore.Signal(float, float)

    def __init__(self, edit: Edit, rename: Callable[[], None], menu: Callable[[float, Any], None]) -> None:
        super().__init__()
        self.edit, self.menu = edit, menu
        self.rows: list[Row] = []
        self.look = Look()
        self.end_s = 0.0
        self.keys = Keys(edit, self, rename, {})
        self.setObjectName("timeline")
        self.setAccessibleName("Recording on a time axis. The table view shows its labels as text.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # --- content -------------------------------------------------------------------------

    def show_recording(self, recording: Recording | None, pyramids: Mapping[str, Pyramid]) -> None:
        """Rows for `recording`: its streams that have a pyramid."""
        self.reset()
        self.rows = []
        if recording is None:
            return
        self.end_s = recording.duration_s
        streams = [s for s in recording.streams if s.name in pyramids]
        for n, stream in enumerate(streams):
            self.add_header(stream.name, lanes(stream) if len(stream.channels) > 1 else (), note(stream))
            row = self._add_row(stream, last=n == len(streams) - 1)
            self.rows.append(row)
            self._fill(row, recording, pyramids[stream.name])
        self.setMinimumHeight(ROW_PX * len(streams) + 40)
        self.ci.layout.activate()
        self.ci.setGeometry(self.range)  # an emptied layout shrinks, and grows again only when told
        self.fit()

    def _add_row(self, stream: Stream, last: bool) -> Row:
        box = TimeBox(self.edit, stream.rate_hz, self.menu)
        plot = self.ci.addPlot(self._row, 0, viewBox=box, axisItems={"bottom": TimeAxis("bottom")})
        self.ci.layout.setRowStretchFactor(self._row, 3 if len(stream.channels) > 1 else 2)
        self._row += 1
        self._plots.append(plot)
        quiet(plot)
        recolor(plot)
        plot.getAxis("bottom").setStyle(showValues=last, maxTickLevel=0)
        plot.getAxis("left").setStyle(maxTickLevel=1)
        if not last:
            plot.getAxis("bottom").setHeight(6)
        if self.rows:
            plot.setXLink(self.rows[0].plot)
        else:
            box.sigXRangeChanged.connect(lambda _, seen: self.seen.emit(*seen))
        return Row(stream, plot, LabelLayer(self.edit, self.look), LabelMarks(self.edit, self.look))

    def _fill(self, row: Row, recording: Recording, pyramid: Pyramid) -> None:
        """Labels at the back, traces over them, gaps on top."""
        stream, gaps = row.stream, recording.gaps.get(row.stream.name, ())
        row.plot.addItem(row.layer, ignoreBounds=True)
        for channel, (_, lane) in enumerate(lanes(stream)):
            item = EnvelopeItem(pyramid, channel, stream.rate_hz, stream.scale, gaps, lane)
            row.plot.addItem(item, ignoreBounds=True)
        row.plot.addItem(GapItem(gaps, stream.rate_hz), ignoreBounds=True)
        row.plot.addItem(row.marks, ignoreBounds=True)
        ends = [v * stream.scale for c in range(len(stream.channels)) for v in pyramid.limits(c)]
        low, high = min(ends), max(ends)
        span = (high - low) or 1.0
        box = row.plot.getViewBox()
        box.setYRange(low - AIR_BELOW * span, high + AIR_ABOVE * span, padding=0)
        box.setLimits(xMin=0, xMax=max(self.end_s, 0.01), minXRange=8 / stream.rate_hz)

    def paint_with(self, look: Look) -> None:
        """Take over colours after a change of theme or classes."""
        self.look = look
        for row in self.rows:
            for item in (row.layer, row.marks):
                item.look = look
                item.update()

    def repaint_labels(self) -> None:
        """Labels, selection, draft or cursor changed."""
        for row in self.rows:
            row.layer.update()
            row.marks.update()

    # --- what the keys and the overview ask for -------------------------------------------

    @property
    def visible_s(self) -> tuple[float, float]:
        """The stretch in view."""
        if not self.rows:
            return 0.0, max(self.end_s, 1.0)
        left, right = self.rows[0].plot.viewRange()[0]
        return left, right

    @property
    def marked_s(self) -> tuple[float, float] | None:
        """The stretch that the person selected, or None."""
        chosen = self.edit.chosen
        return (chosen.start_s, chosen.stop_s) if chosen is not None else None

    def look_at(self, left: float, right: float) -> None:
        """Show [left, right]."""
        if self.rows:
            width = min(right - left, self.end_s)
            left = min(max(left, 0.0), self.end_s - width)
            self.rows[0].plot.setXRange(left, left + width, padding=0)

    def fit(self) -> None:
        """Show the whole recording."""
        self.look_at(0.0, self.end_s)

    def pan(self, share: float) -> None:
        """Move by a share of the visible time."""
        left, right = self.visible_s
        by = share * (right - left)
        self.look_at(left + by, right + by)

    def zoom(self, factor: float) -> None:
        """Zoom around the cursor, or the middle of the view."""
        if self.rows:
            self.rows[0].plot.getViewBox().zoom(factor, self.edit.cursor_s)

    def reveal(self, index: int) -> None:
        """Bring label `index` into view."""
        segment = self.edit.labels.segments[index]
        left, right = self.visible_s
        if segment.start_s < left or segment.stop_s > right:
            width = max(right - left, 1.2 * (segment.stop_s - segment.start_s))
            middle = (segment.start_s + segment.stop_s) / 2
            self.look_at(middle - width / 2, middle + width / 2)

    def new_label(self) -> None:
        """A label of the current class at the cursor; without one, at the first free spot in view."""
        left, right = self.visible_s
        at = self.edit.cursor_s
        if at is None or self.edit.table.at(at) is not None:
            at = self._free(left, right)
        self.edit.add(at, NEW_LABEL * (right - left))

    def _free(self, left: float, right: float) -> float:
        """Where the widest free stretch of the view begins."""
        table = self.edit.table
        i, j = table.visible(left, right)
        starts = [left, *(float(v) for v in table.stop_s[i:j])]
        stops = [*(float(v) for v in table.start_s[i:j]), right]
        return max(zip(starts, stops, strict=True), key=lambda gap: gap[1] - gap[0])[0]

    # --- keys ----------------------------------------------------------------------------

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        if not self.keys.press(event.key(), event.modifiers()):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QtGui.QKeyEvent) -> None:
        if not event.isAutoRepeat():
            self.keys.release()
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QtGui.QFocusEvent) -> None:
        self.keys.release()
        super().focusOutEvent(event)
        self.viewport().update()

    def focusInEvent(self, event: QtGui.QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def drawForeground(self, painter: QtGui.QPainter, rect: QtCore.QRectF) -> None:
        """A ring that shows that the keys act here."""
        if self.hasFocus():
            painter.save()
            painter.resetTransform()
            painter.setPen(pg.mkPen(theme().tokens.focus, width=2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))
            painter.restore()

    def px(self, time_s: float, row: int = 0) -> QtCore.QPoint:
        """The widget's pixel of a time, in the middle of a row."""
        box = self.rows[row].plot.getViewBox()
        low, high = box.viewRange()[1]
        return self.mapFromScene(box.mapViewToScene(QtCore.QPointF(time_s, (low + high) / 2)))
