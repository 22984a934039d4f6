"""Decisions of a model: changed without training, judged along recordings, and never tuned on what was learned from."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.app import models
from studio.app.actions.deciding import FILE, decide, keep, tune
from studio.app.actions.evaluate import evaluate, laid, track_of
from studio.app.actions.results import results
from studio.app.models import Model
from studio.app.tables import said_decision, table
from studio.data.labels import Labels, Segment
from studio.data.project import Project, create, recordings
from studio.data.recording import save, write
from studio.data.stream import Stream
from studio.errors import DataError, InputError
from studio.firmware.native import Native
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.decide import even
from studio.graph.ops.statistics import Statistics
from studio.graph.ops.vector import Dense, Softmax
from studio.learn.candidate import Fit
from studio.learn.dataset import windows
from studio.progress import finish

STREAM = Stream("accelerometer", 50.0, ("x",), "g", "i16", 1 / 4096, "accelerometer")
LENGTH, STRIDE, CLASSES = 32, 16, ("idle", "knock")


def loudness(classes: tuple[str, ...] = CLASSES) -> Graph:
    """The second class where a window is loud: its deviation above 0.25 g."""
    weight = np.zeros((2, 10), np.float32)
    weight[1, 1] = 40.0
    nodes = (
        Node(Statistics(), (WINDOW,), "features"),
        Node(Dense(weight, np.array([0, -10], np.float32)), (0,), "logits"),
        Node(Softmax(), (1,), "scores"),
    )
    return Graph(("x",), 50.0, LENGTH, STRIDE, nodes, classes)


def knocking(project: Project, name: str, seed: int, **more: Any) -> None:
    """Half a minute with knocks of two seconds at 5, 15 and 25 s, and short clicks that are none."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 0.02, 1500)
    for at in (5, 15, 25):
        x[50 * at : 50 * at + 100] = rng.normal(0, 0.8, 100)
    for at in (2, 9, 12, 20, 22):
        x[50 * at : 50 * at + 6] = 1.5
    pieces = [(0, 5, "idle"), (5, 7, "knock"), (7, 15, "idle"), (15, 17, "knock"), (17, 25, "idle"), (25, 27, "knock")]
    track = Labels(tuple(Segment(*p) for p in [*pieces, (27, 30, "idle")]))
    found = write(project.recordings_path / name, [(STREAM, np.round(x * 4096).astype("<i2")[:, None])])
    save(replace(found, labels={"labels": track}, **more))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two recordings, the second for the test, and a model with evidence from the first."""
    made = create(tmp_path / "p")
    knocking(made, "a", 0)
    knocking(made, "b", 1, split="test")
    model = Model("loud-1", "loud", loudness(), STREAM, lock={"windows": "slide"})
    models.save(made, model)
    native = Native(model.graph, STREAM)
    keep(laid(model, [track_of(native, model, recordings(made)[0])]), made, model.id)
    return made


def test_the_curve_is_shown_and_nothing_is_changed(project: Project) -> None:
    found = finish(decide(project.path))
    assert not found["changed"] and found["decision"] is None
    assert found["validation"]["false_alarms"] == 5 and found["validation"]["recall"] == 1.0
    rates = [p["false_alarms_per_hour"] for p in found["curve"]]
    assert rates and rates == sorted(rates)
    assert "each window alone" in said_decision(found) and "found" in said_decision(found)


def test_another_point_is_taken_without_training(project: Project) -> None:
    before = (project.path / "models" / "loud-1" / "weights.npz").read_bytes()
    found = finish(decide(project.path, "loud-1", alarms_per_hour=1.0))
    assert found["changed"] and found["validation"]["false_alarms"] == 0 and found["validation"]["recall"] == 1.0
    model = models.load(project)
    assert model.graph.decision is not None and model.graph.decision.as_dict() == found["decision"]
    assert (project.path / "models" / "loud-1" / "weights.npz").read_bytes() == before
    told = finish(evaluate(project.path))
    assert told["events"]["false_alarms"] == 0 and told["events"]["recall"] == 1.0
    assert told["events_alone"]["false_alarms"] == 5 and told["decision"] == found["decision"]
    assert finish(decide(project.path, off=True))["decision"] is None and models.load(project).graph.decision is None
    assert "events_alone" not in finish(evaluate(project.path))


def test_windows_are_judged_alone_whatever_is_remembered(project: Project) -> None:
    plain = finish(evaluate(project.path))
    finish(decide(project.path, settings=("average=4", "least=3", "on=0.9", "off=0.2", "quiet=2")))
    told = finish(evaluate(project.path))
    assert told["accuracy"] == plain["accuracy"] and told["confusion"] == plain["confusion"]
    assert told["events"] != plain["events"] and told["events"]["latency_s_p50"] > plain["events"]["latency_s_p50"]


def test_parameters_are_set_one_by_one(project: Project) -> None:
    found = finish(decide(project.path, settings=("mean=fading", "average=3", "on.knock=0.8", "off.knock=0.3")))
    assert found["decision"]["mean"] == "fading" and found["decision"]["average"] == 3
    assert found["decision"]["on"] == [0.0, 0.8] and found["decision"]["off"] == [0.0, 0.3]
    again = finish(decide(project.path, settings=("off=0.9",)))
    assert again["decision"]["on"] == [0.9, 0.9], "a class never ends above where it begins"


@pytest.mark.parametrize(
    ("setting", "words"),
    [("on.tap=0.5", "not one of the model"), ("loud=1", "is not known"), ("average=x", "invalid literal"),
     ("average=0", "It must lie in"), ("mean=odd", "Choose one of"), ("least.knock=2", "is not known")],
)  # fmt: skip
def test_a_bad_setting_changes_nothing(project: Project, setting: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        finish(decide(project.path, settings=("least=2", setting)))
    assert models.load(project).graph.decision is None


def test_without_evidence_there_is_no_curve_but_parameters_can_be_set(project: Project) -> None:
    (project.path / "models" / "loud-1" / FILE).unlink()
    with pytest.raises(DataError, match="not learned from"):
        finish(decide(project.path, alarms_per_hour=2.0))
    found = finish(decide(project.path, settings=("least=2",)))
    assert found["decision"]["least"] == 2 and found["validation"] is None and "No curve" in said_decision(found)


def test_only_what_a_fold_has_not_seen_is_judged_by(project: Project) -> None:
    """Of one recording that was learned from in part, only the rest; an event that touches it counts for nothing."""
    found, model = recordings(project), models.load(project)
    data = windows(found, STREAM.name, LENGTH, STRIDE, classes=CLASSES)
    own = data.start[data.recording == "a"]
    fit = Fit(model.graph, {"a": own[own >= 12 * 50]})
    tuned = finish(tune(model, (fit,), data, found, 0.0, 0))
    assert tuned.evidence is not None
    assert sorted(tuned.evidence.start_s.tolist()) == [15.0, 25.0]
    kept = tuned.evidence.times_s[tuned.evidence.kept]
    learned = own[own < 12 * 50].max() + LENGTH
    assert len(kept) and kept.min() * 50 - LENGTH >= learned
    assert finish(tune(model, (), data, found, 0.0, 0)).decision is None


def test_where_only_the_normal_was_recorded_misses_are_of_made_up_anomalies(tmp_path: Path) -> None:
    project, rng = create(tmp_path / "p"), np.random.default_rng(0)
    for name in "ab":
        x = np.round(rng.normal(0, 0.1, (1500, 1)) * 4096).astype("<i2")
        found = write(project.recordings_path / name, [(STREAM, x)])
        save(replace(found, labels={"labels": Labels((Segment(0, 30, "normal"),))}))
    data = windows(recordings(project), STREAM.name, LENGTH, STRIDE)
    model = Model("m", "m", loudness(("normal", "anomaly")), STREAM)
    fit = Fit(model.graph, {"b": data.start[data.recording == "b"]})
    tuned = finish(tune(model, (fit,), data, recordings(project), 0.0, 0))
    assert tuned.told["made_up"] and tuned.evidence is not None and len(tuned.evidence.label) > 3
    assert tuned.evidence.classes[tuned.evidence.background] == "normal"


def test_results_of_all_models_in_one_table(project: Project) -> None:
    confidence = {"mean": 0.91, "std": 0.02, "low": 0.88, "high": 0.95, "n_fits": 3, "n_groups": 5, "of": "people"}
    lock = {"confidence": confidence, "search": {"seconds": 90.0, "trials": 6}, "leak": {"random": 0.97, "group": 0.9}}
    test = {"accuracy": 0.905, "macro_f1": 0.9, "events": {"recall": 0.8, "false_alarms_per_hour": 2.5}}
    cost = {"flash_bytes": 12_345, "ram_bytes": 678, "instructions_per_inference": 9}
    models.save(project, Model("loud-2", "loud", even_graph(), STREAM, test, cost, lock))
    rows = results(project.path)["rows"]
    assert [r["model"] for r in rows] == ["loud-1", "loud-2"] and rows[0]["accuracy"] is None
    assert (rows[1]["mean"], rows[1]["std"], rows[1]["trials_per_minute"]) == (0.91, 0.02, 4.0)
    assert rows[1]["leak_gap"] == pytest.approx(0.07)
    lines = table(rows).splitlines()
    assert len(lines) == 3 and "12345" in lines[2] and "90.5%" in lines[2] and "+7.0%" in lines[2]
    assert len({line.rstrip().count("  ") >= 5 for line in lines}) == 1 and table([]) == "No model yet."


def even_graph() -> Graph:
    return replace(loudness(), decision=even(2, 4, 0.6, 0.4, 2, 1))


def test_a_model_card_and_its_files_tell_how_it_decides(project: Project) -> None:
    finish(decide(project.path, settings=("least=2", "on=0.6")))
    text = json.loads((project.path / "models" / "loud-1" / "graph.json").read_text())
    assert text["decision"]["values"]["least"] == 2
    from studio.app.card import card
    from studio.firmware.board import boards

    cost = {"flash_bytes": 1, "ram_bytes": 1, "stack_bytes": 1, "instructions_per_inference": 1, "latency_ms": 1.0,
            "source": "estimate"}  # fmt: skip
    assert "Decision along time: 60% on, down to 45%, 2 in a row" in card(
        models.load(project), boards()["cortex-m4f"], cost
    )
