"""Agreement: two tracks of one recording compared, in figures and along time, and what differs settled by a third.

The first track is A, the second B: people, or a person and a model. Settling writes the track "labels:agreed".
"""

from dataclasses import replace
from typing import Any

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import QRect, Qt

from studio.app import reviewing
from studio.app.session import State
from studio.data.agreement import NOTHING, Agreement, Piece, agreed, agreement, differences, settled
from studio.data.labels import Labels
from studio.ui.labels.panels import Bench
from studio.ui.pages.base import Shell
from studio.ui.review.deciding import Deciding, fill
from studio.ui.review.stretches import Stretch, StretchList
from studio.ui.review.strip import DifferenceStrip
from studio.ui.safe import safe_overrides
from studio.ui.theme import font
from studio.ui.training.confusion import NAME_PX, Confusion
from studio.ui.widgets import Stat, button, caption, columns, combo, heading, label, line, named

Key, Modifier = Qt.Key, Qt.KeyboardModifier
TARGET = "labels:agreed"
Tracks = tuple[Labels, Labels]
ROW_PX = 20


@safe_overrides
class Seconds(Confusion):
    """A confusion matrix of time."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("agreement_matrix")

    def show_confusion(self, confusion: dict[str, Any]) -> None:
        """Low lines: the panel is narrow and the classes may be many."""
        super().show_confusion(confusion)
        self.setFixedHeight(4 + len(self.labels) * ROW_PX)

    def _place(self, row: int, column: int) -> QRect:
        wide = (self.width() - NAME_PX) / max(1, len(self.labels))
        x0, x1 = NAME_PX + round(column * wide), NAME_PX + round((column + 1) * wide)
        return QRect(x0, row * ROW_PX, x1 - x0 - 2, ROW_PX - 2) if row >= 0 else QRect()

    @staticmethod
    def _centred(painter: QtGui.QPainter, place: QRect, text: str, color: str) -> None:
        """Figures where there is room; above the columns, which stand in the order of the rows, nothing."""
        wide = QtGui.QFontMetrics(font(11, figures=True)).horizontalAdvance(text)
        if wide <= place.width() - 2 and place.height() < ROW_PX:
            painter.setFont(font(11, figures=True))
            painter.setPen(QtGui.QColor(color))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def text(self) -> str:
        """The chosen cell in words, or what to do."""
        if not self.labels:
            return ""
        if self.cell is None:
            return "Rows: A. Columns, in the same order: B. Click a cell for its seconds."
        row, column = self.cell
        return f"A says {self.labels[row]}, B says {self.labels[column]}: {self.matrix[row][column]} s"


class AgreementPanel(Deciding):
    """Figures, the strip of differences, the matrix (of all, or of what is in view), and the list to settle."""

    def __init__(self, shell: Shell, bench: Bench) -> None:
        super().__init__(shell, bench, "agreement")
        self.pieces: tuple[Piece, ...] = ()
        self._compared: object = None
        self._view: tuple[float, float] = (0.0, 0.0)
        self.a = combo("agreement_a", "Track A", "The first track")
        self.b = combo("agreement_b", "Track B", "The second track")
        self.person = line("agreement_person", "Name of another person", "Another person", "Adds a track of their own")
        self.join = button(
            "agreement_add", "", self.add_person, icon="plus", accessible="Add a person's track",
            tip="Add an empty track for this person and label in it",
        )  # fmt: skip
        self.kappa, self.alpha, self.share = Stat("Cohen's κ"), Stat("Krippendorff's α"), Stat("equal")
        self.strip = DifferenceStrip()
        self.matrix = Seconds()
        self.cell = label("", "small", wrap=True)
        self.in_view = named(
            QtWidgets.QCheckBox("In view only"), "agreement_in_view", "Only what is in view",
            "Figures of the part of the recording that is in view; they follow as you move",
        )  # fmt: skip
        self.nothing_counts = named(
            QtWidgets.QCheckBox("Count unlabelled"), "agreement_nothing", "Unlabelled time counts",
            "Time without a label is a class of its own; else only time that both labelled is compared",
        )  # fmt: skip
        self.nothing_counts.setChecked(True)
        self.list = StretchList("agreement_list", "Differences", "A or Left takes A, B or Right takes B, N neither")
        self.tally = label("", "small", wrap=True)
        self._build()
        self._wire()

    def _build(self) -> None:
        both = columns()
        both.addLayout(caption("A", self.a), 1)
        both.addLayout(caption("B", self.b), 1)
        self.body.addLayout(both)
        self.body.addLayout(columns(self.person, self.join))
        self.body.addLayout(columns(self.kappa, self.alpha, self.share))
        self.body.addWidget(self.strip)
        self.body.addLayout(columns(self.in_view, self.nothing_counts))
        self.body.addWidget(heading("Differences"))
        self.body.addWidget(self.tally)
        self.list.setMinimumHeight(180)
        self.body.addWidget(self.list, 1)
        self.take_a = button("agreement_take_a", "Take A", lambda: self.take("a"), tip="A is right (A or Left)")
        self.take_b = button("agreement_take_b", "Take B", lambda: self.take("b"), tip="B is right (B or Right)")
        self.neither = button("agreement_neither", "Neither", lambda: self.settle(NOTHING), tip="No label here (N)")
        self.body.addLayout(columns(self.take_a, self.take_b, self.neither))
        for widget in (heading("Who says what"), self.matrix, self.cell):
            self.body.addWidget(widget)

    def _wire(self) -> None:
        for box in (self.a, self.b):
            box.currentIndexChanged.connect(lambda _: self._again())
        for check in (self.in_view, self.nothing_counts):
            check.toggled.connect(lambda _: self._again())
        self.person.returnPressed.connect(self.add_person)
        self.strip.asked.connect(self._near)
        self.matrix.said.connect(self.cell.setText)
        self.list.at.connect(lambda _: self._look())
        self.list.typed = self._typed
        plain = Modifier.NoModifier
        self.list.keys = {
            (Key.Key_Left, plain): lambda: self.take("a"),
            (Key.Key_Right, plain): lambda: self.take("b"),
            (Key.Key_Backspace, plain): lambda: self.settle(NOTHING),
        }

    # --- following ----------------------------------------------------------------------------

    def tick(self) -> None:
        super().tick()
        seen = self.bench.timeline.visible_s
        if seen != self._view:
            self._view = seen
            self.strip.seen_s = seen
            self.strip.update()
            if self.in_view.isChecked():
                self._figures()

    def _again(self) -> None:
        self._compared, self._seen = None, None
        self.tick()

    def follow(self, state: State) -> None:
        found = state.open_recording
        names = [n for n in (found.labels if found else {}) if n != TARGET]
        rows = [(_title(n), n) for n in names]
        first = self.b.count() < 2
        fill(self.a, rows)
        fill(self.b, rows)
        if first and len(rows) > 1:
            quiet = self.b.blockSignals(True)
            self.b.setCurrentIndex(next((i for i, n in enumerate(names) if n != self.a.currentData()), 0))
            self.b.blockSignals(quiet)
        self._compare()
        self._show_list()

    def _tracks(self) -> Tracks | None:
        """The two tracks, when there are two."""
        found, a, b = self.state.open_recording, self.a.currentData(), self.b.currentData()
        if found is None or not a or not b or a == b:
            return None
        return found.labels.get(a, Labels()), found.labels.get(b, Labels())

    def _compare(self) -> None:
        """Figures and differences, when either track is another one."""
        tracks, found = self._tracks(), self.state.open_recording
        key = (found.id, *(t.segments for t in tracks)) if tracks and found else None
        if key is not None and key == self._compared:
            return
        self._compared = key
        self.pieces = differences(*tracks, found.duration_s, reviewing.TOLERANCE_S) if tracks and found else ()
        self.strip.show_differences(self.pieces, found.duration_s if found else 0.0)
        self._figures()

    def _figures(self) -> None:
        tracks, found = self._tracks(), self.state.open_recording
        if tracks is None or found is None:
            for stat in (self.kappa, self.alpha, self.share):
                stat.say("–")
            self.matrix.show_confusion({"labels": [], "matrix": []})
            return
        left, right = self.bench.timeline.visible_s if self.in_view.isChecked() else (0.0, found.duration_s)
        cut = [_cut(t, left, right) for t in tracks]
        self._say(agreement(*cut, max(right - left, 1e-3), nothing_counts=self.nothing_counts.isChecked()))

    def _say(self, found: Agreement) -> None:
        for stat, value in ((self.kappa, found.kappa), (self.alpha, found.alpha)):
            stat.say(f"{value:.3f}")
        self.share.say(f"{found.share:.1%}")
        cell = self.matrix.cell
        whole = [[round(s) for s in row] for row in found.seconds.tolist()]
        self.matrix.show_confusion({"labels": list(found.names), "matrix": whole})
        if cell is not None and max(cell) < len(found.names):
            self.matrix.choose(*cell)

    def _show_list(self) -> None:
        colors, row = self.colors(), max(self.list.row, 0)
        done = self._settled()
        lines = [
            Stretch(p.start_s, p.stop_s, p.a, p.b, None, colors.get(p.a, ""), done=i in done)
            for i, p in enumerate(self.pieces)
        ]
        self.list.show_stretches(lines, row)
        words = f"{len(lines)} differences, {len(done)} of them settled" if lines else "Nothing differs."
        self.tally.setText(words if self._tracks() else "Choose two tracks. A person's is added above.")
        for one in (self.take_a, self.take_b, self.neither):
            one.setEnabled(bool(lines))

    def _settled(self) -> set[int]:
        """Differences about which the agreed track says something."""
        found = self.state.open_recording
        track = found.labels.get(TARGET) if found else None
        if track is None:
            return set()
        middles = [(p.start_s + p.stop_s) / 2 for p in self.pieces]
        return {i for i, m in enumerate(middles) if track.covering(m, m) is not None}

    # --- people and places ----------------------------------------------------------------------

    def add_person(self) -> None:
        """An empty track for another person, which is then edited."""
        name = self.person.text().strip()
        found = self.state.open_recording
        if not name or found is None:
            self.person.setFocus()
            return
        track = f"{reviewing.HUMAN}:{name}"
        tracks = {} if track in found.labels else {track: Labels()}
        if self.attempt(lambda: reviewing.commit(self.session, f"Add track of {name}", found.id, tracks)):
            self.session.show(replace(self.state, track=track, selected=None, also=()))
            self.person.clear()
            self.bench.say(f"{name} labels now")
            self._again()

    def _look(self) -> None:
        if 0 <= self.list.row < len(self.pieces):
            piece = self.pieces[self.list.row]
            self.look_at(piece.start_s, piece.stop_s)

    def _near(self, time_s: float) -> None:
        """The difference nearest to a moment."""
        if self.pieces:
            apart = [max(p.start_s - time_s, time_s - p.stop_s, 0.0) for p in self.pieces]
            self.list.choose(apart.index(min(apart)))
            self._look()

    # --- settling -----------------------------------------------------------------------------

    def _typed(self, text: str) -> bool:
        """A class key says another; a, b and n say A, B or neither where they are no class keys."""
        name = self.class_keys().get(text.lower())
        if name is not None:
            self.settle(name)
        elif text.lower() in ("a", "b"):
            self.take(text.lower())
        elif text.lower() == "n":
            self.settle(NOTHING)
        else:
            return False
        return True

    def take(self, side: str) -> None:
        """One side is right."""
        if 0 <= self.list.row < len(self.pieces):
            self.settle(getattr(self.pieces[self.list.row], side))

    def settle(self, name: str) -> None:
        """Write what is right into the agreed track, which begins as what both say; go on to the next."""
        row, tracks, found = self.list.row, self._tracks(), self.state.open_recording
        if tracks is None or found is None or not 0 <= row < len(self.pieces):
            return
        ground = found.labels.get(TARGET)
        if ground is None:
            ground = agreed(*tracks, found.duration_s, reviewing.TOLERANCE_S)
        track = settled(ground, self.pieces[row], name, *tracks)
        what = f"Settle: {'no label' if name == NOTHING else name}"
        if self.attempt(lambda: reviewing.commit(self.session, what, found.id, {TARGET: track})):
            self.bench.say(what)
            self.tick()
            self.list.choose(row + 1)
            self._look()


def _title(track: str) -> str:
    """A track's name for people."""
    kind, _, name = track.partition(":")
    return {"labels": name or "labels", "predicted": f"model {name}"}.get(kind, track)


def _cut(track: Labels, left: float, right: float) -> Labels:
    """The part of a track in [left, right], from there on."""
    kept = [s for s in track.segments if s.stop_s > left and s.start_s < right and not s.is_point]
    return Labels(
        tuple(
            replace(s, start_s=max(s.start_s, left) - left, stop_s=min(s.stop_s, right) - left, comment="")
            for s in kept
        )
    )
