"""The Data page: what it shows, what it changes, and import with progress and errors."""

import importlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.actions.preview import preview_files
from studio.app.jobs import Job
from studio.data.formats.piece import Hints
from studio.data.labels import Segment
from studio.data.project import new_recording_path, open_project
from studio.data.recording import load, save, write
from studio.errors import DataError
from studio.progress import Progress
from studio.ui.dataset import import_dialog
from studio.ui.dataset.export_dialog import ExportDialog
from studio.ui.dataset.import_dialog import ImportDialog
from studio.ui.dataset.losses import grouped
from studio.ui.dataset.parting import MIXED, shortened
from studio.ui.dataset.table import COLUMNS, clock_text, lost_text, quality_text, rate_text, worst
from studio.ui.pages import data as data_module
from studio.ui.pages.data import DataPage
from tests.ui.label_parts import ACCEL, BareShell, make_project, themed

REAL_JOB = data_module.travel_job
THREE = (Segment(1.0, 5.0, "wave"), Segment(6.0, 10.0, "tap"), Segment(12.0, 19.0, "idle"))
PREVIEW = {
    "by": "subject",
    "groups_disjoint": True,
    "length": 32,
    "stride": 16,
    "rate_hz": 50.0,
    "sides": {
        "train": {"windows": 30, "recordings": ["session-002"], "subjects": ["2"], "classes": {"wave": 30}},
        "test": {"windows": 10, "recordings": ["session-001"], "subjects": ["1"], "classes": {"wave": 10}},
    },
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENSORSMITH_HOME", str(tmp_path / "home"))

    def preview(path: Path) -> Any:
        yield Progress(0)
        return PREVIEW

    def here(name: str, target: str, args: tuple[Any, ...]) -> Job:
        """The work of a process on a thread: what the process adds is tried once, below."""
        module, _, function = target.partition(":")
        return Job(name, getattr(importlib.import_module(module), function)(*args))

    def look(paths: tuple[Path, ...], format: str, hints: Hints) -> Job:
        return Job("preview", preview_files(paths, format, hints))

    monkeypatch.setattr(data_module, "_split_preview", preview)
    monkeypatch.setattr(data_module, "travel_job", here)
    monkeypatch.setattr(import_dialog, "preview_job", look)
    return tmp_path


def open_page(qtbot: Any, qapp: Any, path: Path | None) -> tuple[DataPage, BareShell]:
    themed(qapp)
    shell = BareShell(path)
    page = DataPage(shell)
    qtbot.addWidget(page)
    page.resize(1270, 750)
    page.show()
    shell.open(page)
    settle(shell)
    return page, shell


def settle(shell: BareShell, seconds: float = 20.0) -> None:
    """Beat until all jobs are over."""
    until = time.monotonic() + seconds
    while shell.watches and time.monotonic() < until:
        shell.beat()
        time.sleep(0.005)
    assert not shell.watches


@pytest.fixture
def opened(home: Path, qtbot: Any, qapp: Any) -> tuple[DataPage, BareShell]:
    return open_page(qtbot, qapp, make_project(home, 3, THREE))


def cell(page: DataPage, row: int, column: str) -> str:
    model = page.table.model()
    return str(model.index(row, COLUMNS.index(column)).data())


def test_the_table_tells_what_each_recording_holds(opened: tuple[DataPage, BareShell]) -> None:
    page, _ = opened
    assert page.table.model().rowCount() == 3
    assert [cell(page, 0, c) for c in ("Recording", "Subject", "Split", "Streams")] == [
        "session-001", "1", "auto", "accel · mic",
    ]  # fmt: skip
    assert cell(page, 0, "Rate [Hz]") == "50 · 1000" and cell(page, 0, "Labels") == "3 · 75%"
    assert cell(page, 1, "Labels") == "none" and cell(page, 1, "Quality") == "1 note"
    assert page.stats["Recordings"].value.text() == "3" and page.stats["Subjects"].value.text() == "3"


def test_what_check_finds_is_told_in_words(home: Path, qtbot: Any, qapp: Any) -> None:
    path = make_project(home, 1, THREE)
    page, shell = open_page(qtbot, qapp, path)
    raw = np.zeros((500, 3), "<i2")
    raw[:, 0] = np.arange(500)
    raw[:, 1] = raw[:, 0]
    project = shell.session.state.project
    write(new_recording_path(project, "session"), [(ACCEL, raw)])
    shell.session.reload()
    settle(shell)
    page.table.selectRow(1)
    words = page.findings.accessibleName()
    assert "accel.z is 0 g throughout" in words and "accel.y equals x" in words
    assert worst(page.model.findings["session-002"]) == "error" and page.stats["To look at"].value.text() == "1"


def test_lost_samples_and_a_wrong_rate_are_told(opened: tuple[DataPage, BareShell]) -> None:
    _, shell = opened
    one = shell.session.state.recordings[0]
    assert lost_text(replace(one, gaps={"accel": ((10, 40), (100, 2))})) == "42 (0.2%)"
    stamps = np.array([[0, 0, 0], [490, 10_000_000, 0]], "<i8")
    (one.path / "accel.clock").write_bytes(stamps.tobytes())
    assert rate_text(load(one.path)).startswith("49 of 50")
    assert clock_text(load(one.path)).startswith(
        "accel: 49 ± 5e-06 Hz by the device's own clock, stated 50 Hz\nmic: 1000 Hz as stated"
    )
    assert quality_text([]) == "good" and quality_text(None) == "…"


def test_subject_and_split_of_many_change_as_one_step(opened: tuple[DataPage, BareShell], qtbot: Any) -> None:
    page, shell = opened
    page.table.selectAll()
    page.subject.setText("anna")
    page.subject.editingFinished.emit()
    assert {r.subject for r in shell.session.state.recordings} == {"anna"}
    page.split.setCurrentIndex(page.split.findData("test"))
    page.split.activated.emit(page.split.currentIndex())
    assert {load(r.path).split for r in shell.session.state.recordings} == {"test"}
    shell.session.undo()
    shell.session.undo()
    assert [r.subject for r in shell.session.state.recordings] == ["1", "2", "3"]


def test_leaving_an_empty_subject_field_of_a_mixed_selection_changes_nothing(opened: Any) -> None:
    page, shell = opened
    page.table.selectAll()
    page.subject.editingFinished.emit()
    assert shell.session.undo_text == ""


def test_deleted_recordings_can_be_restored(opened: tuple[DataPage, BareShell]) -> None:
    page, shell = opened
    page.table.selectRow(1)
    gone = page.selected()[0].path
    page.delete.click()
    assert not gone.exists() and len(shell.session.state.recordings) == 2
    page.restore.click()
    assert gone.is_dir() and len(shell.session.state.recordings) == 3 and not page.restore.isEnabled()


def test_the_balance_and_the_split_are_shown(opened: tuple[DataPage, BareShell]) -> None:
    page, _ = opened
    assert "wave 4.0 s" in page.bars.accessibleName() and "idle 7.0 s" in page.bars.accessibleName()
    assert {b.name: b.test_s for b in page.bars._bars} == {"wave": 4.0, "tap": 4.0, "idle": 7.0}
    assert page.parting.train.count.text() == "30 windows · 1 recording"
    assert page.parting.test.who.text() == "subject 1"
    page.parting.show_parts(PREVIEW | {"by": "given", "groups_disjoint": False})
    assert page.parting.text.text() == MIXED
    assert shortened(list("abcdefgh")) == "a, b, c, d, e and 3 more"
    assert shortened(["1", "11", "2"]) == "1, 2, 11"


def test_import_brings_recordings_and_their_classes(opened: tuple[DataPage, BareShell], home: Path) -> None:
    page, shell = opened
    rows = "\n".join(f"{i},{i % 7},0.5" for i in range(200))
    (home / "a.csv").write_text("x,y,z\n" + rows)
    (home / "a.labels.csv").write_text("start_s,stop_s,label\n0.5,1.5,jump\n")
    (home / "set").mkdir()
    for name in ("a.csv", "a.labels.csv"):
        (home / name).rename(home / "set" / name)
    entry = '{"file": "a.csv", "rate_hz": 50, "channels": ["x","y","z"], "unit": "g", "labels": "a.labels.csv"}'
    (home / "set" / "manifest.json").write_text(f'{{"name": "s", "recordings": [{entry}]}}')
    page.import_paths([home / "set"])
    assert page.job.isVisible() and not page.import_start.isEnabled()
    settle(shell)
    assert len(shell.session.state.recordings) == 4 and "Imported 1 recording" in shell.said
    assert "jump" in [c.name for c in shell.session.state.project.classes]
    assert open_project(shell.session.state.project.path).classes == shell.session.state.project.classes
    assert not page.job.isVisible() and page.import_start.isEnabled()


def test_a_broken_file_is_an_error_in_three_parts_and_changes_nothing(opened: Any, home: Path) -> None:
    page, shell = opened
    (home / "bad.csv").write_text("time,x\n0,1\n0.02,oops\n")
    page.import_paths([home / "bad.csv"])
    settle(shell)
    assert len(shell.errors) == 1 and isinstance(shell.errors[0], DataError)
    assert "bad.csv" in shell.errors[0].thing and shell.errors[0].next_step
    assert len(shell.session.state.recordings) == 3 and page.import_start.isEnabled()


def test_an_import_can_be_stopped(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    page, shell = opened

    def endless(*_: Any) -> Iterator[Progress]:
        while True:
            time.sleep(0.002)
            yield Progress(0, 0, "importing")

    monkeypatch.setattr(data_module, "travel_job", lambda *_: Job("import", endless()))
    page.import_paths([Path("x")])
    shell.beat()
    page.job.stop.click()
    page.job.stop.click()
    settle(shell)
    assert "Import was stopped" in shell.said and page.import_start.isEnabled()


def test_find_shows_only_matching_rows_and_opening_goes_to_label(opened: Any, qtbot: Any) -> None:
    page, shell = opened
    page.search.setText("003")
    assert page.table.model().rowCount() == 1
    page.table.selectRow(0)
    assert [r.id for r in page.selected()] == ["session-003"]
    page.open.click()
    assert shell.went == ["label"] and shell.session.state.recording == "session-003"


def test_sorting_by_duration_sorts_numbers(home: Path, qtbot: Any, qapp: Any) -> None:
    path = make_project(home, 1, seconds=9.0)
    page, shell = open_page(qtbot, qapp, path)
    write(new_recording_path(shell.session.state.project, "long"), [(ACCEL, np.ones((50 * 70, 3), "<i2"))])
    shell.session.reload()
    settle(shell)
    page.table.sortByColumn(COLUMNS.index("Duration"), Qt.SortOrder.AscendingOrder)
    assert [cell(page, r, "Recording") for r in range(2)] == ["session-001", "long-001"]


def test_pages_without_project_or_recordings_say_what_to_do(home: Path, qtbot: Any, qapp: Any) -> None:
    page, _ = open_page(qtbot, qapp, None)
    assert page.stack.currentIndex() == 0 and not page.import_start.isEnabled()
    page, shell = open_page(qtbot, qapp, make_project(home, 0))
    assert page.stack.currentIndex() == 1 and page.import_start.isEnabled()
    page.findChild(QtWidgets.QPushButton, "capture_open").click()
    assert shell.went == ["capture"]


def test_findings_follow_the_recordings_they_were_made_of(opened: Any) -> None:
    """A check that ends after the recordings changed is not shown."""
    page, shell = opened
    old = shell.session.state.recordings
    one = replace(old[0], subject="someone")
    save(one)
    shell.session.commit("x", shell.session.state.with_recording(one))
    page._judge(old, {"recordings": [{"id": "session-001", "findings": [{"severity": "error", "text": "stale"}]}]})
    assert "stale" not in page.findings.accessibleName()
    settle(shell)


def test_a_recording_that_cannot_be_read_is_told_and_hides_nothing(home: Path, qtbot: Any, qapp: Any) -> None:
    path = make_project(home, 2)
    (path / "recordings" / "session-001" / "recording.json").write_text("{broken")
    page, _ = open_page(qtbot, qapp, path)
    assert page.table.model().rowCount() == 1 and page.stats["To look at"].value.text() == "1"
    assert page.broken.isVisible() and "session-001" in page.broken.text()


def dialog(page: DataPage, kind: Any) -> Any:
    """The dialog of this kind that stands over the page."""
    return next(d for d in page.findChildren(kind) if d.isVisible())


def test_the_import_dialog_shows_what_is_in_the_files(opened: Any, home: Path) -> None:
    page, shell = opened
    np.save(home / "a.npy", np.arange(40, dtype="<i2").reshape(20, 2))
    (home / "b.csv").write_text("time,x\n" + "".join(f"{i / 20},{i}\n" for i in range(50)))
    (home / "l.txt").write_text("0.5\t1\tjump\n")
    page.import_start.click()
    asked = dialog(page, ImportDialog)
    assert not asked.ok.isEnabled() and "Choose files" in asked.said.text()
    asked.add([home / "a.npy", home / "b.csv", home / "l.txt"])
    settle(shell)
    assert asked.table.rowCount() == 3 and asked.table.item(2, 2).text() == "labels alone"  # whose is it?
    asked.table.selectRow(2)
    asked.remove.click()
    asked.labels.setText(str(home / "l.txt"))
    asked.table.selectRow(0)
    assert asked.table.item(1, 2).text() == "sensor 20 Hz" and not asked.ok.isEnabled()
    assert "does not say its sampling rate" in asked.said.text()
    asked.rate.setText("10")
    asked.rate.setModified(True)
    asked.rate.editingFinished.emit()
    settle(shell)
    asked.table.selectRow(0)
    assert asked.table.item(0, 2).text() == "sensor 10 Hz" and asked.rows.item(1, 1).text() == "3"
    assert asked.table.item(1, 1).text() == "not readable"  # its own column says 20 Hz
    asked.table.selectRow(1)
    asked.remove.click()
    asked.subject.setText("ann")
    asked.ok.click()
    settle(shell)
    new = next(r for r in shell.session.state.recordings if r.id == "a-001")
    assert new.subject == "ann" and new.streams[0].rate_hz == 10
    assert new.labels["labels"].segments == (Segment(0.5, 1.0, "jump"),)
    assert "Imported 1 recording" in shell.said


def drop(target: QtWidgets.QWidget, *paths: Path) -> None:
    """A real drop of files onto `target`."""
    told = QtCore.QMimeData()
    told.setUrls([QtCore.QUrl.fromLocalFile(str(p)) for p in paths])
    kinds = Qt.DropAction.CopyAction, told, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QtWidgets.QApplication.sendEvent(target, QtGui.QDragEnterEvent(QtCore.QPoint(9, 9), *kinds))
    QtWidgets.QApplication.sendEvent(target, QtGui.QDropEvent(QtCore.QPointF(9, 9), *kinds))


def test_dropped_files_are_shown_before_they_are_read(opened: Any, home: Path) -> None:
    page, shell = opened
    for name in "ab":
        (home / f"{name}.csv").write_text("time,x\n0,1\n0.1,2\n0.2,3\n")
    drop(page, home / "a.csv")
    asked = dialog(page, ImportDialog)
    settle(shell)
    drop(asked, home / "b.csv")
    settle(shell)
    assert asked.paths == [home / "a.csv", home / "b.csv"] and asked.ok.isEnabled()
    assert len(shell.session.state.recordings) == 3
    asked.reject()


def test_label_files_find_their_recordings(opened: Any, home: Path) -> None:
    page, shell = opened
    for name, word in (("a", "hop"), ("b", "run")):
        (home / f"{name}.csv").write_text("time,x\n" + "".join(f"{i / 20},{i}\n" for i in range(50)))
        (home / f"{name}.txt").write_text(f"0.5\t1\t{word}\n")
    page.ask_import([home / n for n in ("a.txt", "a.csv", "b.csv", "b.txt")])
    asked = dialog(page, ImportDialog)
    settle(shell)
    assert [asked.table.item(i, 3).text() for i in range(2)] == ["a.txt", "b.txt"] and asked.table.rowCount() == 2
    asked.ok.click()
    settle(shell)
    found = {r.id: r.labels["labels"].segments[0].label for r in shell.session.state.recordings if r.id[0] in "ab"}
    assert found == {"a-001": "hop", "b-001": "run"}


def test_labels_alone_become_a_track_that_undo_takes_back(opened: Any, home: Path) -> None:
    page, shell = opened
    (home / "session-002.txt").write_text("1\t2\thop\n5\t500\tlong\n8\t9\twave\n11\t12\twave\n")
    page.import_start.click()
    asked = dialog(page, ImportDialog)
    asked.add([home / "session-002.txt"])
    settle(shell)
    assert asked.into_box.isVisibleTo(asked) and asked.into.currentText() == "session-002" and asked.ok.isEnabled()
    asked.into.setCurrentIndex(0)
    asked.into.setCurrentIndex(1)
    asked.ok.click()
    settle(shell)
    assert "past the end" in str(shell.errors[0])  # most of the labelled time is not in the recording
    shell.clear_error()
    (home / "b.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nhop\n")
    page.ask_import([home / "b.srt"])
    asked = dialog(page, ImportDialog)
    settle(shell)
    asked.ok.click()
    settle(shell)
    first = shell.session.state.recordings[0]
    assert first.labels["labels:b"].segments == (Segment(1.0, 2.0, "hop"),) and len(first.labels["labels"]) == 3
    assert "hop" in [c.name for c in shell.session.state.project.classes]
    assert shell.session.undo_text == "Import labels"
    shell.session.undo()
    assert set(load(first.path).labels) == {"labels"}


def test_what_an_import_changed_is_told(opened: Any, home: Path) -> None:
    page, shell = opened
    (home / "b.csv").write_text("time,x\n" + "".join(f"{i / 20},{i}\n" for i in range(50)))
    (home / "b.labels.csv").write_text("start_s,stop_s,label\n0,2,a\n2.2,2.8,b\n")
    page.import_paths([home / "b.csv"])
    settle(shell)
    (told,) = [d for d in page.findChildren(QtWidgets.QDialog) if d.objectName() == "import_report"]
    assert (
        told.isVisible() and "past the end" in told.findChild(QtWidgets.QWidget, "import_report_list").accessibleName()
    )
    told.findChild(QtWidgets.QPushButton, "import_report_close").click()


def test_the_export_dialog_says_what_is_lost_before_it_writes(opened: Any, home: Path) -> None:
    page, shell = opened
    page.table.selectRow(0)
    page.export_start.click()
    asked = dialog(page, ExportDialog)
    asked.choose("wav")
    assert not asked.ok.isEnabled() and not asked.key_box.isVisible()
    settle(shell)
    words = asked.losses.accessibleName()
    assert "Several streams" in words and "Unit" in words and asked.ok.isEnabled() and not (home / "out").exists()
    asked.choose("edge-impulse")
    assert asked.key_box.isVisible()
    settle(shell)
    asked.choose("hdf5")
    settle(shell)
    assert [kind for kind, *_ in grouped(asked._known["hdf5", ("session-001",)]["report"])] == []
    assert "Nothing is lost" in asked.losses.accessibleName()
    asked.where.setText(str(home / "out"))
    asked.ok.click()
    settle(shell)
    assert [p.name for p in (home / "out").iterdir()] == ["session-001.h5"]
    assert "Exported 1 file, nothing lost" in shell.said


def test_an_export_that_cannot_be_is_an_error(opened: Any, home: Path) -> None:
    page, shell = opened
    (home / "out").mkdir()
    (home / "out" / "session-001.h5").write_bytes(b"mine")
    page.export((), "hdf5", home / "out", "0")
    settle(shell)
    assert "exists already" in str(shell.errors[0]) and (home / "out" / "session-001.h5").read_bytes() == b"mine"
    assert page.export_start.isEnabled() and not page.job.isVisible()


def test_in_a_process_of_its_own(opened: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real job: a file comes in, and Cancel leaves the project as it was."""
    page, shell = opened
    monkeypatch.setattr(data_module, "travel_job", REAL_JOB)
    (home / "big.csv").write_text("time,x\n" + "".join(f"{i / 100},{i}\n" for i in range(300_000)))
    page.import_paths([home / "big.csv"])
    page.job.stop.click()
    settle(shell, 60)
    assert "Import was stopped" in shell.said and len(shell.session.state.recordings) == 3
    (home / "a.csv").write_text("time,x\n0,1\n0.1,2\n0.2,3\n")
    page.import_paths([home / "a.csv"])
    settle(shell, 60)
    assert "Imported 1 recording" in shell.said
