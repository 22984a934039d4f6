"""The verb `train` on small projects: what it keeps, what it tells, and what it does with data that is bad."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.app import models
from studio.app.actions import train as module
from studio.app.actions.cutting import unusable
from studio.app.actions.deciding import evidence_of
from studio.app.actions.evaluate import evaluate
from studio.app.actions.train import TrainSettings, stop_file, train
from studio.data.certificate import certificate
from studio.data.labels import Labels, Segment
from studio.data.project import Project, create
from studio.data.recording import load, save, write
from studio.data.stream import Array, Stream
from studio.errors import DataError, InputError, StudioError
from studio.learn.cost import estimate
from studio.progress import Progress, finish
from tests.learn.toys import STREAM, motion, toy

SETTINGS = TrainSettings(families=("forest", "linear_svm"), trials=3, folds=2, finalists=2, window_s=1.28)


@pytest.fixture(autouse=True)
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is compiled here: the weight of an image is tested where images are."""

    def weigh(project: Project, model: models.Model, board: Any) -> Any:
        yield Progress(0)
        return estimate(model.graph, board.clock_hz, board.fpu).as_dict()

    monkeypatch.setattr(module, "weigh", weigh)


def recorded(
    project: Project, name: str, samples: Array, pieces: list[tuple[float, float, str]], subject: str = "", **more: Any
) -> None:
    """One recording with labels, on disk."""
    stream = more.pop("stream", STREAM)
    recording = write(project.recordings_path / name, [(stream, samples)], subject=subject)
    labels = {"labels": Labels(tuple(Segment(*p) for p in pieces))}
    save(replace(recording, labels=labels, **more))


def people(tmp_path: Path, n: int = 4, seconds: float = 12.0) -> Project:
    """A project with rest, swing and shake of n people."""
    project, rng = create(tmp_path / "p"), np.random.default_rng(0)
    for person in range(n):
        each = round(seconds * STREAM.rate_hz)
        parts = [motion(name, each, rng) for name in ("rest", "swing", "shake")]
        pieces = [(i * seconds, (i + 1) * seconds, name) for i, name in enumerate(("rest", "swing", "shake"))]
        recorded(project, f"r{person}", np.concatenate(parts), pieces, f"p{person}")
    return project


def test_the_result_says_why_how_sure_and_how_often_the_test_was_seen(tmp_path: Path) -> None:
    project = people(tmp_path)
    first = finish(train(project.path, SETTINGS))
    assert first["test"]["accuracy"] > 0.9 and first["groups_disjoint"] and first["split_by"] == "subject"
    assert first["why"].endswith(".") and first["confidence"]["of"] == "people" and first["warnings"] == []
    assert first["leak"]["probe"] == "forest" and -0.2 < first["leak"]["gap"] < 0.2
    assert first["test_looks"] == 1 and first["trials"] == 3 and first["trials_per_minute"] > 0
    steps: list[str] = []
    again = finish(train(project.path, SETTINGS), lambda p: steps.append(p.text))
    assert again["test_looks"] == 2 and again["family"] == first["family"]
    assert [r["score"] for r in again["front"]] == [r["score"] for r in first["front"]]
    told = finish(evaluate(project.path))
    assert told["accuracy"] == again["test"]["accuracy"]
    assert finish(train(project.path, SETTINGS))["test_looks"] == 4, "evaluate looked too"
    assert told["by_group"]["of"] == "subject" and set(told["by_group"]["groups"]) < {"p0", "p1", "p2", "p3"}
    assert told["ranking"]["macro_auc"] > 0.9 and told["segments"]["n"] == 3 * len(told["by_group"]["groups"])
    assert len(told["wrong"]["rows"]) == round((1 - told["accuracy"]) * told["n_windows"])
    lock = models.load(project).lock
    assert lock["why"].endswith(".") and lock["alarm_curve"] and set(lock["smoothing"]) >= {"average", "on", "least"}
    assert told["events"]["recall"] > 0.5 and told["events"]["hours"] > 0
    tuned_on = {t.partition("misses: ")[2] for t in steps if "misses: " in t}
    assert len(tuned_on) == 2 and not tuned_on & set(lock["test_recordings"]), "decisions are never tuned on the test"
    assert evidence_of(project, again["model"]) is not None and lock["search"]["trials"] == 3


def test_a_search_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    project = people(tmp_path)
    work = train(project.path, SETTINGS)
    while next(work).data.get("tried", 0) < 2:
        pass
    work.close()
    steps: list[str] = []
    found = finish(train(project.path, replace(SETTINGS, resume=True)), lambda p: steps.append(p.text))
    assert found["trials"] == 3 and not any(t.startswith("forest-1: 4 of") for t in steps)
    assert models.ids(project) == [found["model"]]


def test_told_to_stop_it_keeps_the_best_so_far(tmp_path: Path) -> None:
    project = people(tmp_path)

    def watch(p: Progress) -> None:
        if p.data.get("tried", 0) >= 1:
            stop_file(project.path).touch()

    found = finish(train(project.path, replace(SETTINGS, trials=500)), watch)
    assert found["trials"] < 20 and found["test"]["accuracy"] > 0.8


def test_silence_to_the_last_bit_is_a_fault_in_a_sensor_and_none_in_sound(tmp_path: Path) -> None:
    project = create(tmp_path / "p")
    loud = np.random.default_rng(0).integers(-9000, 9000, (16000, 1)).astype("<i2")
    loud[4000:12000] = 0
    for name, kind, hz in (("mic", "microphone", 8000.0), ("acc", "accelerometer", 8000.0 / 100)):
        stream = Stream(name, hz, ("x",), dtype="i16", scale=1e-3, kind=kind)
        recorded(project, name, loud, [(0, 2, "rain")], stream=stream)
        seen = certificate(load(project.recordings_path / name), name)
        assert seen.bad and bool(unusable(seen)) == (kind != "microphone")


def test_a_copy_under_another_name_is_told_and_left_out(tmp_path: Path) -> None:
    project = people(tmp_path)
    one = load(project.recordings_path / "r0")
    pieces = [(s.start_s, s.stop_s, s.label) for s in one.labels["labels"].segments]
    recorded(project, "copy", np.asarray(one.raw(STREAM.name)), pieces, "p9")
    found = finish(train(project.path, SETTINGS))
    assert any("copy and r0" in w or "r0 and copy" in w for w in found["warnings"])


def test_the_only_possible_split_leaks_and_it_says_so(tmp_path: Path) -> None:
    found = finish(train(people(tmp_path, 1).path, SETTINGS))
    assert not found["groups_disjoint"] and found["leak"] is None
    assert "only possible split" in found["warnings"][0]


def test_a_marked_split_with_the_same_people_on_both_sides_is_told(tmp_path: Path) -> None:
    project, rng = create(tmp_path / "p"), np.random.default_rng(0)
    for i, side in enumerate(("train", "test", "train", "test")):
        samples = np.concatenate([motion(name, 600, rng) for name in ("rest", "shake")])
        recorded(project, f"r{i}", samples, [(0, 12, "rest"), (12, 24, "shake")], f"p{i // 2}", split=side)
    found = finish(train(project.path, SETTINGS))
    assert found["split_by"] == "given" and found["warnings"][0].startswith("The split as marked has the same people")


def test_fixed_knobs_reach_the_search(tmp_path: Path) -> None:
    project = people(tmp_path)
    found = finish(train(project.path, replace(SETTINGS, families=("forest",), fixed=("trees=3", "bands=0"))))
    assert found["family"] == "forest"
    op = next(n.op for n in models.load(project).graph.nodes if n.name == "logits")
    assert len(op.crown) == 3
    with pytest.raises(InputError, match="Knob 'colour'"):
        finish(train(project.path, replace(SETTINGS, fixed=("colour=red",))))


def test_short_events_are_trained_and_tested_in_whole_windows(tmp_path: Path) -> None:
    project, rng = create(tmp_path / "p"), np.random.default_rng(0)
    for i in range(24):
        samples = motion("rest", 60, rng)
        samples[20:40] += motion(("swing", "shake")[i % 2], 20, rng)
        recorded(project, f"r{i:02}", samples, [(0.4, 0.8, ("swing", "shake")[i % 2])])
    found = finish(train(project.path, replace(SETTINGS, window_s=0.0)))
    assert found["test"]["n_windows"] >= 4 and found["test"]["accuracy"] >= 0.8
    model = models.load(project)
    assert model.lock["windows"] == "events" and model.graph.length == 20
    assert found["test"]["events"]["recall"] is not None
    assert "name no people" in found["warnings"][0]


def test_a_limit_beyond_the_board_is_the_board_s(tmp_path: Path) -> None:
    board, data = module.board_of("cortex-m4f"), toy(2)
    wide = module.limits_of(board, replace(SETTINGS, max_ram_kb=9999.0, max_flash_kb=9999.0), data)
    assert (wide.ram_bytes, wide.flash_bytes) == (board.ram_bytes, board.app_bytes)
    tight = module.limits_of(board, replace(SETTINGS, max_ram_kb=20.0, max_flash_kb=30.0), data)
    assert (tight.ram_bytes, tight.flash_bytes) == (20 * 1024, 30 * 1024)


# --- data that is bad -----------------------------------------------------------------------


Bad = Callable[[Project], None]


def one_class(project: Project) -> None:
    for i in range(3):
        recorded(project, f"r{i}", motion("swing", 900, np.random.default_rng(i)), [(0, 18, "swing")])


def two_windows(project: Project) -> None:
    for i, name in enumerate(("swing", "shake")):
        recorded(project, f"r{i}", motion(name, 64, np.random.default_rng(i)), [(0, 1.28, name)])


def nothing_but_gaps(project: Project) -> None:
    recorded(
        project, "r0", np.full((900, 3), np.nan, np.float32), [(0, 9, "a"), (9, 18, "b")],
        stream=replace(STREAM, dtype="f32", scale=1.0),
    )  # fmt: skip


def mixed_rates(project: Project) -> None:
    for i, rate in enumerate((50.0, 100.0)):
        stream = replace(STREAM, rate_hz=rate)
        recorded(project, f"r{i}", motion("swing", 900, np.random.default_rng(i), stream), [(0, 4, "a")], stream=stream)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (one_class, "only one class"),
        (two_windows, "1 window of 1.28 s|lie too close|at least"),
        (nothing_but_gaps, "no labelled stretch"),
        (mixed_rates, "rate_hz 100.0 and not 50.0"),
    ],
)
def test_bad_data_is_refused_in_three_parts(tmp_path: Path, bad: Bad, message: str) -> None:
    project = create(tmp_path / "p")
    bad(project)
    with pytest.raises(StudioError, match=message) as told:
        finish(train(project.path, SETTINGS))
    assert told.value.next_step and models.ids(project) == []


def test_a_class_in_a_single_recording_is_split_by_time_and_told(tmp_path: Path) -> None:
    project = people(tmp_path, 3)
    for name in ("r1", "r2"):
        one = load(project.recordings_path / name)
        save(replace(one, labels={"labels": Labels(one.labels["labels"].segments[:2])}))
    found = finish(train(project.path, SETTINGS))
    assert found["test"]["per_class"]["shake"]["support"] == 0 or not found["groups_disjoint"]
    assert found["test"]["accuracy"] > 0.8


def test_a_constant_channel_and_holes_do_no_harm(tmp_path: Path) -> None:
    project, rng = create(tmp_path / "p"), np.random.default_rng(0)
    stream = Stream("accelerometer", 50.0, ("x", "y", "z"), "g", "f32", 1.0)
    for person in range(4):
        parts = [motion(name, 600, rng) * 1e-3 for name in ("rest", "swing", "shake")]
        samples = np.concatenate(parts).astype(np.float32)
        samples[:, 1] = 0.25
        samples[rng.integers(0, 1800, 6)] = np.nan
        recorded(
            project, f"r{person}", samples, [(0, 12, "rest"), (12, 24, "swing"), (24, 36, "shake")], f"p{person}",
            stream=stream,
        )  # fmt: skip
    found = finish(
        train(project.path, replace(SETTINGS, families=("forest", "linear_svm", "cnn"), fixed=("epochs=3",)))
    )
    assert found["test"]["accuracy"] > 0.8 and np.isfinite(found["test"]["ranking"]["macro_auc"])


def test_more_windows_than_memory_holds_are_refused_before_they_are_cut(tmp_path: Path, monkeypatch) -> None:
    from studio.learn import dataset

    project = people(tmp_path)
    monkeypatch.setattr(dataset, "MAX_BYTES", 20_000)
    with pytest.raises(DataError, match="Choose a greater stride"):
        finish(train(project.path, SETTINGS))


@pytest.mark.parametrize("family", ["gru", "tcn"])
def test_a_streaming_model_looks_at_new_samples_alone_and_is_judged_along_time(family: str, tmp_path: Path) -> None:
    longer = ("epochs=20", "least_steps=600", "rate=0.006", "gru.units=12")
    knobs = ("augment=0.3", *(longer if family == "gru" else ("epochs=6", "rate=0.01")))
    settings = replace(SETTINGS, families=(family,), trials=1, finalists=0, streaming=True, fixed=knobs)
    project = people(tmp_path)
    found = finish(train(project.path, settings))
    graph = models.load(project, found["model"]).graph
    assert graph.carries and graph.length <= graph.stride + 4
    assert found["test"]["accuracy"] > 0.8
    again = finish(evaluate(project.path, found["model"]))
    assert again["accuracy"] == pytest.approx(found["test"]["accuracy"], abs=0.1)  # cut on another grid


def test_what_looks_at_whole_windows_does_not_stream(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'forest': looks at whole windows.* gru"):
        finish(train(people(tmp_path, 2, 6.0).path, replace(SETTINGS, families=("forest",), streaming=True)))
