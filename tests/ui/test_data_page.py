"""The Data page: what it shows, what it changes, and import with progress and errors."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.data.labels import Segment
from studio.data.project import new_recording_path, open_project
from studio.data.recording import load, save, write
from studio.errors import DataError
from studio.progress import Progress
from studio.ui.dataset.parting import MIXED, shortened
from studio.ui.dataset.table import COLUMNS, clock_text, lost_text, quality_text, rate_text, worst
from studio.ui.pages import data as data_module
from studio.ui.pages.data import DataPage
from tests.ui.label_parts import ACCEL, BareShell, make_project, themed

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

    monkeypatch.setattr(data_module, "_split_preview", preview)
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

    monkeypatch.setattr(data_module, "import_files", endless)
    page.import_paths([Path("x")])
    shell.beat()
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
