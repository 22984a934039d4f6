"""`studio import` and `studio export` from the command line: what is printed, and the exit codes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.app.cli import run
from studio.data.labels import Labels, Segment
from studio.data.project import create, new_recording_path
from studio.data.recording import write
from studio.data.stream import Stream

ACC = Stream("acc", 104.7, ("x",), "g", "i16", 1 / 4096, "accelerometer")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = create(tmp_path / "p")
    track = Labels((Segment(0.0111, 0.5, "wave", 0.5), Segment(0.7, 0.7, "tap")))
    write(new_recording_path(made, "r"), [(ACC, np.arange(200, dtype="<i2")[:, None])], {"labels": track}, "7")
    return made.path


def no_window(_: Path | None) -> int:
    raise AssertionError("opened a window")


def verb(*words: Any) -> int:
    return run([str(w) for w in words], no_window)


def test_export_says_what_is_lost(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb("export", project, tmp_path / "out", "--format", "wav", "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["recordings"] == ["r-001"] and [Path(f).name for f in told["files"]] == ["r-001.wav"]
    report = {e["kind"]: e for e in told["report"]}
    assert {"rate", "scale", "unit", "confidence", "times", "subject"} <= set(report) and "points" not in report
    assert report["rate"]["text"].startswith("104.7 Hz is written as 105 Hz") and report["rate"]["where"] == "acc"
    assert set(report["times"]) == {"recording", "kind", "where", "count", "text"} and report["times"]["count"] == 2


def test_export_in_words(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb("export", project, tmp_path / "out", "--format", "srt", "--recordings", "r-001") == 0
    said = capsys.readouterr().out
    assert "points (labels), 1 in 1 recordings: Events without length" in said
    assert verb("export", project, tmp_path / "out2", "--format", "hdf5") == 0
    assert "Nothing is lost." in capsys.readouterr().out


def test_labels_come_back(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb("export", project, tmp_path / "out", "--format", "praat")
    capsys.readouterr()
    assert verb("import", project, tmp_path / "out" / "r-001.TextGrid") == 0
    assert "Labels added to r-001" in capsys.readouterr().out
    assert verb("import", project, tmp_path / "out" / "r-001.TextGrid", "--into", "nobody") == 2
    assert "names no recording" in capsys.readouterr().err


def test_a_rate_that_no_file_says(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb("export", project, tmp_path / "out", "--format", "npy")
    assert verb("import", project, tmp_path / "out" / "r-001.npy") == 2
    assert "Give the rate" in capsys.readouterr().err
    assert verb("import", project, tmp_path / "out" / "r-001.npy", "--rate", "104.7", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["recordings"] == ["r-001-001"]


def test_a_format_that_is_none(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verb("export", project, tmp_path / "out", "--format", "docx") == 2
    assert "Choose one of csv" in capsys.readouterr().err and not (tmp_path / "out").exists()
