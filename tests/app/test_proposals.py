"""Proposals as tracks on disk, from the command line and for the window; predictions are those of the board's C."""

import json
from dataclasses import replace

import numpy as np
import pytest

from studio.app import proposals
from studio.app.cli import run
from studio.app.models import Model
from studio.data import recording as files
from studio.data.agreement import agreement
from studio.data.labels import Labels, Segment
from studio.data.project import Project, open_project, recordings
from studio.errors import InputError
from studio.graph.ops.filter import Biquad
from studio.learn.propose.alike import Alike
from studio.learn.propose.judge import meet
from studio.learn.propose.map import MapSettings
from studio.progress import finish
from tests.app.proposing import people, with_model


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return people(tmp_path_factory.mktemp("proposals"))


@pytest.fixture(scope="module")
def model(project: Project) -> Model:
    return with_model(project)


def cli(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    code = run([str(a) for a in argv], lambda path: 0)
    out, err = capsys.readouterr()
    return code, out, err


def test_propose_writes_a_track_beside_the_labels(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    before = recordings(project)
    code, out, err = cli(capsys, "propose", project.path, "--method", "energy", "--recording", "person-002", "--json")
    assert code == 0, err
    told = json.loads(out.splitlines()[-1])
    assert told["track"] == "proposed:energy" and [r["id"] for r in told["recordings"]] == ["person-002"]
    after = {r.id: r for r in recordings(open_project(project.path))}
    track = after["person-002"].labels["proposed:energy"]
    assert len(track) == told["recordings"][0]["n"] > 3
    assert all(after[r.id].labels["labels"] == r.labels["labels"] for r in before)
    assert "proposed:energy" not in after["person-001"].labels


def test_learned_from_labels_proposals_are_better(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    argv = ("propose", project.path, "--method", "energy", "--set", "adapt_s=30", "--json")
    plain = json.loads(cli(capsys, *argv)[1].splitlines()[-1])
    learned = json.loads(cli(capsys, *argv, "--learn")[1].splitlines()[-1])
    assert plain["learned"] is None and plain["params"]["adapt_s"] == learned["params"]["adapt_s"] == 30.0
    assert learned["learned"]["true"] == sum(len(r.labels["labels"]) for r in recordings(project))
    assert [r["id"] for r in learned["recordings"]] == [r.id for r in recordings(project)]


@pytest.mark.parametrize(
    ("argv", "seen"),
    [
        (("--method", "magic"), "Choose one of energy, changes, threshold"),
        (("--recording", "nobody"), "Choose one of person-001"),
        (("--set", "loud=1"), "is none of 'energy'"),
        (("--set", "on_level=much"), "cannot be 'much'"),
        (("--set", "on_level=3"), "must lie in"),
        (("--stream", "gyro"), "no stream 'gyro'"),
        (("--method", "model", "--model", "none-7"), "'none-7'"),
    ],
)
def test_wrong_requests_say_the_next_step(
    project: Project, model: Model, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], seen: str
) -> None:
    code, _, err = cli(capsys, "propose", project.path, *argv)
    assert code == 2 and seen in err


def test_a_model_answers_as_the_evaluation_does(project: Project, model: Model) -> None:
    last = recordings(project)[-1]
    name, track = finish(proposals.predict(project.path, "", last.id))
    assert name == "predicted:forest-1"
    graph = model.graph
    x = graph.windows(last.values("acc"))
    decided = graph.decide(graph.scores(x))
    for i, d in enumerate(decided.tolist()):
        middle = (i * graph.stride + graph.length / 2 + 0.01) / 50.0
        assert track.covering(middle, middle) == graph.classes[d]
    assert agreement(last.labels["labels"], track, last.duration_s).share > 0.5
    assert all(0 <= s.score <= 1 for s in track.segments)
    track.check(last.duration_s)


def test_blocks_and_filters_do_not_show(project: Project, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    filtered = replace(model.graph, stream_ops=(Biquad(cutoff_hz=5.0, rate_hz=50.0),))
    one = replace(model, graph=filtered)
    last = recordings(project)[-1]
    whole = np.concatenate([x for x, _ in proposals._windows(one, last)])
    assert np.array_equal(whole, filtered.windows(last.values("acc")))
    monkeypatch.setattr(proposals, "AT_ONCE", 3)
    pieces = np.concatenate([x for x, _ in proposals._windows(one, last)])
    assert np.array_equal(pieces, whole)


def test_a_model_says_nothing_where_samples_are_missing(project: Project, model: Model) -> None:
    last = recordings(project)[-1]
    holed = replace(last, gaps={"acc": ((1000, 100),)})
    track = finish(proposals.answers(model, holed))
    inside = [s for s in track.segments if s.stop_s > 20.0 and s.start_s < 22.0]
    assert track.covering(20.5, 20.5) is None and track.covering(21.5, 21.5) is None, inside


def test_margin_and_entropy() -> None:
    scores = np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3], [0.5, 0.5, 0]], np.float32)
    assert proposals.sure(scores, "margin") == pytest.approx([1, 0, 0], abs=1e-6)
    assert proposals.sure(scores, "entropy") == pytest.approx([1, 0, 1 - np.log(2) / np.log(3)], abs=1e-5)


def test_alike_finds_the_same_movement_again(project: Project) -> None:
    first = recordings(project)[0]
    waves = [s for s in first.labels["labels"].segments if s.label == "wave"]
    example = Segment(waves[0].start_s + 0.5, waves[0].start_s + 1.7, "wave")
    how = Alike(way="features", least=0.5)
    likeness = finish(proposals.alike(project.path, first.id, "acc", how, [example]))
    found = how.pick(likeness, "wave")
    truth = first.labels["labels"]
    right = [truth.covering(*([(s.start_s + s.stop_s) / 2] * 2)) == "wave" for s in found.segments]
    assert len(found) >= 3 and np.mean(right) > 0.8


def test_the_map_parts_what_was_labelled(project: Project) -> None:
    first = recordings(project)[0]
    made = finish(proposals.draw_map(project.path, first.id, "acc", MapSettings(way="LDA")))
    assert len(made.points) == len(made.start_s) == len(made.group) > 100 and made.length_s == 1.0
    track = first.labels["labels"]
    said = np.array([track.covering(t + 0.5, t + 0.5) or "" for t in made.start_s])
    middles = {name: made.points[said == name].mean(axis=0) for name in set(said.tolist()) - {""}}
    nearest = [min(middles, key=lambda n: float(np.linalg.norm(middles[n] - p))) for p in made.points]
    assert np.mean([n == s for n, s in zip(nearest, said, strict=True) if s]) > 0.6


def test_a_curve_is_measured_once_and_picked_live(project: Project) -> None:
    method = proposals.method_named("energy")()
    curve = finish(proposals.measure(project.path, "person-001", "acc", method))
    tracks = [replace(method, on_level=on).pick(curve) for on in (0.3, 0.6, 0.9)]  # type: ignore[type-var]
    assert len({len(t) for t in tracks}) > 1 and meet(tracks[1], tracks[1]).f1 == 1.0


def test_a_recording_that_is_gone(project: Project) -> None:
    with pytest.raises(InputError, match="is not in"):
        proposals.recording_named(project, "")


def test_a_track_of_labels_made_meanwhile_stays(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    first = recordings(project)[0]
    files.save(replace(first, labels=first.labels | {"labels:ann": Labels((Segment(1, 2, "wave"),))}))
    assert cli(capsys, "propose", project.path, "--recording", first.id)[0] == 0
    assert len(recordings(project)[0].labels["labels:ann"]) == 1
