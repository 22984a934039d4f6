"""A recording on one time axis: a row per stream, a strip per label track, the mouse and keys on them."""

from collections.abc import Mapping

import pyqtgraph as pg
from PySide6 import QtCore, QtGui
from PySide6.QtCore import QPointF, Qt

from studio.data.recording import Recording
from studio.ui.labels import arrange, rows
from studio.ui.labels.arrange import Arrangement
from studio.ui.labels.borders import Borders
from studio.ui.labels.edit import Edit
from studio.ui.labels.keys import Keys
from studio.ui.labels.layer import Track
from studio.ui.labels.look import Look
from studio.ui.labels.rows import Hands, Row, name_of, row_of
from studio.ui.labels.strip import NameAxis
from studio.ui.plots.envelope import Pyramid
from studio.ui.plots.live import lanes, note
from studio.ui.plots.plot import PlotArea
from studio.ui.safe import safe_overrides
from studio.ui.theme import theme

#: Rows without a height of their own shrink no further; the page scrolls instead.
ROW_PX, HEAD_PX, FOOT_PX = 64, 20, 40
#: A new label by key is this share of the visible time.
NEW_LABEL = 0.1
#: What is zoomed to fills this share of the view.
ZOOMED = 0.8
UNLIMITED = 16777215.0


@safe_overrides
class Timeline(PlotArea):
    """`seen` tells of every change of the visible time, `arranged` of rows that were resized or moved."""

    seen = QtCore.Signal(float, float)
    arranged = QtCore.Signal()

    def __init__(self, edit: Edit, hands: Hands) -> None:
        super().__init__(rows.GUTTER_PX)
        self.edit, self.hands = edit, hands
        self.rows: list[Row] = []
        self.strips: list[Row] = []
        self.arrangement = Arrangement()
        self.current = ""
        self.look = Look()
        self.end_s = 0.0
        self.keys = Keys({})
        self.borders = Borders(self)
        self.setMouseTracking(True)
        self.setObjectName("timeline")
        self.setAccessibleName("Recording on a time axis. The table view shows its labels as text.")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # --- content -------------------------------------------------------------------------

    @property
    def all_rows(self) -> list[Row]:
        """Plots, then strips, from top to bottom."""
        return [*self.rows, *self.strips]

    def show_recording(
        self,
        recording: Recording | None,
        pyramids: Mapping[str, Pyramid],
        tracks: Mapping[str, Track | None] | None = None,
    ) -> None:
        """Rows for the streams of `recording` that have a pyramid, and a strip per track; None is the edited one."""
        self._clear()
        if recording is None:
            return
        self.end_s = recording.duration_s
        shown = self.arrangement.shown(rows.keys_of(recording, pyramids))
        for key in shown:
            self._add_row(key, recording, pyramids)
        strips = [key for key in self.arrangement.shown(f"track:{t}" for t in tracks or {}) if recording.streams]
        for key in strips:
            self._add_strip(key, recording, (tracks or {})[name_of(key)])
        self._link()
        self.apply_heights()
        self.ci.layout.activate()
        self.ci.setGeometry(self.range)  # an emptied layout shrinks, and grows again only when told
        self.fit()

    def _clear(self) -> None:
        for line in range(self._row):
            self.ci.layout.setRowMinimumHeight(line, 0)
            self.ci.layout.setRowMaximumHeight(line, UNLIMITED)
        self.reset()
        self.rows, self.strips = [], []

    def _add_row(self, key: str, recording: Recording, pyramids: Mapping[str, Pyramid]) -> None:
        stream, heard = recording.stream(name_of(key)), key.startswith("spectrogram:")
        title = f"{stream.name} · spectrogram" if heard else stream.name
        named = len(stream.channels) > 1 and not rows.is_picture(key, stream)
        self.add_header(title, lanes(stream) if named else (), "kHz" if heard else note(stream))
        row = row_of(key, stream, self.edit, self.look, self.hands)
        row.head = self.ci.getItem(self._row - 1, 0)
        self._place(row)
        rows.fill(row, recording, pyramids[stream.name])
        self.rows.append(row)

    def _add_strip(self, key: str, recording: Recording, track: Track | None) -> None:
        row = row_of(key, recording.streams[0], self.edit, self.look, self.hands, track)
        self._place(row)
        rows.fill_strip(row)
        axis = row.plot.getAxis("left")
        assert isinstance(axis, NameAxis)
        axis.active = track is None
        self.strips.append(row)

    def show_tracks(self, tracks: Mapping[str, Track | None]) -> None:
        """The same strips with other tracks behind them; None is the edited one.

        In place: a click on a strip asks for this, and its row must outlive the click.
        """
        for row in self.strips:
            track, axis = tracks[name_of(row.key)], row.plot.getAxis("left")
            assert isinstance(axis, NameAxis)
            row.layer.edit, row.marks.handles, axis.active = track or self.edit, track is None, track is None
            axis.update()
        self.repaint_labels()

    def _place(self, row: Row) -> None:
        self.ci.addItem(row.plot, self._row, 0)
        row.at = self._row
        self._row += 1
        self._plots.append(row.plot)

    def _link(self) -> None:
        """One time axis for all, with its figures under the last."""
        every = self.all_rows
        for n, row in enumerate(every):
            last, box = n == len(every) - 1, row.plot.getViewBox()
            row.plot.getAxis("bottom").setStyle(showValues=last, maxTickLevel=0)
            if not last:
                row.plot.getAxis("bottom").setHeight(6 if row in self.rows else 2)
            box.setLimits(xMin=0, xMax=max(self.end_s, 0.01), minXRange=8 / row.stream.rate_hz)
            if n:
                row.plot.setXLink(every[0].plot)
            else:
                box.sigXRangeChanged.connect(lambda _, seen: self.seen.emit(*seen))

    def apply_heights(self) -> None:
        """Rows as high as the person made them; the others share the rest."""
        layout, total = self.ci.layout, FOOT_PX
        for row in self.all_rows:
            strip = row.key.startswith("track:")
            own = self.arrangement.heights.get(row.key, arrange.STRIP_PX if strip else None)
            foot = 24 if row is self.all_rows[-1] else 0
            least = own or ROW_PX
            layout.setRowMinimumHeight(row.at, least + foot)
            layout.setRowMaximumHeight(row.at, least + foot if own else UNLIMITED)
            layout.setRowStretchFactor(row.at, 0 if own else 3 if len(row.stream.channels) > 1 else 2)
            total += least + (6 if strip else HEAD_PX + 10)
        self.setMinimumHeight(total)

    def paint_with(self, look: Look) -> None:
        """Take over colours after a change of theme or classes."""
        self.look = look
        for row in self.all_rows:
            for item in (row.layer, row.marks):
                item.look = look
                item.update()

    def repaint_labels(self) -> None:
        """Labels, selection, draft or cursor changed."""
        for row in self.all_rows:
            row.layer.update()
            row.marks.update()

    def repaint_marks(self) -> None:
        """Only the lines moved."""
        for row in self.all_rows:
            row.marks.update()

    # --- what the keys and the overview ask for -------------------------------------------

    @property
    def visible_s(self) -> tuple[float, float]:
        """The stretch in view."""
        if not self.all_rows:
            return 0.0, max(self.end_s, 1.0)
        left, right = self.all_rows[0].plot.viewRange()[0]
        return left, right

    @property
    def marked_s(self) -> tuple[float, float] | None:
        """The stretch that the person selected, or None."""
        return self.edit.marked_s

    def look_at(self, left: float, right: float) -> None:
        """Show [left, right]."""
        if self.all_rows:
            width = min(right - left, self.end_s)
            left = min(max(left, 0.0), self.end_s - width)
            self.all_rows[0].plot.setXRange(left, left + width, padding=0)

    def fit(self) -> None:
        """Show the whole recording."""
        self.look_at(0.0, self.end_s)

    def fit_marked(self) -> None:
        """Show the marked stretch or the selected labels, with some of what is around."""
        if (marked := self.edit.marked_s) is not None:
            width = max(marked[1] - marked[0], 20 * self.edit.sample_s) / ZOOMED
            middle = (marked[0] + marked[1]) / 2
            self.look_at(middle - width / 2, middle + width / 2)

    def pan(self, share: float) -> None:
        """Move by a share of the visible time."""
        left, right = self.visible_s
        by = share * (right - left)
        self.look_at(left + by, right + by)

    def zoom(self, factor: float) -> None:
        """Zoom around the cursor, else the line, else the middle of the view."""
        if self.all_rows:
            left, right = self.visible_s
            places = (self.edit.cursor_s, self.edit.head_s)
            center = next((t for t in places if t is not None and left <= t <= right), None)
            self.all_rows[0].plot.getViewBox().zoom(factor, center)

    def reveal(self, start_s: float, stop_s: float) -> None:
        """Bring a stretch into view."""
        left, right = self.visible_s
        if start_s < left or stop_s > right:
            width = max(right - left, 1.2 * (stop_s - start_s))
            middle = (start_s + stop_s) / 2
            self.look_at(middle - width / 2, middle + width / 2)

    def follow(self, time_s: float) -> None:
        """Keep a moving line in view: turn the page when it leaves."""
        left, right = self.visible_s
        if not left <= time_s <= right:
            self.look_at(time_s - 0.05 * (right - left), time_s + 0.95 * (right - left))

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

    # --- mouse on borders and headers, keys ------------------------------------------------

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if not self.borders.press(event):
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        if not self.borders.move(event):
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        if not self.borders.release(event):
            super().mouseReleaseEvent(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        if not self.keys.press(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QtGui.QKeyEvent) -> None:
        self.keys.release(event)
        super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QtGui.QFocusEvent) -> None:
        self.keys.let_go()
        super().focusOutEvent(event)
        self.viewport().update()

    def focusInEvent(self, event: QtGui.QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def drawForeground(self, painter: QtGui.QPainter, rect: QtCore.QRectF) -> None:
        """A ring that shows that the keys act here, and where a dragged row would go."""
        painter.save()
        painter.resetTransform()
        if self.hasFocus():
            painter.setPen(pg.mkPen(theme().tokens.focus, width=2))
            painter.drawRect(self.viewport().rect().adjusted(1, 1, -1, -1))
        if (y := self.borders.drop_y) is not None:
            painter.fillRect(0, round(y) - 1, self.viewport().width(), 3, theme().color("accent"))
        painter.restore()

    def px(self, time_s: float, row: int = 0) -> QtCore.QPoint:
        """The widget's pixel of a time, in the middle of a row."""
        return self.px_of(self.rows[row], time_s)

    def px_of(self, row: Row, time_s: float) -> QtCore.QPoint:
        """The same for any row or strip."""
        box = row.plot.getViewBox()
        low, high = box.viewRange()[1]
        return self.mapFromScene(box.mapViewToScene(QPointF(time_s, (low + high) / 2)))
