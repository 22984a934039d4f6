"""The main window: rail, top bar, pages, status bar. It is the `Shell` that pages see."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from studio.app.session import Session, State
from studio.errors import StudioError
from studio.progress import Progress
from studio.ui.bars import Rail, TopBar
from studio.ui.device import STATES, Device
from studio.ui.heartbeat import Heartbeat, Watch
from studio.ui.pages import FOOT, KEYS, PAGES
from studio.ui.pages.base import Page
from studio.ui.palette import Palette
from studio.ui.projects import ProjectMenu
from studio.ui.safe import safe_overrides
from studio.ui.theme import font, settings
from studio.ui.widgets import Banner, label

SIZE = QtCore.QSize(1360, 820)
SAY_MS = 8000
LINK_EVERY = 8


@safe_overrides
class Window(QtWidgets.QMainWindow):
    """One window, one session, one device."""

    def __init__(self, session: Session, device: Device | None = None) -> None:
        super().__init__()
        self.session, self.device = session, device or Device()
        self.heartbeat = Heartbeat(self.beat)
        self.pages: dict[str, Page] = {}
        self.page = ""
        self._seen: dict[str, State] = {}
        self._watches: list[Watch] = []
        self._beats = 0
        self.setWindowTitle("Sensorsmith Studio")
        self.setObjectName("window")
        self.resize(SIZE)
        self.setMinimumSize(1024, 640)
        self._build()
        session.watch(self._changed)
        self.projects.show()

    def _build(self) -> None:
        self.rail = Rail(PAGES, FOOT, KEYS, self.go)
        self.top = TopBar(self._undo, self._redo, lambda: self.go("capture"), self.open_palette)
        self.projects = ProjectMenu(self, self.top.project)
        self.banner = Banner()
        self.stack = QtWidgets.QStackedWidget()
        middle = QtWidgets.QVBoxLayout()
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        self._banner_box = QtWidgets.QWidget()
        box = QtWidgets.QVBoxLayout(self._banner_box)
        box.setContentsMargins(16, 12, 16, 12)
        box.addWidget(self.banner)
        self._banner_box.hide()
        self.banner.closed.connect(self._banner_box.hide)
        for widget in (self.top, self._banner_box, self.stack):
            middle.addWidget(widget, 1 if widget is self.stack else 0)
        center = QtWidgets.QWidget()
        across = QtWidgets.QHBoxLayout(center)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(self.rail)
        across.addLayout(middle, 1)
        self.setCentralWidget(center)
        self._build_status()
        for keys in ("Ctrl+K", "Ctrl+Shift+P"):
            QtGui.QShortcut(QtGui.QKeySequence(keys), self, activated=self.open_palette)

    def _build_status(self) -> None:
        bar = QtWidgets.QStatusBar()
        bar.setSizeGripEnabled(False)
        self.link = label("", "small")
        self.link.setFont(font(12, figures=True))
        bar.addPermanentWidget(self.link)
        self.setStatusBar(bar)

    # What pages ask for (Shell) ------------------------------------------------------------------------------

    def go(self, page: str) -> None:
        """Open a page."""
        if self.page in self.pages:
            self.pages[self.page].leave()
        if page not in self.pages:
            self.pages[page] = (PAGES | FOOT)[page].make(self)
            self.stack.addWidget(self.pages[page])
        self.page = page
        shown = self.pages[page]
        self.stack.setCurrentWidget(shown)
        self.rail.check(page)
        self.top.show_tools(shown.toolbar())
        self._bring_up_to_date()
        shown.enter()
        self.top.crumb.setText(shown.crumb())

    def say(self, text: str) -> None:
        """A line in the status bar for a few seconds."""
        self.statusBar().showMessage(text, SAY_MS)

    def show_error(self, error: BaseException) -> None:
        """The banner under the top bar."""
        self.banner.show_error(error)
        self._banner_box.show()

    def clear_error(self) -> None:
        """Take the banner away."""
        self.banner.clear()

    def run(
        self,
        job: Any,
        *,
        step: Callable[[Progress], None] | None = None,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        stopped: Callable[[], None] | None = None,
    ) -> Watch:
        """Watch a job to its end, whatever page is open."""
        watch = Watch(job, step, done, failed or self.show_error, stopped)
        self._watches.append(watch)
        return watch

    # What happens --------------------------------------------------------------------------------------------

    def open_project(self, path: Path) -> None:
        """Open a project folder; what is wrong with it goes to the banner."""
        try:
            self.session.open(path)
        except StudioError as e:
            self.show_error(e)
        else:
            self.clear_error()
            self.projects.remember(path)

    def open_palette(self) -> None:
        """Search all commands."""
        page = self.pages.get(self.page)
        palette = Palette(self, page.actions() if page is not None else ())
        palette.show()
        palette.typed.setFocus()

    def beat(self) -> None:
        """One frame: the device, the running jobs, the visible page."""
        self.device.tick()
        self.session.rest()
        self._show_device()
        self._watches = [w for w in self._watches if w.look()]
        if self.page in self.pages and self.isVisible():
            self.pages[self.page].tick()

    def _show_device(self) -> None:
        device = self.device
        tone = STATES.get(device.state, ("", ""))[1]
        title = f"{device.title} · {device.words}" if device.url else device.words
        self.top.show_device(title, tone)
        self._beats += 1
        if self._beats % LINK_EVERY:
            return
        stats = device.connection.stats if device.connection is not None else {}
        self.link.setText(link_text(device.title, stats) if stats else "")

    def _changed(self, old: State, new: State) -> None:
        if old.project is not new.project:
            self.projects.show()
        self._bring_up_to_date()
        if self.page in self.pages:
            self.top.crumb.setText(self.pages[self.page].crumb())

    def _bring_up_to_date(self) -> None:
        """Tell the open page what it has not seen yet, and the undo buttons what they would do."""
        new = self.session.state
        self.top.show_history(self.session.undo_text, self.session.redo_text)
        seen = self._seen.get(self.page)
        if self.page in self.pages and seen is not new:
            self._seen[self.page] = new
            self.pages[self.page].changed(seen or State(), new)

    def _undo(self) -> None:
        self._back("Took back", self.session.undo_text, self.session.undo)

    def _redo(self) -> None:
        self._back("Did again", self.session.redo_text, self.session.redo)

    def _back(self, how: str, what: str, do: Callable[[], None]) -> None:
        do()
        if what:
            self.say(f"{how}: {what}")

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        super().showEvent(event)
        self.heartbeat.start()

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:
        self.heartbeat.stop()
        if self.page in self.pages:
            self.pages[self.page].leave()
        for watch in self._watches:
            watch.job.stop()
        self.device.disconnect()
        self.session.close()
        settings().setValue("geometry", self.saveGeometry())
        super().closeEvent(event)


def link_text(title: str, stats: dict[str, Any]) -> str:
    """What the link has done so far, for the status bar."""
    lost = sum(int(s.get("lost", 0)) for s in stats.get("streams", {}).values() if isinstance(s, dict))
    return (
        f"{title} · {stats.get('packets', 0):,} packets · {stats.get('bad_packets', 0)} damaged · {lost} samples lost"
    ).replace(",", " ")
