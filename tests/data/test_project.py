"""Projects: open what was saved, refuse what cannot be understood, touch nothing then."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.data.project import (
    LabelClass,
    create,
    new_recording_path,
    open_project,
    recordings,
    save,
    with_classes,
)
from studio.data.recording import write
from studio.errors import DataError, ProjectError
from tests.data.board import ACCEL


def test_round_trip(tmp_path: Path) -> None:
    made = create(tmp_path / "p", "Zauberstab ⚡")
    save(replace(made, classes=(LabelClass("wave", "#fff", "w"),), settings={"length": 128}))
    found = open_project(tmp_path / "p")
    assert (found.name, found.classes, found.settings) == (
        "Zauberstab ⚡",
        (LabelClass("wave", "#fff", "w"),),
        {"length": 128},
    )
    assert {p.name for p in (tmp_path / "p").iterdir()} == {"project.json", "recordings", "models", "builds"}
    with pytest.raises(ProjectError, match="is a project already"):
        create(tmp_path / "p")


def test_a_newer_project_is_refused_and_left_alone(tmp_path: Path) -> None:
    create(tmp_path / "p")
    file = tmp_path / "p" / "project.json"
    file.write_text(json.dumps({"format": 2, "shape": "unknown to us"}))
    with pytest.raises(ProjectError, match=r"made by a newer studio \(format 2.*Update the studio") as caught:
        open_project(tmp_path / "p")
    assert caught.value.exit_code == 2 and json.loads(file.read_text())["shape"] == "unknown to us"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 1, "name": "", "classes": [1]}'])
def test_a_broken_project(tmp_path: Path, text: str) -> None:
    create(tmp_path / "p")
    (tmp_path / "p" / "project.json").write_text(text)
    with pytest.raises(ProjectError, match=r"project\.json"):
        open_project(tmp_path / "p")


def test_no_project_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(ProjectError, match="is not a project"):
            open_project(path)
    with pytest.raises(ProjectError):
        create(tmp_path / "file" / "p")


def test_recordings_in_order_and_broken_ones_named(tmp_path: Path) -> None:
    project = create(tmp_path / "p")
    for hint in ("wave", "Ärger / 7!", "wave", ""):
        write(new_recording_path(project, hint), [(ACCEL, np.zeros((3, 3), "<i2"))])
    assert [r.id for r in recordings(project)] == ["recording-001", "wave-001", "wave-002", "Ärger-7-001"]
    (project.recordings_path / ".import-x").mkdir()
    (project.recordings_path / ".import-x" / "recording.json").write_text("{")
    (project.recordings_path / "wave-001" / "recording.json").write_text("{")
    broken: list[DataError] = []
    assert [r.id for r in recordings(project, broken)] == ["recording-001", "wave-002", "Ärger-7-001"]
    assert len(broken) == 1 and "wave-001" in broken[0].thing
    with pytest.raises(DataError, match="wave-001"):
        recordings(project)


def test_new_classes_get_their_own_colour_and_key() -> None:
    found = with_classes((LabelClass("idle", "#4C9BE8", "2"),), ["wave", "idle", "tap", *map(str, range(20))])
    assert [c.name for c in found[:3]] == ["idle", "wave", "tap"] and len(found) == 23
    assert [c.key for c in found[:3]] == ["2", "1", "3"] and len({c.color for c in found[:10]}) == 10
    assert len({c.key for c in found if c.key}) == 9
