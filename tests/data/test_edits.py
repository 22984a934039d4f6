"""The journal of label edits: whatever a crash leaves of it, no acknowledged edit is lost and none is done twice."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data import edits
from studio.data.labels import Labels, Segment
from studio.data.recording import Recording, load, put, save, write
from studio.data.stream import Stream
from studio.errors import DataError

ACC = Stream("acc", 100.0, ("x",), "g", "i16", 0.001)
spans = st.builds(lambda a, n, name: Segment(a, a + n, name, 0.5, "é"), st.integers(0, 60), st.integers(0, 9),
                  st.sampled_from("ab"))  # fmt: skip
tracks = st.lists(spans, max_size=6).map(lambda found: Labels().add_all(found))


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return write(tmp_path / "r", [(ACC, np.zeros((7000, 1), "<i2"))], {"labels": Labels((Segment(0, 1, "a"),))})


def keep(old: dict[str, Labels], new: dict[str, Labels], folder: Path) -> int:
    with edits.hold(folder) as file:
        return edits.append(file, edits.entries(old, new))


@given(st.lists(st.integers(0, 3), max_size=9), st.lists(st.integers(0, 3), max_size=9))
def test_difference_counts_what_is_the_same_at_both_ends(old: list[int], new: list[int]) -> None:
    front, back = edits.difference(tuple(old), tuple(new))
    assert old[:front] == new[:front] and front + back <= min(len(old), len(new))
    assert old[len(old) - back :] == new[len(new) - back :]
    if front < min(len(old), len(new)):
        assert old[front] != new[front]
    if front + back < min(len(old), len(new)):
        assert old[-back - 1] != new[-back - 1]


@given(steps=st.lists(tracks, min_size=1, max_size=6))
def test_any_walk_is_replayed_once_twice_and_over_its_own_end(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Labels]
) -> None:
    folder, now = tmp_path_factory.mktemp("walk"), {"labels": Labels()}
    for track in steps:
        keep(now, {"labels": track}, folder)
        now = {"labels": track}
    assert edits.replayed(folder, {"labels": Labels()})[0] == now
    assert edits.replayed(folder, dict(now))[0] == now, "a crash after rewriting and before removing"


def test_a_recording_opens_with_its_edits_and_takes_them_in(recording: Recording) -> None:
    after = {"labels": Labels((Segment(0, 1, "a"), Segment(2, 2, "tap", 0.3, "c"))), "labels:bo": Labels()}
    keep(recording.labels, after, recording.path)
    assert load(recording.path).labels == after
    assert not (recording.path / edits.FILE).exists()
    assert len(json.loads((recording.path / "recording.json").read_text())["labels"]["labels"]) == 2
    keep(after, {"labels": after["labels"]}, recording.path)
    assert "labels:bo" not in load(recording.path).labels


def test_half_a_line_is_no_edit_and_the_next_one_stands_apart(recording: Recording) -> None:
    one = {"labels": recording.labels["labels"].add(Segment(2, 3, "b"))}
    keep(recording.labels, one, recording.path)
    with open(recording.path / edits.FILE, "ab") as file:
        file.write(b'{"n": 5, "track": "labels", "old": [], "new": [[7')
    two = {"labels": one["labels"].add(Segment(4, 5, "b"))}
    keep(one, two, recording.path)
    assert load(recording.path).labels == two


def test_what_is_edited_while_the_document_is_written_stays_in_the_journal(recording: Recording) -> None:
    one = {"labels": recording.labels["labels"].add(Segment(2, 3, "b"))}
    two = {"labels": one["labels"].add(Segment(4, 5, "b"))}
    upto = keep(recording.labels, one, recording.path)
    keep(one, two, recording.path)
    with edits.hold(recording.path) as file:
        put(replace(recording, labels=one))
        edits.drop(recording.path, file, upto)
    assert edits.replayed(recording.path, one)[0] == two
    assert load(recording.path).labels == two


def test_saving_whole_makes_the_journal_void(recording: Recording) -> None:
    one = {"labels": recording.labels["labels"].add(Segment(2, 3, "b"))}
    keep(recording.labels, one, recording.path)
    save(replace(recording, labels={}))
    assert load(recording.path).labels == {}


def test_a_document_from_elsewhere_gives_way_to_later_edits_and_still_opens(recording: Recording) -> None:
    one = {"labels": Labels((Segment(2, 4, "b"),))}
    keep(recording.labels, one, recording.path)
    content = json.loads((recording.path / "recording.json").read_text())
    content["labels"] = {"labels": [[3, 5, "other", 1.0]]}
    (recording.path / "recording.json").write_text(json.dumps(content))
    assert len(load(recording.path).labels["labels"]) == 2


def test_only_what_changed_is_checked_and_it_is_checked_against_its_neighbours() -> None:
    old = {"t": Labels(tuple(Segment(i, i + 0.5, "a") for i in range(10)))}
    edits.check(old, old, 10.0, "r")
    wrong = old["t"].segments
    for bad in (Segment(4.2, 4.9, "b"), Segment(4.6, 5.2, "b")):
        placed = Labels(tuple(sorted([*wrong, bad])))
        with pytest.raises(DataError, match="track 't'"):
            edits.check(old, {"t": placed}, 10.0, "r")
    with pytest.raises(DataError, match="past the end"):
        edits.check(old, {"t": Labels((*wrong, Segment(9.8, 12.0, "b")))}, 10.0, "r")
    point = Labels(tuple(sorted([*wrong, Segment(4.2, 4.2, "p")])))
    edits.check(old, {"t": point}, 10.0, "r")
    with pytest.raises(DataError):
        edits.check({"t": point}, {"t": Labels(tuple(sorted([*point.segments, Segment(4.3, 4.6, "b")])))}, 10.0, "r")


def test_while_somebody_edits_others_read_all_and_write_nothing(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edits, "WAIT_S", 0.05)
    one = {"labels": recording.labels["labels"].add(Segment(2, 3, "b"))}
    document = (recording.path / "recording.json").read_bytes()
    with edits.hold(recording.path) as file:
        edits.append(file, edits.entries(recording.labels, one))
        assert load(recording.path).labels == one
        assert (recording.path / "recording.json").read_bytes() == document
        with pytest.raises(DataError, match="being labelled"):
            save(recording)
        with pytest.raises(DataError, match="being labelled"):
            edits.hold(recording.path)
    save(replace(recording, labels={}))
    assert load(recording.path).labels == {} and not (recording.path / edits.FILE).exists()
