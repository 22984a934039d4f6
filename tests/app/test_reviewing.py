"""Decisions about proposals and doubts: each is one step, machines never overwrite what a person said."""

from pathlib import Path

import pytest

from studio.app import reviewing
from studio.app.reviewing import Doubt
from studio.app.session import Session
from studio.data.agreement import NOTHING
from studio.data.labels import Labels, Segment
from studio.data.recording import load
from studio.errors import DataError
from tests.app.proposing import people


def track(*rows: tuple[float, float, str]) -> Labels:
    return Labels(tuple(Segment(*row) for row in rows))


@pytest.fixture
def session(tmp_path: Path) -> Session:
    made = Session()
    made.open(people(tmp_path, n=2, seconds=20.0).path)
    return made


def test_a_commit_is_one_step_with_its_new_class_and_on_disk(session: Session) -> None:
    before = session.state
    proposed, rid = track((1, 2, "event"), (3, 4, "event")), before.recording
    reviewing.commit(session, "Propose", rid, {"proposed:energy": proposed})
    assert "event" not in {c.name for c in session.state.project.classes}, "a machine's word is no class"
    ours, left = reviewing.accepted(Labels(), proposed, [1])
    reviewing.commit(session, "Accept", rid, {"labels:ann": ours, "proposed:energy": left})
    assert "event" in {c.name for c in session.state.project.classes}
    assert ours == track((3, 4, "event")) and left == track((1, 2, "event"))
    assert load(before.open_recording.path).labels["labels:ann"] == ours
    session.undo()
    assert session.state.open_recording.labels["proposed:energy"] == proposed
    assert "labels:ann" not in load(before.open_recording.path).labels
    assert session.state.project.classes == before.project.classes
    session.undo()
    assert session.state.open_recording.labels == before.open_recording.labels


def test_a_moving_preview_is_one_step(session: Session) -> None:
    rid, before = session.state.recording, session.state.open_recording.labels
    for k in range(1, 5):
        reviewing.recommit(session, "Propose by energy", rid, {"proposed:energy": track((k, k + 0.5, "event"))})
    assert session.state.open_recording.labels["proposed:energy"] == track((4, 4.5, "event"))
    other = next(r.id for r in session.state.recordings if r.id != rid)
    reviewing.recommit(session, "Propose by energy", other, {"proposed:energy": track((1, 2, "event"))})
    session.undo()
    assert session.state.open_recording.labels["proposed:energy"] == track((4, 4.5, "event")), "that was another's"
    session.undo()
    assert session.state.open_recording.labels == before and session.undo_text == ""


def test_a_recording_that_went(session: Session) -> None:
    with pytest.raises(DataError, match="not in the project"):
        reviewing.commit(session, "Accept", "gone", {})


def test_the_person_s_track_is_the_target(session: Session) -> None:
    from dataclasses import replace

    assert reviewing.human_track(session.state) == "labels"
    assert reviewing.human_track(replace(session.state, track="labels:ann")) == "labels:ann"
    assert reviewing.human_track(replace(session.state, track="proposed:energy")) == "labels"


def test_what_is_labelled_is_no_news() -> None:
    proposals = track((0, 2, "event"), (3, 5, "event"), (6, 8, "event"), (9, 10, "event"))
    known = track((0, 1.5, "wave"), (4.5, 6.5, "wave"), (7.5, 8, "tap"))
    assert reviewing.news(proposals, known) == track((3, 5, "event"), (9, 10, "event"))
    assert reviewing.news(proposals, Labels()) == proposals


def test_accepting_names_and_is_sure() -> None:
    proposals = Labels((Segment(1, 2, "event", 0.4), Segment(3, 4, "event", 0.6)))
    ours, left = reviewing.accepted(track((1.5, 2.5, "tap")), proposals, [0, 1], "wave")
    assert ours == track((1, 2, "wave"), (2, 2.5, "tap"), (3, 4, "wave")) and len(left) == 0
    assert all(s.score == 1.0 for s in ours.segments)


def test_many_at_once_are_as_one_by_one() -> None:
    known = Labels((*track((2, 3, "a"), (5, 5, "point"), (7, 9, "a")).segments,))
    proposals = track((0, 2, "e"), (2.5, 3.5, "e"), (4, 5, "e"), (6, 7, "e"), (7.5, 8, "e"), (9, 10, "e"))
    one_by_one = known
    for s in proposals.segments:
        one_by_one = one_by_one.add(s)
    assert reviewing.accepted(known, proposals, range(6)) == (one_by_one, Labels())


def test_what_lies_in_view() -> None:
    assert reviewing.within(track((0, 1, "a"), (1, 2, "a"), (1.5, 3, "a")), 0.5, 2.5) == [1]


def test_windows_become_stretches() -> None:
    assert reviewing.stretches([3.0, 0.0, 0.5, 1.0], 1.0, "wave") == track((0, 2, "wave"), (3, 4, "wave"))


def test_queues_are_in_order(session: Session) -> None:
    rid = session.state.recording
    said = Labels((Segment(0, 2, "wave", 0.9), Segment(2, 3, "tap", 0.1), Segment(3, 5, "wave", 0.5)))
    reviewing.commit(session, "x", rid, {"predicted:m": said, "labels": track((0, 2.05, "wave"), (3, 6, "tap"))})
    recording = session.state.open_recording
    assert [d.start_s for d in reviewing.uncertain(recording, "predicted:m")] == [2, 3, 0]
    found = reviewing.disagreements(recording, "labels", "predicted:m", 0.1)
    assert [(d.start_s, d.said, d.suggested) for d in found] == [(3, "tap", "wave"), (5, "tap", NOTHING)]


def test_a_suspect_goes_once_decided_and_comes_back_with_undo(session: Session) -> None:
    rid, labels = session.state.recording, session.state.labels
    s = labels.segments[1]
    row = {"recording": rid, "start_s": round(s.start_s, 6), "label": s.label, "suggested": "idle", "confidence": 0.8}
    (doubt,) = reviewing.still_doubtful([row], session.state, "labels")
    assert doubt == Doubt(rid, s.start_s, s.stop_s, s.label, "idle", 0.8)
    for decided in (reviewing.kept_as_it_is(labels, doubt), reviewing.relabelled(labels, doubt, "circle")):
        reviewing.commit(session, "Decide", rid, {"labels": decided})
        assert reviewing.still_doubtful([row], session.state, "labels") == []
        session.undo()
        assert len(reviewing.still_doubtful([row], session.state, "labels")) == 1


def test_relabelling_where_nothing_lies_exactly() -> None:
    ours = track((0, 4, "wave"))
    piece = Doubt("r", 1, 2, "wave", "tap", 0.5)
    assert reviewing.relabelled(ours, piece, "tap") == track((0, 1, "wave"), (1, 2, "tap"), (2, 4, "wave"))
    assert reviewing.relabelled(ours, piece, NOTHING) == track((0, 1, "wave"), (2, 4, "wave"))
    whole = Doubt("r", 0, 4, "wave", "tap", 0.5)
    assert reviewing.relabelled(ours, whole, "tap") == track((0, 4, "tap"))
    assert reviewing.relabelled(ours, whole, NOTHING) == Labels() == reviewing.without(ours, whole)
    assert reviewing.kept_as_it_is(ours, piece) == ours
