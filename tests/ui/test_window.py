"""The shell: pages by key and by click, undo, errors, the palette, and the contract every acting widget keeps."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from studio.app.jobs import Job
from studio.data.labels import Labels, Segment
from studio.errors import DataError
from studio.paths import ROOT
from studio.progress import Progress, Work
from studio.ui.pages import FOOT, PAGES
from studio.ui.palette import Palette, rank
from studio.ui.report import ReportDialog, Reporter
from studio.ui.window import Window

ACTING = (
    QtWidgets.QAbstractButton, QtWidgets.QLineEdit, QtWidgets.QComboBox, QtWidgets.QAbstractSpinBox,
    QtWidgets.QAbstractItemView, QtWidgets.QAbstractSlider, QtWidgets.QPlainTextEdit, QtWidgets.QTextBrowser,
)  # fmt: skip


def acting(root: QtWidgets.QWidget) -> list[QtWidgets.QWidget]:
    """Widgets that a person acts on, without the inner parts of Qt's own."""
    return [w for kind in ACTING for w in root.findChildren(kind) if not _inner(w)]


def activate(window: Window, qtbot: QtBot) -> None:
    """Shortcuts reach only the active window."""
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def _inner(widget: QtWidgets.QWidget) -> bool:
    parent = widget.parentWidget()
    if isinstance(widget, (QtWidgets.QScrollBar, QtWidgets.QHeaderView)) or widget.objectName().startswith("qt_"):
        return True
    popup = parent is not None and parent.metaObject().className() == "QComboBoxPrivateContainer"
    owner = isinstance(
        parent, (QtWidgets.QLineEdit, QtWidgets.QComboBox, QtWidgets.QAbstractSpinBox, QtWidgets.QAbstractItemView)
    )
    return popup or owner or (parent is not None and parent.metaObject().className() == "QTableView")


@pytest.mark.parametrize("page", [*PAGES, *FOOT])
def test_every_widget_one_acts_on_has_its_names_a_tooltip_and_a_keyboard_path(
    window: Window, project_path: Path, page: str
) -> None:
    window.open_project(project_path)
    window.go(page)
    faults = []
    for widget in acting(window):
        name = widget.objectName()
        if not name or not widget.accessibleName() or not widget.toolTip():
            faults.append(f"{type(widget).__name__} {name!r} in {type(widget.parent()).__name__}: names or tooltip")
        keys = widget.shortcut() if isinstance(widget, QtWidgets.QAbstractButton) else QtGui.QKeySequence()
        if widget.focusPolicy() == Qt.FocusPolicy.NoFocus and keys.isEmpty():
            faults.append(f"{name}: no keyboard path")
        shown = keys.toString(QtGui.QKeySequence.SequenceFormat.NativeText)
        if shown and shown not in widget.toolTip():
            faults.append(f"{name}: tooltip {widget.toolTip()!r} does not name {shown}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("page", [*PAGES, *FOOT])
def test_names_are_unique_on_a_page_and_shortcuts_do_not_clash(window: Window, project_path: Path, page: str) -> None:
    window.open_project(project_path)
    window.go(page)
    names = [w.objectName() for w in acting(window) if w.isVisible()]
    assert sorted(names) == sorted(set(names))
    buttons = [b for b in window.findChildren(QtWidgets.QAbstractButton) if b.isVisible()]
    keys = [b.shortcut().toString() for b in buttons if not b.shortcut().isEmpty()]
    keys += [a.shortcut().toString() for a in window.actions() if not a.shortcut().isEmpty()]
    assert sorted(keys) == sorted(set(keys))


def test_every_action_of_the_contract_is_there(window: Window, project_path: Path) -> None:
    window.open_project(project_path)
    for page in PAGES:
        window.go(page)
    names = {w.objectName() for w in acting(window)}
    wanted = {
        "record_start", "record_stop", "source_connect", "source_disconnect", "build_start", "flash_start",
        "verify_start", "train_start", "label_add", "undo", "redo", "project_menu",
    }  # fmt: skip
    assert wanted <= names, wanted - names


def test_ctrl_and_a_digit_opens_a_page_and_so_does_a_click(window: Window, qtbot: QtBot) -> None:
    activate(window, qtbot)
    for number, page in enumerate(PAGES, 1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.ControlModifier)
        qtbot.waitUntil(lambda page=page: window.page == page)
    for page in (*PAGES, *FOOT):
        one = window.findChild(QtWidgets.QToolButton, f"go_{page}")
        qtbot.mouseClick(one, Qt.MouseButton.LeftButton)
        assert window.page == page and one.isChecked() and window.stack.currentWidget() is window.pages[page]


def test_the_project_its_title_and_undo(window: Window, project_path: Path, qtbot: QtBot) -> None:
    undo = window.findChild(QtWidgets.QPushButton, "undo")
    assert not undo.isEnabled()
    window.open_project(project_path)
    assert window.top.project.text().strip() == "Gestures" and "Gestures" in window.windowTitle()
    window.session.edit("Add label wave", Labels((Segment(1.0, 2.0, "wave"),)))
    assert undo.isEnabled() and undo.toolTip().startswith("Undo: Add label wave")
    qtbot.mouseClick(undo, Qt.MouseButton.LeftButton)
    assert len(window.session.state.labels) == 2
    qtbot.mouseClick(window.findChild(QtWidgets.QPushButton, "redo"), Qt.MouseButton.LeftButton)
    assert len(window.session.state.labels) == 1


def test_a_folder_that_is_no_project_is_a_banner_and_the_open_one_stays(
    window: Window, project_path: Path, tmp_path: Path
) -> None:
    window.open_project(project_path)
    window.open_project(tmp_path)
    assert window.banner.isVisible() and "not a project" in window.banner.seen.text()
    assert window.session.state.project is not None and window.session.state.project.name == "Gestures"
    window.clear_error()
    assert not window.banner.isVisible()


def test_the_palette_finds_a_command_and_does_it(window: Window, qtbot: QtBot) -> None:
    activate(window, qtbot)
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    palette = window.findChild(Palette)
    assert palette is not None
    qtbot.keyClicks(palette.typed, "sett")
    assert palette.found.currentItem().text().startswith("Settings")
    qtbot.keyClick(palette.typed, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.page == "settings")


def test_letters_in_a_row_beat_letters_in_order() -> None:
    ranked = [rank("rec", n) for n in ("Record", "Start recording", "Reload sources", "Help")]
    assert ranked[0] == 0 and ranked[1] == 6 and ranked[2] is not None and ranked[2] > 100 and ranked[3] is None


def test_a_job_reports_to_whoever_runs_it_whatever_page_is_open(window: Window, qtbot: QtBot) -> None:
    def work() -> Work[int]:
        yield Progress(1, 2, "half")
        return 42

    seen: list[object] = []
    window.run(Job("count", work()), step=lambda p: seen.append(p.text), done=seen.append)
    window.go("help")
    qtbot.waitUntil(lambda: seen == ["half", 42])


def test_a_job_that_fails_is_a_banner(window: Window, qtbot: QtBot) -> None:
    def work() -> Work[int]:
        yield Progress(0)
        raise DataError("a.csv, row 7", "has 2 values instead of 3", "Correct the row.")

    window.run(Job("import", work()))
    qtbot.waitUntil(window.banner.isVisible)
    assert window.banner.thing.text() == "a.csv, row 7"


def test_a_stopped_job_says_so(window: Window, qtbot: QtBot) -> None:
    def work() -> Work[int]:
        while True:
            yield Progress(0)

    seen: list[str] = []
    watch = window.run(Job("for ever", work()), stopped=lambda: seen.append("stopped"))
    watch.job.stop()
    qtbot.waitUntil(lambda: seen == ["stopped"])


def test_a_fault_of_the_studio_opens_one_report_and_an_error_a_banner(
    window: Window, qtbot: QtBot, capsys: pytest.CaptureFixture[str]
) -> None:
    reporter = Reporter(window)
    for _ in range(3):
        reporter.hook(ZeroDivisionError, ZeroDivisionError("by zero"), None)
    dialogs = window.findChildren(ReportDialog)
    assert len(dialogs) == 1 and "ZeroDivisionError" in dialogs[0].text.toPlainText()
    assert "PySide6" in dialogs[0].text.toPlainText() and "by zero" in capsys.readouterr().err
    dialogs[0].copy()
    assert "by zero" in QtGui.QGuiApplication.clipboard().text()
    reporter.hook(DataError, DataError("x", "y", "z"), None)
    assert window.banner.thing.text() == "x"
    dialogs[0].close()


def test_the_theme_is_changed_in_settings(window: Window, qtbot: QtBot) -> None:
    window.go("settings")
    choice = window.findChild(QtWidgets.QComboBox, "theme_choose")
    before = window.grab().toImage().pixelColor(600, 700)
    choice.setCurrentIndex(choice.findData("light"))
    after = window.grab().toImage().pixelColor(600, 700)
    assert before.lightnessF() < 0.2 and after.lightnessF() > 0.9


def test_help_shows_its_pages_and_follows_links(window: Window) -> None:
    window.go("help")
    page = window.pages["help"]
    assert page.topics.count() >= 4 and page.topics.currentRow() == 0
    page.topics.setCurrentRow(1)
    text = page.text.toPlainText()
    page._follow(QtCore.QUrl("01-start.md"))
    assert page.topics.currentRow() == 0 and page.text.toPlainText() != text


def test_tab_reaches_every_field_of_a_page(window: Window, qtbot: QtBot) -> None:
    window.go("capture")
    activate(window, qtbot)
    reached, widget = set(), window.pages["capture"].sources.list
    widget.setFocus()
    for _ in range(60):
        qtbot.keyClick(QtWidgets.QApplication.focusWidget() or widget, Qt.Key.Key_Tab)
        found = QtWidgets.QApplication.focusWidget()
        reached.add(found.objectName() if found is not None else "")
    assert {"source_url", "source_connect", "record_subject", "record_label", "go_capture", "project_menu"} <= reached


PROGRAM = """
import sys
from pathlib import Path
from PySide6 import QtWidgets
from studio.ui.main import make_window
from studio.ui.pages import FOOT, PAGES
app = QtWidgets.QApplication([])
window = make_window(app)
window.open_project(Path(sys.argv[1]))
window.show()
for page in [*PAGES, *FOOT]:
    window.go(page)
    for _ in range(3):
        app.processEvents()
        window.beat()
heavy = [m for m in ("torch", "sklearn", "scipy", "bleak", "unicorn", "pandas", "matplotlib") if m in sys.modules]
print("HEAVY", heavy)
window.close()
"""


def test_no_heavy_library_enters_the_windows_process(project_path: Path, home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", PROGRAM, str(project_path)],
        capture_output=True, text=True, cwd=ROOT, timeout=120,
    )  # fmt: skip
    assert "HEAVY []" in done.stdout, done.stdout + done.stderr
