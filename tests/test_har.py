"""Real people, real sessions: import, train under a chip's limits, evaluate in C, flash, replay through the board."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.app import models
from studio.app.actions.build import build
from studio.app.actions.evaluate import evaluate
from studio.app.actions.flash import flash
from studio.app.actions.import_ import import_files
from studio.app.actions.train import TrainSettings, train
from studio.app.links import open_link
from studio.data.project import create, open_project, recordings
from studio.data.talk import Talk
from studio.firmware.verify import replay
from studio.progress import finish
from tests import har

pytestmark = pytest.mark.slow
BOARD = "virtual:cortex-m4f?speed=0"


@pytest.fixture(scope="module")
def project(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("har")
    create(folder / "project", "HAR")
    finish(import_files(folder / "project", (har.dataset(shared, folder / "set"),)))
    return folder / "project"


@pytest.fixture(scope="module")
def trained(project: Path) -> dict[str, Any]:
    limits = {"board": "cortex-m4f", "max_ram_kb": 64.0, "max_flash_kb": 256.0}
    settings = TrainSettings(**limits, families=("forest",), trials=1, window_s=2.56, stride_s=1.28)
    return finish(train(project, settings))


def test_import_keeps_people_and_parts(project: Path) -> None:
    found = recordings(open_project(project))
    assert len(found) == 61
    assert {r.subject for r in found if r.split == "test"} == {str(u) for u in har.TEST_USERS}
    assert {s.label for r in found for s in r.labels["labels"].segments} == {
        "WALKING",
        "WALKING_UPSTAIRS",
        "WALKING_DOWNSTAIRS",
        "SITTING",
        "STANDING",
        "LAYING",
    }


def test_fits_the_chip_and_knows_new_people(project: Path, trained: dict[str, Any]) -> None:
    assert trained["groups_disjoint"] is True
    assert trained["cost"]["flash_bytes"] <= 256 * 1024 and trained["cost"]["ram_bytes"] <= 64 * 1024
    assert trained["cost"]["source"] == "elf+emulator"
    again = finish(evaluate(project, trained["model"]))
    assert again == trained["test"] and again["computed_by"] == "c"
    assert again["n_windows"] == 2996
    assert again["accuracy"] >= 0.93


@pytest.mark.usefixtures("own_home")
def test_board_decides_as_the_host(project: Path, trained: dict[str, Any]) -> None:
    built = finish(build(project, trained["model"], "cortex-m4f"))
    image = next(Path(f) for f in built["files"] if f.endswith(".bin"))
    finish(flash(image, BOARD))
    opened = open_project(project)
    model = models.load(opened, trained["model"])
    sessions = [r for r in recordings(opened) if r.split == "test"][:2]
    raw = np.concatenate([r.raw(model.stream.name) for r in sessions])
    link = open_link(BOARD)
    try:
        scores, decisions = finish(replay(Talk(link), model.graph, raw))
    finally:
        link.close()
    expected = model.graph.scores(model.graph.windows(model.stream.to_unit(raw)))
    assert len(decisions) == len(expected) > 400
    assert np.array_equal(scores.view(np.uint32), expected.view(np.uint32))
    assert np.array_equal(decisions, model.graph.decide(expected))
