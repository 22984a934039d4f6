"""Labels that are probably wrong, in the check and in the queue."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.app.actions.check import check
from studio.app.actions.import_ import import_files
from studio.app.suspects import suspects
from studio.data import recording as files
from studio.data.labels import Labels
from studio.data.project import create, open_project, recordings
from studio.progress import finish
from tests import har
from tests.app.proposing import people, relabelled


def test_planted_errors_are_in_the_check(tmp_path: Path) -> None:
    project = people(tmp_path)
    first, third = (recordings(project)[i] for i in (0, 2))
    spans = first.labels["labels"].segments
    i = max(range(len(spans)), key=lambda k: (spans[k].label != "idle") * (spans[k].stop_s - spans[k].start_s))
    relabelled(first, {i: "idle"})
    told = finish(check(project.path, labels=True))
    planted = [
        x for x in told["suspect_labels"] if x["recording"] == first.id and x["start_s"] == round(spans[i].start_s, 6)
    ]
    assert planted and planted[0]["label"] == "idle" and planted[0]["suggested"] == spans[i].label
    assert set(planted[0]) == {"recording", "start_s", "stop_s", "label", "suggested", "confidence"}
    assert 0 < planted[0]["confidence"] <= 1 and told["labels_unchecked"] == ""
    assert len(told["suspect_labels"]) <= 0.2 * sum(len(r.labels["labels"]) for r in recordings(project))
    assert third.id in {r["id"] for r in told["recordings"]}


def test_the_quick_check_says_that_it_did_not_look(tmp_path: Path) -> None:
    project = people(tmp_path, n=1, seconds=20.0)
    told = finish(check(project.path))
    assert told["suspect_labels"] == [] and told["labels_unchecked"]


def test_a_project_without_labels_is_checked_all_the_same(tmp_path: Path) -> None:
    project = create(tmp_path / "empty", "Empty")
    told = finish(check(project.path, labels=True))
    assert told["suspect_labels"] == [] and "no labels" in told["labels_unchecked"]


def test_machine_tracks_are_no_labelled_time(tmp_path: Path) -> None:
    project = people(tmp_path, n=1, seconds=20.0)
    r = recordings(project)[0]
    before = finish(check(project.path))["classes"]
    files.save(replace(r, labels=r.labels | {"proposed:energy": Labels(r.labels["labels"].segments)}))
    assert finish(check(project.path))["classes"] == before


@pytest.mark.slow
def test_five_percent_wrong_labels_of_real_people(shared: Path, tmp_path: Path) -> None:
    """Of the labels of 30 people's activities, 5 % are changed to another class drawn at random."""
    create(tmp_path / "project", "HAR")
    finish(import_files(tmp_path / "project", (har.dataset(shared, tmp_path / "set"),)))
    project = open_project(tmp_path / "project")
    found = recordings(project)
    every = [(r.id, i) for r in found for i in range(len(r.labels["labels"]))]
    names = sorted({s.label for r in found for s in r.labels["labels"].segments})
    rng = np.random.default_rng(4)
    planted = {every[k] for k in rng.permutation(len(every))[: round(0.05 * len(every))]}
    for r in found:
        spans = r.labels["labels"].segments
        others = {i: [n for n in names if n != s.label] for i, s in enumerate(spans) if (r.id, i) in planted}
        relabelled(r, {i: str(rng.choice(choices)) for i, choices in others.items()})
    told = finish(suspects(project.path))
    starts = {(r.id, round(s.start_s, 6)): (r.id, i) for r in found for i, s in enumerate(r.labels["labels"].segments)}
    queue = [starts[x["recording"], x["start_s"]] for x in told["labels"]]
    first = set(queue[: int(0.15 * len(every))])
    share = len(planted & first) / len(planted)
    flagged = {starts[x["recording"], x["start_s"]] for x in told["labels"] if x["flagged"]}
    print(f"{len(every)} labels, {len(planted)} wrong: {share:.1%} in the first 15 %, ", end="")
    print(f"{len(planted & set(queue[: len(planted)])) / len(planted):.1%} in the first 5 %; ", end="")
    print(f"flagged {len(flagged)}, of them wrong {len(flagged & planted)}; unjudged {told['unjudged']}")
    assert told["by"] == "subject" and len(every) > 800
    assert share >= 0.9
