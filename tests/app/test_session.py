"""The session: one door, undo and redo, and everything on disk at once."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.app.session import Session
from studio.data import recording as files
from studio.data.labels import Labels, Segment
from studio.data.project import create
from studio.data.stream import Stream
from studio.errors import DataError

ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")


@pytest.fixture
def session(tmp_path: Path) -> Session:
    project = create(tmp_path / "p", "Test")
    for name in ("a", "b"):
        files.write(project.path / "recordings" / name, [(ACC, np.zeros((1000, 3), np.int16))])
    session = Session()
    session.open(project.path)
    return session


def on_disk(session: Session) -> Labels:
    found = session.state.open_recording
    assert found is not None
    return files.load(found.path).labels.get("labels", Labels())


def test_edit_is_on_disk_and_undone(session: Session) -> None:
    wave = Labels((Segment(1.0, 2.0, "wave"),))
    session.edit("Add label wave", wave, selected=0)
    assert session.state.labels == wave == on_disk(session)
    assert session.state.selected == 0 and session.undo_text == "Add label wave"
    session.undo()
    assert session.state.labels == Labels() == on_disk(session) and session.redo_text == "Add label wave"
    session.redo()
    assert session.state.labels == wave == on_disk(session)


def test_a_new_edit_ends_the_future(session: Session) -> None:
    session.edit("one", Labels((Segment(0, 1, "a"),)))
    session.undo()
    session.edit("two", Labels((Segment(0, 1, "b"),)))
    session.redo()
    assert session.state.labels.segments[0].label == "b" and session.redo_text == ""


def test_looking_elsewhere_is_not_history(session: Session) -> None:
    session.show(replace(session.state, recording="b"))
    assert session.undo_text == "" and session.state.open_recording is not None
    assert session.state.open_recording.id == "b"


def test_label_past_the_end_is_refused_and_changes_nothing(session: Session) -> None:
    before = session.state.labels
    with pytest.raises(DataError):
        session.edit("Add label", Labels((Segment(5.0, 50.0, "late"),)))
    assert session.state.labels == before == on_disk(session)
    assert session.undo_text == ""


def test_undo_does_not_lose_a_recording_made_since(session: Session) -> None:
    session.edit("one", Labels((Segment(0, 1, "a"),)))
    assert session.state.project is not None
    files.write(session.state.project.path / "recordings" / "c", [(ACC, np.zeros((10, 3), np.int16))])
    session.reload()
    session.undo()
    assert [r.id for r in session.state.recordings] == ["a", "b", "c"]


def test_watchers_see_old_and_new(session: Session) -> None:
    seen = []
    session.watch(lambda old, new: seen.append((len(old.labels), len(new.labels))))
    session.edit("one", Labels((Segment(0, 1, "a"),)))
    assert seen == [(0, 1)]


def test_one_broken_recording_does_not_hide_the_others(session: Session) -> None:
    assert session.state.project is not None
    path = session.state.project.path
    (path / "recordings" / "b" / "recording.json").write_text("{half")
    again = Session()
    again.open(path)
    assert [r.id for r in again.state.recordings] == ["a"]
    assert len(again.state.broken) == 1 and "b" in again.state.broken[0].thing


def test_tracks_of_any_recording_in_one_step(session: Session) -> None:
    found = session.state.open_recording
    assert found is not None
    one, two = Labels((Segment(0, 1, "a"),)), Labels((Segment(2, 2, "tap", 0.4, "why"),))
    session.set_tracks("Propose", "a", {"proposed:energy": one, "labels": two})
    assert files.load(found.path).labels == {"proposed:energy": one, "labels": two}
    session.set_tracks("Drop", "a", {"proposed:energy": None})
    assert session.state.open_recording is not None
    assert session.state.open_recording.labels == {"labels": two} == files.load(found.path).labels
    session.undo()
    assert session.state.open_recording.labels["proposed:energy"] == one
    with pytest.raises(DataError, match="not in the project"):
        session.set_tracks("x", "nowhere", {})
