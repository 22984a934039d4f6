"""Numbers and several labels: what labels mean, what models learn of them, and what is told about the models."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.app import models
from studio.app.actions import train as module
from studio.app.actions.deciding import decide
from studio.app.actions.evaluate import evaluate
from studio.app.actions.results import results
from studio.app.actions.train import TrainSettings, train
from studio.app.card import card
from studio.app.tables import table
from studio.app.telling import figures, sentence, short
from studio.app.verbs import _said_train
from studio.data.labels import Labels, Segment
from studio.data.project import Project, create
from studio.data.recording import save, write
from studio.data.stream import Stream
from studio.errors import DataError, InputError
from studio.firmware.board import boards
from studio.firmware.native import Native
from studio.graph.graph import Graph
from studio.graph.ops.pointwise import Sigmoid
from studio.learn import FAMILIES, tells, usual
from studio.learn.cost import estimate
from studio.learn.dataset import Dataset, check_classes, data_sha256, split, windows
from studio.learn.families.boosting import GradientBoosting
from studio.learn.families.cnn import Cnn
from studio.learn.families.family import Family
from studio.learn.families.forest import ExtraTrees, RandomForest
from studio.learn.families.linear import Ridge
from studio.learn.families.rocket import Rocket
from studio.learn.families.sequence import DeepSense, Gru
from studio.learn.meaning import tasks
from studio.progress import Progress, finish
from tests.learn.toys import STREAM, Tape, toy, track

SIX = Stream("imu", 50.0, ("ax", "ay", "az", "gx", "gy", "gz"), dtype="i16", scale=1 / 1000)
TONES = {"slow": 2.0, "fast": 7.0, "buzz": 14.0}
SETS = ("slow", "fast+slow", "buzz", "buzz+slow", "fast", "buzz+fast+slow")
EACH = 200


def weight_of(rng: np.random.Generator, stream: Stream = STREAM) -> tuple[np.ndarray, str]:
    """A swing whose size is the number that stands in the label."""
    size = float(rng.choice([2.0, 4.0, 6.0, 8.0]))
    t, n = np.arange(EACH)[:, None] / 50, len(stream.channels)
    wave = 0.1 * size * np.sin(2 * np.pi * 2 * t + rng.uniform(0, 6, n)) + rng.normal(0, 0.02, (EACH, n))
    return (wave / stream.scale).astype("i2"), f"{size:.1f} kg"


def mixture(rng: np.random.Generator, stream: Stream = STREAM, label: str = "") -> tuple[np.ndarray, str]:
    """Tones one over the other, all of them in the label."""
    label, n = label or str(rng.choice(SETS)), len(stream.channels)
    t = np.arange(EACH)[:, None] / 50
    wave = sum(0.5 * np.sin(2 * np.pi * TONES[p] * t + rng.uniform(0, 6, n)) for p in label.split("+"))
    return ((wave + rng.normal(0, 0.03, (EACH, n))) / stream.scale).astype("i2"), label


def tapes(task: str, stream: Stream = STREAM, n: int = 5, pieces: int = 8) -> list[Tape]:
    rng, found = np.random.default_rng(3), []
    for person in range(n):
        one = weight_of if task == "number" else mixture
        parts = [one(rng, stream) for _ in range(pieces)]
        spans = [(i * EACH, (i + 1) * EACH, label) for i, (_, label) in enumerate(parts)]
        samples = np.concatenate([x for x, _ in parts])
        found.append(Tape(f"r{person}", samples, track(*spans), subject=f"p{person}", streams=(stream,)))
    return found


def data_of(task: str, stream: Stream = STREAM) -> Dataset:
    return windows(tapes(task, stream), stream.name, 64, 32).meant(task)


@pytest.fixture(scope="module")
def sides() -> dict[str, tuple[Dataset, Dataset]]:
    """Of each task: four people to learn from, one to judge by."""
    found = {}
    for task in ("number", "several"):
        data = data_of(task)
        told = data.subject == "p4"
        found[task] = data.take(np.flatnonzero(~told)), data.take(np.flatnonzero(told))
    return found


# --- labels --------------------------------------------------------------------------------


@given(st.floats(-1e12, 1e12), st.sampled_from(["", " ", "  "]), st.sampled_from(["", "kg", "m/s", "°C", "% of it"]))
def test_a_number_is_read_with_its_unit(value: float, gap: str, unit: str) -> None:
    assert tasks.number(f"{gap}{value!r}{gap}{unit}") == (value, unit)
    told = tasks.plain("number", f"{value!r} {unit}")
    assert tasks.plain("number", told) == told
    assert tasks.number(told)[0] == pytest.approx(value, rel=1e-11)


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_or_refused_in_three_parts(text: str) -> None:
    try:
        value, _ = tasks.number(text)
    except DataError as e:
        assert e.thing == f"Label {text!r}" and e.seen and e.next_step
    else:
        assert np.isfinite(value) and any(c.isdigit() for c in text)


@pytest.mark.parametrize(
    "text", ["", "kg", "12,5", "1..2", "1.2.3", "inf", "nan", "1e999", "12:30", "3-4", "5 +2", "٣"]
)
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(DataError, match="is no number"):
        tasks.number(text)


@given(st.lists(st.text(st.characters(exclude_characters="+"), min_size=1).filter(str.strip), min_size=1, max_size=5))
def test_several_labels_are_a_set(names: list[str]) -> None:
    known = tuple(sorted({n.strip() for n in names}))
    assert tasks.parts("+".join(names)) == tasks.parts(" + ".join(reversed(names))) == known
    assert tasks.parts(tasks.plain("several", "+".join(names))) == known


@pytest.mark.parametrize("text", ["", "+", "a+", "+a", "a++b", "a+ +b"])
def test_an_empty_label_among_several_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="nothing on one side"):
        tasks.parts(text)


def test_labels_that_mean_the_same_are_one() -> None:
    data = toy(3)
    numbers = replace(data, classes=("10", "2.50kg", "2.5 kg")).meant("number")
    assert numbers.classes == ("2.5 kg", "10") and set(numbers.y[data.y == 0]) == {1}
    assert set(numbers.y[data.y == 1]) == set(numbers.y[data.y == 2]) == {0}
    sets = replace(data, classes=("b+a", "a", "a + b")).meant("several")
    assert sets.classes == ("a", "a+b") and tasks.outputs(sets) == ("a", "b")
    assert data.meant("classes") is data and data_sha256(numbers) != data_sha256(replace(numbers, task="classes"))


def test_two_units_are_refused() -> None:
    with pytest.raises(DataError, match="g, kg"):
        replace(toy(3), classes=("1 g", "2 kg", "3 g")).meant("number")


# --- what scores mean ----------------------------------------------------------------------


def test_the_nearest_label_is_counted() -> None:
    scores = np.array([[-5.0], [1.4], [1.6], [99.0]], np.float32)
    assert tasks.decided("number", ("value",), ("1 kg", "2 kg", "8 kg"), scores).tolist() == [0, 0, 1, 2]


def test_a_set_that_has_no_name_is_unsure() -> None:
    scores = np.array([[0.9, 0.1], [0.5, 0.6], [0.1, 0.7], [0.2, 0.3]], np.float32)
    assert tasks.decided("several", ("a", "b"), ("a", "a+b"), scores).tolist() == [0, 1, -1, -1]


def test_figures_of_numbers() -> None:
    data = replace(toy(3).take(np.arange(4)), y=np.array([0, 0, 1, 1]), classes=("0 g", "4 g"), task="number")
    scores = np.array([[1.0], [-1.0], [4.0], [2.0]], np.float32)
    told = tasks.figures(data, scores, ("value",), "g")["number"]
    assert told == {"mae": 1.0, "rmse": pytest.approx(1.5**0.5), "r2": pytest.approx(1 - 6 / 16), "unit": "g"}
    assert tasks.score(data, scores) == pytest.approx(1 - 6 / 16) and tasks.score(data, 100 * scores) == 0.0
    one = data.take(np.array([0, 1]))
    assert tasks.figures(one, scores[:2], ("value",))["number"]["r2"] is None and tasks.score(one, scores[:2]) == 0.0


def test_figures_of_several() -> None:
    data = replace(toy(3).take(np.arange(3)), y=np.array([0, 1, 2]), classes=("a", "a+b", "b"), task="several")
    told = tasks.figures(data, np.array([[0.9, 0.1], [0.9, 0.2], [0.6, 0.9]], np.float32), ("a", "b"))["several"]
    assert told["exact"] == pytest.approx(1 / 3) and told["per_label"]["b"]["recall"] == 0.5
    assert told["per_label"]["a"] == {"precision": pytest.approx(2 / 3), "recall": 1.0, "f1": 0.8, "support": 2}
    assert told["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)


def test_many_numbers_are_counted_by_a_few() -> None:
    data = toy(6)
    many = replace(data, y=np.arange(len(data)), classes=tuple(f"{i}" for i in range(len(data))), task="number")
    y, classes = tasks.marks(many)
    assert len(classes) == tasks.MARKS and (np.diff(y) >= 0).all() and set(y) == set(range(len(classes)))


def test_both_sides_of_a_split_have_low_and_high_numbers() -> None:
    data = data_of("number")
    lonely = replace(data, y=np.arange(len(data)), classes=tuple(f"{i}" for i in range(len(data))))
    parts, band = split(lonely, 0), lonely.banded()
    assert parts.groups_disjoint and parts.by == "subject" and len(band.classes) == tasks.BANDS
    assert set(band.y[parts.test]) == set(band.y[parts.train]) == set(range(tasks.BANDS))


# --- learning ------------------------------------------------------------------------------

QUICK: dict[str, Any] = {"batch": 16, "rate": 0.01}
NUMBERS: dict[str, Family] = {
    "ridge": Ridge(cost=1.0),
    "rocket": Rocket(kernels=42, dilations=2, cost=1.0),
    "boosting": GradientBoosting(leaf=4),
    "forest": RandomForest(trees=8),
    "extra_trees": ExtraTrees(trees=8),
    "cnn": Cnn(width=8, depth=2, epochs=25, **QUICK),
}
SEVERALS: dict[str, Family] = {
    "ridge": Ridge(cost=1.0),
    "rocket": Rocket(kernels=42, dilations=2, cost=1.0),
    "cnn": Cnn(width=8, depth=2, epochs=25, augment=0.3, **QUICK),
    "gru": Gru(units=12, epochs=40, augment=0.0, least_steps=0, **QUICK),
}


def in_c_as_here(graph: Graph, data: Dataset) -> bool:
    found = Native(graph, data.stream).scores(data.x)
    return found.tobytes() == graph.scores(data.x).tobytes()


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_is_learned(name: str, sides: dict[str, tuple[Dataset, Dataset]]) -> None:
    learn, told = sides["number"]
    graph = finish(NUMBERS[name].fit(learn, 0))
    names = [n.name for n in graph.nodes]
    assert graph.classes == ("value",) and names[-1] == "scores" and {"features", "logits"} < set(names)
    scores = graph.scores(told.x)
    assert tasks.score(told, scores) > (0.75 if name == "rocket" else 0.85) and in_c_as_here(graph, told)
    assert (graph.decide(-np.abs(scores)) == 0).all()  # a number below 0 is told too
    draft = NUMBERS[name].draft(learn)
    assert draft is None or draft.classes == graph.classes


@pytest.mark.parametrize("name", SEVERALS)
def test_several_labels_are_learned(name: str, sides: dict[str, tuple[Dataset, Dataset]]) -> None:
    learn, told = sides["several"]
    graph = finish(SEVERALS[name].fit(learn, 0))
    assert graph.classes == ("buzz", "fast", "slow") and isinstance(graph.nodes[-1].op, Sigmoid)
    scores = graph.scores(told.x)
    assert tasks.score(told, scores) > 0.85 and in_c_as_here(graph, told)
    assert ((graph.decide(scores) == -1) == (scores.max(axis=1) < 0.5)).all()
    draft = SEVERALS[name].draft(learn)
    assert draft is None or draft.classes == graph.classes


def test_deepsense_estimates_a_number_from_accelerometer_and_gyroscope() -> None:
    data = data_of("number", SIX)
    told = data.subject == "p4"
    family = DeepSense(width=8, units=12, epochs=25, least_steps=0, **QUICK)
    graph = finish(family.fit(data.take(np.flatnonzero(~told)), 0))
    assert {"sensor_1", "sensor_2"} <= {n.name for n in graph.nodes}
    held = data.take(np.flatnonzero(told))
    assert tasks.score(held, graph.scores(held.x)) > 0.85 and in_c_as_here(graph, held)


def test_small_numbers_keep_their_small_steps(sides: dict[str, tuple[Dataset, Dataset]]) -> None:
    """Far from 0, the 256 values of int8 are spread over the numbers that occur and not from 0 on."""
    learn, told = sides["number"]
    far = replace(learn, classes=tuple(f"{1000 + tasks.number(c)[0]} kg" for c in learn.classes))
    graph = finish(Cnn(width=8, depth=2, epochs=25, **QUICK).fit(far, 0))
    assert tasks.score(replace(told, classes=far.classes), graph.scores(told.x)) > 0.85


def test_the_same_seed_gives_the_same_number(sides: dict[str, tuple[Dataset, Dataset]]) -> None:
    learn, told = sides["number"]
    few = replace(NUMBERS["cnn"], epochs=3)  # type: ignore[type-var]
    one, two = (finish(few.fit(learn, 1)).scores(told.x) for _ in range(2))
    assert one.tobytes() == two.tobytes()


def test_one_number_or_a_rare_label_cannot_be_learned() -> None:
    number = data_of("number")
    with pytest.raises(DataError, match="only one number"):
        check_classes(number.take(np.flatnonzero(number.y == 0)))
    several = data_of("several")
    rare = several.take(np.append(np.flatnonzero(several.y != 0)[:40], np.flatnonzero(several.y == 0)[:1]))
    rare = replace(rare, classes=("odd", *rare.classes[1:]))
    with pytest.raises(DataError, match=r"'odd'.*1 window"):
        check_classes(rare)


# --- the verb ------------------------------------------------------------------------------


def project(folder: Path, task: str) -> Project:
    made = create(folder / task)
    for tape in tapes(task):
        recording = write(made.recordings_path / tape.id, [(STREAM, tape.samples)], subject=tape.subject)
        save(replace(recording, labels=tape.labels))
    return made


@pytest.fixture
def unweighed(monkeypatch: pytest.MonkeyPatch) -> None:
    def weigh(project: Project, model: models.Model, board: Any) -> Any:
        yield Progress(0)
        return estimate(model.graph, board.clock_hz, board.fpu).as_dict()

    monkeypatch.setattr(module, "weigh", weigh)


@pytest.mark.parametrize("task", ["number", "several"])
def test_train_to_card(task: str, tmp_path: Path, unweighed: None) -> None:
    made = project(tmp_path, task)
    settings = TrainSettings(task=task, families=("ridge", "rocket"), trials=3, folds=2, finalists=2, window_s=1.28)
    told = finish(train(made.path, settings))
    test, model = told["test"], models.load(made)
    assert set(test) >= {"accuracy", "macro_f1", "per_class", "confusion", "n_windows", "events", "computed_by", task}
    assert model.lock["task"] == task and model.graph.decision is None and told["leak"] is None
    assert model.lock["temperature"] == 1.0 and told["confidence"]["low"] > 0.8
    key = {"number": "r2", "several": "macro_f1"}[task]
    assert test[task][key] > 0.85 and finish(evaluate(made.path))[task] == test[task]
    assert sum(map(sum, test["confusion"]["matrix"])) == test["n_windows"]
    words, written = sentence(test), card(model, boards()["host"], {**model.cost, "stack_bytes": 0, "latency_ms": 0.0})
    assert words and words in _said_train(told) and short(test) in model.title and words in written
    row = results(made.path)["rows"][0]
    assert row[{"number": "r2", "several": "label_f1"}[task]] == test[task][key]
    assert {"number": "mean error", "several": "label F1"}[task] in table([row])
    with pytest.raises(InputError, match="no classes"):
        finish(decide(made.path))
    assert figures(test)[{"number": "R²", "several": "F1 of labels"}[task]] == f"{test[task][key]:.3f}"


def test_labels_of_another_project_that_are_no_numbers_are_refused(tmp_path: Path, unweighed: None) -> None:
    made = project(tmp_path, "number")
    finish(train(made.path, TrainSettings(task="number", families=("ridge",), trials=1, finalists=0, window_s=1.28)))
    with pytest.raises(DataError, match="is no number"):
        finish(evaluate(made.path, "", str(project(tmp_path, "several").path)))


def test_sets_with_a_label_that_the_model_does_not_know_are_left_out(tmp_path: Path, unweighed: None) -> None:
    made = project(tmp_path, "several")
    finish(train(made.path, TrainSettings(task="several", families=("ridge",), trials=1, finalists=0, window_s=1.28)))
    whole = finish(evaluate(made.path, "", "all"))
    recording = write(made.recordings_path / "odd", [(STREAM, tapes("several")[0].samples[:400])])
    labels = Labels((Segment(0.0, 4.0, "slow+siren"), Segment(4.0, 8.0, "slow")))
    save(replace(recording, labels={"labels": labels}))
    n = finish(evaluate(made.path, "", "all"))["n_windows"] - whole["n_windows"]
    assert n == 5  # (200 - 64) // 32 + 1


def test_a_family_that_cannot_is_named(tmp_path: Path) -> None:
    made = project(tmp_path, "several")
    with pytest.raises(InputError, match=r"'forest'.*several labels") as e:
        finish(train(made.path, TrainSettings(task="several", families=("ridge", "forest"))))
    assert "ridge" in e.value.next_step and "forest" not in e.value.next_step


def test_what_is_usual_can_tell_it() -> None:
    assert usual(toy(3)) == ("forest", "cnn")
    for task in ("number", "several"):
        assert all(task in tells(FAMILIES[name]) for name in usual(data_of(task)))
    assert usual(data_of("several")) == ("ridge", "cnn")
