"""The edit rules of a track: after any edit the segments are in order and none overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.labels import Labels, Segment, parse_tracks, plain_tracks
from studio.errors import DataError

times = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda t: (float(t[0]), float(t[0] + t[1])))
segments = st.builds(lambda t, name: Segment(*t, name), times, st.sampled_from("abc"))
tracks = st.lists(segments, max_size=8).map(lambda found: build(found))


def build(found: list[Segment]) -> Labels:
    track = Labels()
    for segment in found:
        track = track.add(segment)
    return track


def at(track: Labels, t: float) -> str | None:
    return next((s.label for s in track.segments if s.start_s <= t < s.stop_s), None)


@given(tracks, segments)
def test_add_paints_over_and_touches_nothing_else(track: Labels, new: Segment) -> None:
    after = track.add(new)
    after.check(100.0)
    for t in range(0, 81):
        inside = new.start_s <= t + 0.5 < new.stop_s
        assert at(after, t + 0.5) == (new.label if inside else at(track, t + 0.5))


@given(tracks, st.integers(0, 7), times)
def test_move_stays_clear_of_the_neighbours(track: Labels, index: int, to: tuple[float, float]) -> None:
    if index >= len(track):
        return
    try:
        after = track.move(index, *to)
    except DataError:
        return  # it would have had no length
    after.check(100.0)
    assert len(after) == len(track) and after.segments[index].label == track.segments[index].label
    assert (
        after.segments[:index] == track.segments[:index] and after.segments[index + 1 :] == track.segments[index + 1 :]
    )


@given(tracks)
def test_remove_undoes_add_and_the_disk_gives_back_the_same(track: Labels) -> None:
    assert parse_tracks(plain_tracks({"labels": track})) == {"labels": track}
    for i in range(len(track)):
        assert track.segments[i] not in track.remove(i).segments and len(track.remove(i)) == len(track) - 1


def test_rename_and_covering() -> None:
    track = Labels((Segment(0, 1, "a", 0.4), Segment(1, 2, "b")))
    assert track.rename(0, "c").segments[0] == Segment(0, 1, "c", 1.0)
    assert track.covering(0.2, 1.0) == "a" and track.covering(0.9, 1.1) is None and track.covering(1.0, 2.0) == "b"


@pytest.mark.parametrize(
    "bad", [Segment(1, 2, "a", 1.5), Segment(2, 1, "a"), Segment(float("nan"), 1, "a"), Segment(0, 1, " ")]
)
def test_a_segment_must_have_length_and_name(bad: Segment) -> None:
    with pytest.raises(DataError):
        Labels().add(bad)


@pytest.mark.parametrize(
    ("track", "words"),
    [
        ([Segment(0, 10.1, "a")], "past the end at 10 s"),
        ([Segment(-0.5, 1, "a")], "before the start"),
        ([Segment(0, 5, "a"), Segment(4, 6, "b")], "before the label in front"),
        ([Segment(0, float("inf"), "a")], "past the end"),
    ],
)
def test_check(track: list[Segment], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Labels(tuple(track)).check(10.0)
    Labels((Segment(9.99, 10.0, "last sample"),)).check(10.0)
