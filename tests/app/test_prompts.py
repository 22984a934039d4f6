"""Prompted collection: balanced, in random order, its labels where the person was at it; stopped and taken up again."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.app.prompts import Performed, Plan, Prompter, order

PLAN = Plan(repetitions=3, show_s=2.0, rest_s=1.0, react_s=0.4)


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 99))
def test_each_class_as_often_as_the_others_and_never_twice_in_a_row(n: int, times: int, seed: int) -> None:
    labels = [f"c{i}" for i in range(n)]
    steps = order(labels, Plan(repetitions=times), seed)
    assert Counter(steps) == dict.fromkeys(labels, times)
    assert all(a != b for a, b in pairwise(steps))
    for turn in range(times):  # balance at every stop
        assert set(steps[turn * n : (turn + 1) * n]) == set(labels)


def test_the_order_is_random_by_its_seed_or_as_listed() -> None:
    labels = [f"c{i}" for i in range(6)]
    assert order(labels, PLAN, 1) == order(labels, PLAN, 1) != order(labels, PLAN, 2)
    assert order(labels, Plan(repetitions=2, shuffled=False), 1) == tuple(labels * 2)


def test_cues_follow_the_clock_and_labels_leave_the_reaction_out() -> None:
    prompter = Prompter(["wave"], PLAN)
    assert prompter.look(9.0).kind == "done" and not prompter.running
    prompter.begin(10.0)
    rest, show = prompter.look(10.25), prompter.look(11.5)
    assert (rest.kind, rest.label, rest.left_s, rest.share) == ("rest", "wave", 0.75, 0.25)
    assert (show.kind, show.left_s, show.share, show.done, show.total) == ("show", 1.5, 0.25, 0, 3)
    assert prompter.take() == []
    assert prompter.look(13.1).kind == "rest"
    assert prompter.take() == [Performed("wave", 11.4, 13.0)] and prompter.take() == []
    assert prompter.look(19.0).kind == "done" and prompter.finished and not prompter.running
    assert [p.start_s for p in prompter.take()] == pytest.approx([14.4, 17.4])


def test_stopping_asks_for_the_cut_step_again() -> None:
    prompter = Prompter(["wave", "idle"], PLAN, seed=3)
    prompter.begin(0.0)
    prompter.look(4.5)
    first, cut = prompter.steps[:2]
    prompter.stop()
    assert prompter.look(50.0).kind == "done" and not prompter.finished
    prompter.begin(100.0)
    assert prompter.look(100.1).label == cut
    prompter.look(103.0)
    assert [(p.label, p.start_s) for p in prompter.take()] == [(first, 1.4), (cut, 101.4)]


def test_a_slow_reaction_never_eats_the_whole_label() -> None:
    prompter = Prompter(["tap"], Plan(repetitions=1, show_s=0.4, rest_s=0.0, react_s=3.0))
    prompter.begin(0.0)
    prompter.look(1.0)
    (made,) = prompter.take()
    assert made.stop_s - made.start_s == pytest.approx(0.2)
