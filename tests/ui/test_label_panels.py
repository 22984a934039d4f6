"""The right side of the Label page: one panel in view, others made when first asked for."""

from pathlib import Path
from typing import Any

import pytest
from PySide6 import QtWidgets

from studio.ui.labels.panels import PANELS, Panel
from studio.ui.pages.label import LabelPage
from tests.ui.label_parts import BareShell, make_project, themed


class Beats(QtWidgets.QLabel):
    """A panel that counts its beats."""

    def __init__(self, page: Any) -> None:
        super().__init__("beats")
        self.page, self.beats = page, 0

    def tick(self) -> None:
        self.beats += 1


def test_a_panel_of_another_room(qtbot: Any, qapp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    themed(qapp)
    monkeypatch.setitem(PANELS, "beats", Panel("Beats", "clock", lambda shell, page: Beats(page)))
    shell = BareShell(make_project(tmp_path))
    page = LabelPage(shell)
    qtbot.addWidget(page)
    shell.open(page)
    assert page.side.panel("beats") is None and page.side.buttons["label"].isChecked()
    shell.beat()
    page.side.buttons["beats"].click()
    panel = page.side.panel("beats")
    assert isinstance(panel, Beats) and panel.page is page and panel.beats == 0
    shell.beat()
    assert panel.beats == 1 and page.timeline.marked_s is None and page.session is shell.session
    left, right = page.timeline.visible_s
    assert page.playhead.end_s == right - left == 20.0
