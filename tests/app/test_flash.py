"""Flashing from a project: the board answers stored windows before the image is kept, and one command goes back."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.app import models
from studio.app.actions.build import build
from studio.app.actions.flash import flash, roll_back, self_test
from studio.app.cli import run
from studio.app.links import open_link
from studio.app.models import Model
from studio.data.labels import Labels, Segment
from studio.data.project import create
from studio.data.recording import Writer, save
from studio.data.stream import Chunk
from studio.data.talk import Talk
from studio.errors import FlashError
from studio.progress import finish
from tests.firmware.firmwares import ACCELEROMETER, graph, raw_windows


@pytest.fixture
def built(tmp_path: Path, own_home: Path) -> tuple[Path, dict[str, Any]]:
    """A project with a recording and two models, and what building them for this computer gave."""
    project = create(tmp_path / "project", "Gestures")
    writer = Writer(project.path / "recordings" / "one", (ACCELEROMETER,))
    rows = raw_windows(20).reshape(-1, 3)
    writer.append(Chunk(ACCELEROMETER, 0, rows))
    recording = writer.close()
    label = graph("forest").classes[0]
    save(replace(recording, labels={"labels": Labels((Segment(0.0, recording.duration_s, label),))}))
    for family in ("forest", "cnn"):
        models.save(project, Model(f"{family}-1", family, graph(family), ACCELEROMETER))
    return project.path, {f: finish(build(project.path, f"{f}-1", "host")) for f in ("forest", "cnn")}


def bin_of(result: dict[str, Any]) -> Path:
    return next(Path(f) for f in result["files"] if f.endswith(".bin"))


def test_an_image_is_tested_before_it_is_kept(built: tuple[Path, dict[str, Any]], capsys: Any) -> None:
    _, images = built
    first = finish(flash(bin_of(images["forest"]), "virtual:host"))
    assert first["tested"] and first["previous_kept"]
    second = finish(flash(bin_of(images["cnn"]), "virtual:host"))
    assert second["tested"] and second["build_hash"] == images["cnn"]["build_hash"]
    assert run(["rollback", "--to", "virtual:host", "--json"], lambda _: 0) == 0
    back = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert (back["build_hash"], back["was"]) == (first["build_hash"], second["build_hash"])
    with pytest.raises(FlashError, match="keeps no other image"):
        finish(roll_back("virtual:host"))


def test_an_image_that_answers_wrong_does_not_stay(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The image of another model under this model's name: it runs, says its hash, and answers differently."""
    _, images = built
    good = finish(flash(bin_of(images["forest"]), "virtual:host"))
    right, wrong = bin_of(images["forest"]), bin_of(images["cnn"])
    content = wrong.read_bytes()
    right.write_bytes(content)
    with pytest.raises(FlashError, match=r"(?s)fails its test.*The image before is back"):
        finish(flash(right, "virtual:host"))
    link = open_link("virtual:host")
    assert Talk(link).hello().build_hash == good["build_hash"]
    link.close()


def test_an_image_from_anywhere_has_no_test(built: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    image = bin_of(built[1]["forest"])
    alone = tmp_path / "alone.bin"
    alone.write_bytes(image.read_bytes())
    assert self_test(image) is not None and self_test(alone) is None
