"""Somebody else's network in a project: found, named, rendered; and the benchmark that shows what it costs."""

import json
from pathlib import Path

import numpy as np
import pytest

from studio.app import models
from studio.app.actions.bench_engine import inputs, model_files
from studio.app.actions.import_model import import_model
from studio.app.cli import run
from studio.data.project import create, open_project
from studio.errors import GraphError, InputError
from studio.firmware.native import Native
from studio.progress import finish
from tests.graph.importing.test_broken_files import SMALL
from tests.graph.importing.write_tflite import File


def test_a_model_comes_in_and_runs_as_generated_c(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    create(tmp_path / "p", "p")
    (tmp_path / "small.tflite").write_bytes(SMALL)
    assert run(["import-model", str(tmp_path / "p"), str(tmp_path / "small.tflite"), "--json"], lambda _: 0) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["model"] == "imported-1" and said["window"] == [6, 15] and said["classes"] == ["0", "1"]
    model = models.load(open_project(tmp_path / "p"), "imported-1")
    x = inputs(model.graph)
    scores = model.graph.scores(x)
    assert Native(model.graph, model.stream).scores(x).tobytes() == scores.tobytes()
    np.testing.assert_allclose(scores.sum(1), 1, atol=0.02)


def test_a_model_that_cannot_be_leaves_nothing_behind(tmp_path: Path) -> None:
    create(tmp_path / "p", "p")
    f = File()
    x, y = f.tensor((1, 4), "int8", 0.1, 0), f.tensor((1, 4), "int8", 0.1, 0)
    f.layer("COS", [x], [y])
    (tmp_path / "cos.tflite").write_bytes(f.bytes([x], [y]))
    with pytest.raises(GraphError, match="COS"):
        finish(import_model(tmp_path / "p", tmp_path / "cos.tflite"))
    assert models.ids(open_project(tmp_path / "p")) == []


def test_the_benchmark_says_where_models_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORSMITH_MODELS", str(tmp_path))
    with pytest.raises(InputError, match="SENSORSMITH_MODELS"):
        model_files()
