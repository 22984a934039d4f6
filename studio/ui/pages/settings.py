"""Settings of the window itself, and what a frame costs on this computer."""

from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from studio import __version__
from studio.app.jobs import Job
from studio.paths import home
from studio.progress import Progress, Work
from studio.ui.pages.base import Page, Shell
from studio.ui.theme import CHOICES, font, theme
from studio.ui.widgets import Card, Glyph, button, caption, columns, combo, label, scrolled

WIDTH = 680
EVERY_BEATS = 15
WORDS = {"system": "As the system", "dark": "Dark", "light": "Light"}


class SettingsPage(Page):
    """Look, folders, speed."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self._beats = 0
        self.theme = combo("theme_choose", "Theme", "Light or dark")
        for choice in CHOICES:
            self.theme.addItem(WORDS[choice], choice)
        self.theme.setCurrentIndex(CHOICES.index(theme().choice))
        self.theme.currentIndexChanged.connect(lambda: theme().choose(self.theme.currentData()))
        self.project, self.speed = label("", wrap=True), label("–")
        self.speed.setFont(font(13, figures=True))
        inner = QtWidgets.QWidget()
        outer = QtWidgets.QVBoxLayout(inner)
        outer.setContentsMargins(28, 24, 28, 24)
        outer.setSpacing(16)
        outer.addWidget(label("Settings", "display"))
        for card in (self._look(), self._folders(), self._computer(), self._speed()):
            card.setMaximumWidth(WIDTH)
            outer.addWidget(card)
        outer.addStretch()
        layout = QtWidgets.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(inner))

    def _look(self) -> Card:
        card = Card("Look")
        self.theme.setMaximumWidth(240)
        card.body.addLayout(caption("Theme", self.theme))
        return card

    def _folders(self) -> Card:
        card = Card("Folders")
        rows = (
            ("Project", self.project, button("project_show", "Show", self._show_project, icon="folder-open")),
            ("Virtual boards, compiler cache, settings", label(str(home()), wrap=True), self._home_button()),
        )
        for name, path, show in rows:
            path.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
            across = columns(spacing=12)
            across.addLayout(caption(name, path), 1)
            across.addWidget(show)
            card.body.addLayout(across)
        return card

    def _home_button(self) -> QtWidgets.QPushButton:
        return button(
            "home_show", "Show", lambda: _open(home()), icon="folder-open", tip="Show the studio's own folder"
        )

    def _computer(self) -> Card:
        """What stands in the way on this computer, as `studio doctor` says it."""
        card = Card("This computer")
        self.check = button("computer_check", "Check this computer", self._check, icon="search")
        self._checked = QtWidgets.QVBoxLayout()
        self._checked.setSpacing(6)
        across = columns(
            label("Ports, rights, Bluetooth, compiler and display: each finding with one fix.", "small", True)
        )
        across.addWidget(self.check)
        card.body.addLayout(across)
        card.body.addLayout(self._checked)
        return card

    def _check(self) -> None:
        self.check.setEnabled(False)
        self.shell.run(Job("check this computer", _doctor()), done=self._show_findings, failed=self._failed)

    def _failed(self, error: BaseException) -> None:
        self.check.setEnabled(True)
        self.shell.show_error(error)

    def _show_findings(self, found: dict[str, Any]) -> None:
        self.check.setEnabled(True)
        while (item := self._checked.takeAt(0)) is not None:
            item.widget().deleteLater()
        for finding in found["findings"]:
            self._checked.addWidget(_finding(finding))

    def _speed(self) -> Card:
        card = Card("Speed")
        card.body.addLayout(caption("Drawing, on the page open before this one", self.speed))
        card.body.addWidget(label(f"Sensorsmith Studio {__version__}", "small"))
        return card

    def enter(self) -> None:
        """Say where things are, and what the last page cost."""
        project = self.shell.session.state.project
        self.project.setText(str(project.path) if project is not None else "No project is open")
        beat = self.shell.heartbeat
        self.speed.setText(f"{beat.frame_ms:.1f} ms per frame · {beat.rate_hz:.0f} frames per second")

    def _show_project(self) -> None:
        project = self.shell.session.state.project
        if project is not None:
            _open(project.path)


def _doctor() -> Work[dict[str, Any]]:
    from studio.app.actions.doctor import doctor

    yield Progress(0, 0, "looking at this computer")
    return doctor()


def _finding(finding: dict[str, Any]) -> QtWidgets.QWidget:
    """One line: a mark, what was looked at, what was seen, and the fix where one is needed."""
    row = QtWidgets.QWidget()
    mark = Glyph("circle-check", "ok") if finding["ok"] else Glyph("alert-triangle", "danger")
    said = f"{finding['what']}: {finding['seen']}" + (f"\n{finding['fix']}" if finding["fix"] else "")
    text = label(said, "", True)
    text.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
    across = columns(mark, text, spacing=10)
    across.setStretch(1, 1)
    across.setAlignment(mark, QtCore.Qt.AlignmentFlag.AlignTop)
    row.setLayout(across)
    return row


def _open(path: Path) -> None:
    QtGui.QDesktopServices.openUrl(QtCore.QUrl.fromLocalFile(str(path)))
