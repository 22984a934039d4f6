"""Nobody may be on both sides."""

import numpy as np
import pytest

from studio.errors import DataError
from studio.learn.dataset import split, windows
from studio.learn.split import draw, in_a_row
from tests.learn.toys import STREAM, Tape, counting, people, toy, track


def sides(data, parts, field):
    values = getattr(data, field)
    return set(values[parts.train].tolist()), set(values[parts.test].tolist())


def test_people_are_never_on_both_sides_and_every_class_is_on_each() -> None:
    data = toy(7)
    for seed in range(10):
        parts = split(data, seed)
        train, test = sides(data, parts, "subject")
        assert parts.by == "subject" and parts.groups_disjoint
        assert test and train and not train & test and train | test == {f"p{i}" for i in range(7)}
        assert set(data.y[parts.train]) == set(data.y[parts.test]) == {0, 1, 2}
        assert 0.1 < len(parts.test) / len(data) < 0.4


def test_the_seed_decides_and_is_enough() -> None:
    data = toy(7)
    assert np.array_equal(split(data, 3).test, split(data, 3).test)
    assert len({tuple(split(data, seed).test.tolist()) for seed in range(10)}) > 2


def test_two_recordings_of_one_person_stay_together() -> None:
    tapes = people(6)
    for i, tape in enumerate(tapes):
        tape.subject = f"p{i // 2}"
    data = windows(tapes, STREAM.name, 64, 32)
    train, test = sides(data, split(data, 0), "subject")
    assert len(train) == 2 and len(test) == 1 and not train & test


def test_without_people_recordings_are_the_groups() -> None:
    for subject in ("", "the only one"):
        tapes = people(5)
        for tape in tapes:
            tape.subject = subject
        data = windows(tapes, STREAM.name, 64, 32)
        parts = split(data, 0)
        train, test = sides(data, parts, "recording")
        assert parts.by == "recording" and parts.groups_disjoint and not train & test


def test_a_given_split_is_obeyed_and_what_is_unmarked_never_joins_a_person_under_test() -> None:
    tapes = people(5)
    for tape, mark, who in zip(tapes, ("train", "test", "", "", "test"), "abacd", strict=True):
        tape.split, tape.subject = mark, who
    tapes[3].subject = "b"
    data = windows(tapes, STREAM.name, 64, 32)
    parts = split(data, 0)
    assert parts.by == "given" and parts.groups_disjoint
    assert sides(data, parts, "recording") == ({"r0", "r2"}, {"r1", "r4"})


def test_a_given_split_that_shares_people_is_obeyed_and_called_what_it_is() -> None:
    tapes = people(4)
    for tape, mark, who in zip(tapes, ("train", "test", "train", "test"), "aabc", strict=True):
        tape.split, tape.subject = mark, who
    parts = split(windows(tapes, STREAM.name, 64, 32), 0)
    assert parts.by == "given" and not parts.groups_disjoint


def test_marked_train_stays_in_training_when_the_test_must_be_drawn() -> None:
    tapes = people(5)
    tapes[0].split = tapes[1].split = "train"
    data = windows(tapes, STREAM.name, 64, 32)
    for seed in range(30):
        assert not {"r0", "r1"} & sides(data, split(data, seed), "recording")[1]


def test_a_person_drawn_for_the_test_leaves_training_also_with_what_was_marked_train() -> None:
    tapes = people(4)
    for tape, mark, who in zip(tapes, ("train", "", "train", ""), "aabc", strict=True):
        tape.split, tape.subject = mark, who
    data = windows(tapes, STREAM.name, 64, 32)
    drawn = [split(data, seed) for seed in range(20)]
    assert all(not np.intersect1d(data.subject[p.train], data.subject[p.test]).size for p in drawn)
    assert any("r1" in data.recording[p.test] for p in drawn)


def test_everything_marked_train_is_parted_by_group() -> None:
    tapes = people(5)
    for tape in tapes:
        tape.split = "train"
    assert split(windows(tapes, STREAM.name, 64, 32), 0).by == "subject"


def test_everything_marked_test_cannot_be_learned_from() -> None:
    tapes = people(2)
    for tape in tapes:
        tape.split = "test"
    with pytest.raises(DataError, match="Mark some recordings as train"):
        split(windows(tapes, STREAM.name, 64, 32), 0)


def test_a_single_recording_is_parted_by_time_with_a_guard_of_one_window() -> None:
    data = toy(1, length=50, stride=10, seconds=30)
    parts = split(data, 0)
    assert parts.by == "time" and not parts.groups_disjoint
    assert set(data.y[parts.train]) == set(data.y[parts.test]) == {0, 1, 2}
    apart = np.abs(data.start[parts.train][:, None] - data.start[parts.test])
    assert apart.min() == 100  # a whole window of 50 samples lies between the nearest two
    assert not set(parts.train) & set(parts.test)


def test_one_recording_per_class_cannot_be_parted_by_recording() -> None:
    tapes = [Tape(name, counting(2000), track((0, 2000, name))) for name in ("a", "b", "c")]
    data = windows(tapes, STREAM.name, 50, 25)
    parts = split(data, 0)
    assert parts.by == "time" and not parts.groups_disjoint
    assert set(data.y[parts.train]) == set(data.y[parts.test]) == {0, 1, 2}


def test_too_little_to_part_names_the_class() -> None:
    data = windows([Tape("r", counting(400), track((0, 300, "a"), (300, 352, "b")))], STREAM.name, 50, 1)
    with pytest.raises(DataError, match="Class 'b': its 3 windows lie too close"):
        split(data, 0)


def test_draw_never_takes_a_class_out_of_training_and_covers_what_it_can() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        table = rng.integers(0, 3, (rng.integers(2, 9), rng.integers(2, 6))) * rng.integers(1, 20)
        chosen = draw(table, 0.2, np.random.default_rng(1).permutation(len(table)))
        if chosen is None:
            continue
        kept = np.delete(table, chosen, axis=0).sum(axis=0)
        assert ((kept > 0) == (table.sum(axis=0) > 0)).all()


def test_draw_takes_about_the_share_of_equal_groups() -> None:
    table = np.full((21, 6), 10)
    assert len(draw(table, 0.2, np.random.default_rng(0).permutation(len(table))) or []) == 5


def test_draw_gives_up_when_half_of_the_classes_would_go_unjudged() -> None:
    alone = np.array([[9, 0, 0, 0], [0, 9, 0, 0], [9, 0, 9, 0], [9, 0, 0, 9]])
    assert draw(alone, 0.2, np.random.default_rng(0).permutation(len(alone))) is None
    shared = np.array([[9, 9, 9, 0], [9, 9, 9, 9], [9, 9, 9, 0]])
    assert draw(shared, 0.2, np.random.default_rng(0).permutation(len(shared))) in ([0], [2])


def test_recordings_of_nobody_are_judged_in_a_row_of_each_class() -> None:
    table = np.zeros((40, 2), np.int64)
    table[:25, 0], table[25:, 1] = 10, 10
    for seed in range(6):
        order = in_a_row(table, np.random.default_rng(seed))
        assert sorted(order.tolist()) == list(range(40))
        chosen = draw(table, 0.2, order)
        assert chosen is not None
        for first, n in ((0, 25), (25, 15)):
            own = sorted(c - first for c in chosen if first <= c < first + n)
            steps = np.diff([*own, own[0] + n])
            assert own and (steps > 1).sum() <= 1, "a stretch, which may go around the end"
