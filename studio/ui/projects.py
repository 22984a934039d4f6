"""The menu at the project's name: new, open, recent."""

from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets

from studio.data import project as projects
from studio.errors import StudioError
from studio.ui.icons import icon
from studio.ui.theme import settings
from studio.ui.widgets import Button

KEPT = 8


class ProjectMenu:
    """Lives at `button`; opens projects through `window.open_project`."""

    def __init__(self, window: Any, button: Button) -> None:
        self._window, self._button = window, button
        self.menu = QtWidgets.QMenu(button)
        self.menu.setAccessibleName("Project")
        self.new = self._action("project_new", "New project", "folder-plus", "Ctrl+N", self._new)
        self.open = self._action("project_open", "Open project", "folder-open", "Ctrl+O", self._open)
        self.menu.addSeparator()
        self._recent: list[QtGui.QAction] = []
        self.menu.aboutToShow.connect(self._fill)
        button.setMenu(self.menu)

    def _action(self, name: str, text: str, picture: str, keys: str, do: Any) -> QtGui.QAction:
        made = QtGui.QAction(icon(picture, "dim"), text, self._window)
        made.setObjectName(name)
        made.setShortcut(QtGui.QKeySequence(keys))
        made.triggered.connect(lambda: do())
        made.setToolTip(f"{text} ({keys})")
        self.menu.addAction(made)
        self._window.addAction(made)
        return made

    def show(self) -> None:
        """The open project's name on the button and in the title."""
        project = self._window.session.state.project
        name = project.name if project is not None else "No project"
        self._button.show_as(name + "  ", kind="project")
        self._window.setWindowTitle(f"{name} – Sensorsmith Studio" if project is not None else "Sensorsmith Studio")

    def remember(self, path: Path) -> None:
        """Put `path` on top of the recent ones."""
        kept = [str(path), *(p for p in recent() if p != str(path))]
        settings().setValue("recent", kept[:KEPT])

    def _fill(self) -> None:
        for old in self._recent:
            self.menu.removeAction(old)
        self._recent = []
        for path in recent():
            if Path(path).is_dir():
                made = self.menu.addAction(Path(path).name)
                made.setToolTip(path)
                made.triggered.connect(lambda _=False, p=path: self._window.open_project(Path(p)))
                self._recent.append(made)

    def _open(self) -> None:
        found = QtWidgets.QFileDialog.getExistingDirectory(self._window, "Open project folder", str(Path.home()))
        if found:
            self._window.open_project(Path(found))

    def _new(self) -> None:
        found, _ = QtWidgets.QFileDialog.getSaveFileName(
            self._window, "New project folder", str(Path.home() / "project")
        )
        if not found:
            return
        try:
            projects.create(Path(found), Path(found).name)
        except StudioError as e:
            self._window.show_error(e)
        else:
            self._window.open_project(Path(found))


def recent() -> list[str]:
    """Folders of projects opened lately, newest first."""
    found = settings().value("recent", [])
    return [found] if isinstance(found, str) else list(found or [])
