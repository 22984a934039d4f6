"""How late a person presses a key: measured once, kept for each person on this computer."""

import getpass
import random
import time
from collections.abc import Callable, Sequence
from statistics import median

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.ui.safe import safe_overrides
from studio.ui.theme import font, settings, theme
from studio.ui.widgets import button, caption, columns, label, line, rows

N_TRIALS, WAIT_S = 8, (0.9, 2.2)
#: Faster than a person can be, slower than one who looks.
FASTEST_S, SLOWEST_S = 0.08, 1.0
#: Who never measured gets what most people take for a light.
USUAL_S = 0.25


def person() -> str:
    """Who labels on this computer; their own name unless they said another."""
    try:
        return str(settings().value("person", "")) or getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "me"


def reaction_s(who: str = "") -> float:
    """What was measured for a person, s; USUAL_S when nothing was."""
    try:
        return float(str(settings().value(f"reaction_s/{who or person()}", USUAL_S)))
    except ValueError:
        return USUAL_S


def keep(who: str, seconds: float) -> None:
    """Remember it."""
    settings().setValue("person", who)
    settings().setValue(f"reaction_s/{who}", round(seconds, 4))


def measured(times_s: Sequence[float]) -> float | None:
    """The median of what a person can have done; None with fewer than three."""
    good = [t for t in times_s if FASTEST_S <= t <= SLOWEST_S]
    return median(good) if len(good) >= 3 else None


@safe_overrides
class Calibration(QtWidgets.QDialog):
    """A square flashes (and the computer beeps) after an uneven wait; the person presses Space at once. N times."""

    def __init__(
        self, parent: QtWidgets.QWidget | None, clock: Callable[[], float] = time.monotonic, seed: int | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("reaction_dialog")
        self.setWindowTitle("Your reaction time")
        self.setMinimumWidth(420)
        self.times_s: list[float] = []
        self._clock, self._luck, self._lit_at = clock, random.Random(seed), 0.0
        self.who = line("reaction_person", "Your name", "Your name", "Whose reaction time this is")
        self.who.setText(person())
        self.square = QtWidgets.QFrame()
        self.square.setFixedHeight(150)
        self.words = label(WORDS, "dim", wrap=True)
        self.figure = label("", "figure")
        self.figure.setFont(font(22, figures=True))
        self._lay()
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.flash)
        self._paint(False)
        self.figure.setText(f"{1000 * reaction_s():.0f} ms")

    def _lay(self) -> None:
        """Buttons, and all of it below each other."""
        self.begin_button = button(
            "reaction_begin", "Begin", self.begin, kind="primary", icon="player-play", tip="Begin, or begin again"
        )
        self.save_button = button("reaction_save", "Save", self.save, icon="check", tip="Use this time from now on")
        self.save_button.setEnabled(False)
        foot = columns(self.figure, self.begin_button, self.save_button)
        foot.insertStretch(1)
        layout = rows(spacing=12, margins=20)
        layout.addLayout(caption("Your name", self.who))
        layout.addWidget(self.words)
        layout.addWidget(self.square)
        layout.addLayout(foot)
        self.setLayout(layout)

    def begin(self) -> None:
        """From the first trial."""
        self.times_s.clear()
        self.save_button.setEnabled(False)
        self.square.setFocus()
        self.setFocus()
        self._next()

    def flash(self) -> None:
        """Now."""
        self._lit_at = self._clock()
        self._paint(True)
        QtWidgets.QApplication.beep()

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Space or event.isAutoRepeat():
            super().keyPressEvent(event)
        elif self._lit_at:
            self.times_s.append(self._clock() - self._lit_at)
            self._paint(False)
            self._next()
        elif self._timer.isActive():
            self.words.setText("Too early. Wait for the flash.")
            self._wait()

    def save(self) -> None:
        """Keep what was measured for this person."""
        found = measured(self.times_s)
        if found is not None and self.who.text().strip():
            keep(self.who.text().strip(), found)
            self.accept()

    def _next(self) -> None:
        self._lit_at = 0.0
        found = measured(self.times_s)
        if found is not None:
            self.figure.setText(f"{1000 * found:.0f} ms")
        if len(self.times_s) < N_TRIALS:
            self.words.setText(f"{len(self.times_s) + 1} of {N_TRIALS}: press Space as soon as the square lights up.")
            self._wait()
        else:
            done = "Done. Save uses this time when you paint labels by key." if found else "Too uneven. Begin again."
            self.words.setText(done)
            self.save_button.setEnabled(found is not None)

    def _wait(self) -> None:
        self._timer.start(round(1000 * self._luck.uniform(*WAIT_S)))

    def _paint(self, lit: bool) -> None:
        t = theme().tokens
        color = t.accent if lit else t.field
        self.square.setStyleSheet(f"background: {color}; border: 1px solid {t.line_strong}; border-radius: 10px;")

    def done(self, result: int) -> None:
        self._timer.stop()
        super().done(result)


WORDS = (
    "When you hold a class key while a recording plays, the label begins where you saw the event, not where you "
    "pressed. For that the studio must know how late you press."
)
