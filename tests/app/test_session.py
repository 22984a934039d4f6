"""The session: one door, undo and redo, and everything on disk at once."""

import subprocess
import sys
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


EDITOR = """
import os, sys
from pathlib import Path
from studio.app.session import Session
from studio.data.labels import Segment
session = Session()
session.open(Path(sys.argv[1]))
for i in range(200):
    session.edit("add", session.state.labels.add(Segment(i / 25, i / 25 + 0.03, "ab"[i % 2], 0.5, "c")), i)
    print(len(session.state.labels), flush=True)
    if i % 5 == 4:
        session.undo()
        session.redo()
"""


def test_a_kill_while_labels_pour_in_loses_none_that_was_taken(session: Session) -> None:
    assert session.state.project is not None
    path = session.state.project.path
    command = [sys.executable, "-c", EDITOR, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        told = 0
        for line in child.stdout:
            told = int(line)
            if told == 120:
                child.kill()
    found = files.load(path / "recordings" / "a").labels["labels"]
    assert 120 <= told <= len(found) + 1
    assert found.segments[:119] == tuple(Segment(i / 25, i / 25 + 0.03, "ab"[i % 2], 0.5, "c") for i in range(119))


def test_edits_reach_recording_json_at_the_end_and_when_the_person_pauses(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = session.state.open_recording
    assert found is not None
    document, journal = found.path / "recording.json", found.path / "edits.jsonl"
    session.edit("one", Labels((Segment(0, 1, "a"),)))
    assert journal.exists() and '"a"' not in document.read_text()
    session.rest()
    assert journal.exists(), "the person has not paused yet"
    monkeypatch.setattr("studio.app.session.REST_S", 0.0)
    session.rest()
    session.close()
    assert not journal.exists() and '"a"' in document.read_text()
    session.edit("two", Labels((Segment(0, 1, "b"),)))
    session.close()
    assert not journal.exists() and '"b"' in document.read_text()


def test_a_change_of_more_than_labels_takes_the_edits_with_it(session: Session) -> None:
    session.edit("one", Labels((Segment(0, 1, "a"),)))
    found = session.state.open_recording
    assert found is not None
    session.commit("Subject", session.state.with_recording(replace(found, subject="ann")))
    assert not (found.path / "edits.jsonl").exists()
    kept = files.load(found.path)
    assert kept.subject == "ann" and len(kept.labels["labels"]) == 1
    session.undo()
    session.undo()
    session.close()
    assert files.load(found.path).labels.get("labels", Labels()) == Labels()


def test_history_is_a_list_and_any_step_of_it_can_be_gone_to(session: Session) -> None:
    for n, word in enumerate(("one", "two", "three"), 1):
        session.edit(word, Labels(tuple(Segment(i, i + 1, "a") for i in range(n))))
    session.go(-2)
    assert session.history == (("one",), ("two", "three")) and len(session.state.labels) == 1
    session.go(1)
    assert session.history == (("one", "two"), ("three",)) and len(on_disk(session)) == 2
