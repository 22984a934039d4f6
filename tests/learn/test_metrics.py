"""Metrics against scikit-learn, events by hand."""

import numpy as np
import pytest
from sklearn.metrics import classification_report, confusion_matrix, f1_score

from studio.data.labels import Labels, Segment
from studio.errors import DataError
from studio.learn.matching import Matched, match
from studio.learn.metrics import UNSURE, metrics

CLASSES = ("idle", "wave", "shake", "tap")


@pytest.mark.parametrize("seed", range(5))
def test_equal_to_scikit_learn(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, 50)
    guess = np.where(rng.random(50) < 0.6, y, rng.integers(0, 4, 50))
    found = metrics(y, guess, CLASSES)
    report = classification_report(y, guess, labels=range(4), target_names=CLASSES, output_dict=True, zero_division=0)
    for name in CLASSES:
        theirs = report[name]
        ours = found["per_class"][name]
        assert [ours[k] for k in ("precision", "recall", "f1", "support")] == pytest.approx(
            [theirs[k] for k in ("precision", "recall", "f1-score", "support")]
        )
    assert found["macro_f1"] == pytest.approx(f1_score(y, guess, average="macro", zero_division=0))
    assert found["confusion"] == {
        "labels": list(CLASSES),
        "matrix": confusion_matrix(y, guess, labels=range(4)).tolist(),
    }
    assert found["accuracy"] == pytest.approx((y == guess).mean())
    assert found["n_windows"] == 50 and found["computed_by"] == "c"


def test_classes_that_never_occur_do_not_pull_the_mean_down() -> None:
    found = metrics([0, 0, 1], [0, 0, 1], CLASSES)
    assert found["macro_f1"] == 1.0 and found["per_class"]["tap"]["support"] == 0


def test_scores_are_decided_for_the_first_of_equals() -> None:
    found = metrics([0, 1], np.array([[0.5, 0.5, 0, 0], [0.1, 0.2, 0.2, 0.0]], np.float32), CLASSES)
    assert found["accuracy"] == 1.0


def test_no_answer_is_wrong_and_has_its_own_column() -> None:
    found = metrics([0, 1, 1], np.array([0, -1, 1], np.int16), CLASSES)
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["confusion"]["labels"][-1] == UNSURE
    assert found["confusion"]["matrix"][1] == [0, 1, 0, 0, 1]
    assert found["per_class"]["wave"]["recall"] == 0.5


def test_nothing_to_judge_is_said() -> None:
    with pytest.raises(DataError):
        metrics([], [], CLASSES)
    with pytest.raises(DataError):
        metrics([0, 1], [0], CLASSES)


TRUTH = Labels((Segment(0, 10, "idle"), Segment(10, 12, "wave"), Segment(20, 22, "wave"), Segment(30, 31, "tap")))


def said(**at: str) -> tuple[list[float], list[str]]:
    """One decision per second from 1 to 40; `t<second>` names those that are not idle."""
    times = list(range(1, 41))
    return [float(t) for t in times], [at.get(f"t{t}", "idle") for t in times]


def test_events_noticed_late_missed_and_made_up() -> None:
    times, names = said(t11="wave", t12="wave", t20="wave", t27="tap", t28="tap")
    found = match(TRUTH, times, names, background="idle")
    assert found.n_events == 3 and found.latencies_s == (1.0, 0.0) and found.false_alarms == 1
    assert found.hours == pytest.approx(40 / 3600)
    assert match(TRUTH, times, names, background="idle").as_dict() == {
        "recall": pytest.approx(2 / 3),
        "false_alarms_per_hour": pytest.approx(90.0),
        "latency_s_p50": 0.5,
    }


def test_the_wrong_class_during_an_event_is_a_false_alarm_and_no_recall() -> None:
    found = match(TRUTH, *said(t11="tap"), background="idle")
    assert found.latencies_s == () and found.false_alarms == 1


def test_an_alarm_that_begins_before_its_event_counts_for_it() -> None:
    found = match(TRUTH, *said(t9="wave", t10="wave"), background="idle")
    assert found.latencies_s == (0.0,) and found.false_alarms == 0


def test_a_second_run_in_the_same_event_is_not_false_but_one_after_it_is() -> None:
    found = match(TRUTH, *said(t10="wave", t12="wave", t14="wave"), background="idle")
    assert found.latencies_s == (0.0,) and found.false_alarms == 1


def test_tolerance_admits_the_window_that_ends_after_a_short_event() -> None:
    late = said(t32="tap")
    assert match(TRUTH, *late, background="idle").latencies_s == ()
    assert match(TRUTH, *late, background="idle", tolerance_s=1.0).latencies_s == (2.0,)
    assert match(TRUTH, *late, background="idle", tolerance_s=0.9).false_alarms == 1


def test_no_answer_is_no_alarm_and_every_label_is_an_event_without_background() -> None:
    times, names = said(t11="", t12="")
    found = match(TRUTH, times, ["" if n == "idle" and t > 10 else n for t, n in zip(times, names, strict=True)])
    assert found.n_events == 4 and found.latencies_s == (1.0,) and found.false_alarms == 0


def test_unlabelled_time_can_be_left_out() -> None:
    found = match(TRUTH, *said(t15="tap", t30="tap"), background="idle", unlabelled_counts=False)
    assert found.false_alarms == 0 and found.latencies_s == (0.0,)
    assert found.hours == pytest.approx((10 + 2 + 3 + 2 + 0) / 3600)  # 1..10, 11..12, 20..22, 30..31


def test_no_events_and_no_decisions() -> None:
    assert match(Labels(), [], []).as_dict() == {"recall": None, "false_alarms_per_hour": None, "latency_s_p50": None}


def test_two_recordings_are_judged_together() -> None:
    found = Matched(2, 1, 0.5, (0.4,)) + Matched(2, 0, 0.5, (0.2, 0.3))
    assert found.as_dict() == {"recall": 0.75, "false_alarms_per_hour": 1.0, "latency_s_p50": 0.3}
