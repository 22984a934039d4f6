"""Edits of whole groups of labels, and points: whatever is done, a track stays in order and without overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.labels import Labels, Segment, parse_tracks, plain_tracks
from studio.errors import DataError

END_S = 100.0
starts = st.integers(0, 60).map(float)
spans = st.builds(lambda a, n, name: Segment(a, a + n, name), starts, st.integers(1, 20), st.sampled_from("abc"))
points = st.builds(lambda a, name: Segment(a, a, name, 0.5, "seen"), starts, st.sampled_from("abc"))
tracks = st.lists(spans | points, max_size=12).map(lambda found: Labels().add_all(found))
chosen = st.sets(st.integers(0, 11))


def sound(track: Labels) -> Labels:
    """The track, once it is seen to be in order and without overlap."""
    track.check(END_S)
    assert list(track.segments) == sorted(track.segments)
    marks = [(s.start_s, s.label) for s in track.segments if s.is_point]
    assert len(marks) == len(set(marks))
    return track


def there(track: Labels, wanted: set[int]) -> list[int]:
    return [i for i in wanted if i < len(track)]


@given(tracks, spans | points)
def test_a_stretch_leaves_points_and_a_point_leaves_stretches(track: Labels, new: Segment) -> None:
    after = sound(track.add(new))
    assert new in after.segments
    was = {(s.start_s, s.label) for s in track.segments if s.is_point}
    assert was <= {(s.start_s, s.label) for s in after.segments if s.is_point}
    if new.is_point:
        assert [s for s in after.segments if not s.is_point] == [s for s in track.segments if not s.is_point]


def test_the_same_point_twice_is_one_and_the_later_word_counts() -> None:
    track = Labels().add(Segment(1, 1, "tap", 0.5, "first")).add(Segment(1, 1, "tap", 0.9)).add(Segment(1, 1, "knock"))
    assert track.segments == (Segment(1, 1, "knock"), Segment(1, 1, "tap", 0.9))


@given(tracks, chosen, st.floats(-120, 120))
def test_shift_moves_the_chosen_and_only_them(track: Labels, wanted: set[int], by_s: float) -> None:
    some = there(track, wanted)
    after = sound(track.shift(some, by_s, END_S))
    assert len(after) <= len(track)
    kept = [s for i, s in enumerate(track.segments) if i not in some and not s.is_point]
    assert all(s in after.segments for s in kept)
    room = track.allowed(some, by_s, END_S)
    assert abs(room) <= abs(by_s) and room * by_s >= 0


@given(tracks, chosen)
def test_merge_makes_one_of_many(track: Labels, wanted: set[int]) -> None:
    some = there(track, wanted)
    picked = [track.segments[i] for i in sorted(some) if not track.segments[i].is_point]
    if len(picked) < 2:
        with pytest.raises(DataError, match="two labels"):
            track.merge(some)
        return
    after = sound(track.merge(some))
    at = after.at(picked[0].start_s)
    assert at is not None
    whole = after.segments[at]
    assert (whole.start_s, whole.stop_s, whole.label) == (picked[0].start_s, picked[-1].stop_s, picked[0].label)


@given(tracks, st.integers(0, 11), st.floats(0, 1))
def test_split_meets_where_it_was_cut(track: Labels, index: int, share: float) -> None:
    if index >= len(track):
        return
    old = track.segments[index]
    at_s = old.start_s + share * old.length_s
    if not old.start_s < at_s < old.stop_s:
        with pytest.raises(DataError, match="not inside"):
            track.split(index, at_s)
        return
    after = sound(track.split(index, at_s))
    assert len(after) == len(track) + 1
    assert after.merge([i for i, s in enumerate(after.segments) if not s.is_point and s.label == old.label
                        and old.start_s <= s.start_s < old.stop_s]) == track  # fmt: skip


@given(tracks, st.integers(0, 80), st.integers(0, 30))
def test_trim_and_clear_part_a_track(track: Labels, start: int, length: int) -> None:
    a, b = float(start), float(start + length)
    inside, outside = sound(track.trim(a, b)), sound(track.clear(a, b))
    assert all(a <= s.start_s and s.stop_s <= b for s in inside.segments)
    assert not any(s.start_s < b and s.stop_s > a for s in outside.segments if not s.is_point)
    total = sum(s.length_s for s in track.segments)
    assert sum(s.length_s for t in (inside, outside) for s in t.segments) == pytest.approx(total)


@given(tracks, chosen, st.floats(0, 99))
def test_paste_puts_the_first_where_it_was_told_and_cuts_at_the_end(track: Labels, wanted: set[int], at: float) -> None:
    copied = track.copy(there(track, wanted))
    after = sound(Labels().paste(copied, at, END_S))
    if copied:
        assert after.segments[0].start_s == pytest.approx(at)
    assert len(after) <= len(copied)


@given(tracks)
def test_comments_confidence_and_points_survive_the_disk(track: Labels) -> None:
    assert parse_tracks(plain_tracks({"labels": track})) == {"labels": track}


def test_a_row_without_comment_is_as_it_always_was() -> None:
    assert plain_tracks({"t": Labels((Segment(0, 1, "a"),))}) == {"t": [[0, 1, "a", 1.0]]}
    assert plain_tracks({"t": Labels((Segment(0, 1, "a", 1.0, "ü\n"),))}) == {"t": [[0, 1, "a", 1.0, "ü\n"]]}
    assert parse_tracks({"t": [[0, 1, "a", 1.0]]}) == {"t": Labels((Segment(0, 1, "a"),))}


def test_renaming_everywhere_makes_equal_points_one() -> None:
    track = Labels().add_all([Segment(1, 1, "a"), Segment(1, 1, "b"), Segment(2, 3, "b")])
    assert track.renamed("b", "a").segments == (Segment(1, 1, "a"), Segment(2, 3, "a"))
    assert track.renamed("x", "y") is track


def test_move_looks_past_points_at_the_neighbours() -> None:
    track = Labels().add_all([Segment(0, 2, "a"), Segment(2.5, 2.5, "p"), Segment(3, 4, "b"), Segment(6, 7, "c")])
    moved = track.move(2, 1.0, 9.0)
    assert moved.segments[1] == Segment(2, 6, "b") and sound(moved)
    assert track.move(1, 6.5, 8.0).segments[-1] == Segment(6.5, 6.5, "p")


@given(tracks, tracks)
def test_many_at_once_are_as_one_after_the_other(track: Labels, new: Labels) -> None:
    one_by_one = track
    for segment in new.segments:
        one_by_one = one_by_one.add(segment)
    assert sound(track._with_track(new.segments)) == one_by_one


def test_thousands_are_moved_and_pasted_whole() -> None:
    many = Labels(tuple(Segment(i, i + 0.5, "a") for i in range(20_000)))
    moved = many.shift(range(20_000), 7.0, 30_000.0)
    moved.check(30_000.0)
    assert len(moved) == 20_000 and moved.segments[0].start_s == 7.0
    pasted = many.paste(many.segments, 0.25, 30_000.0)
    pasted.check(30_000.0)
    assert [s.start_s for s in pasted.segments[:3]] == [0.0, 0.25, 1.0]
