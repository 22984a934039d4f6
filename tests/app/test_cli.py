"""The command line: results as JSON, exit codes, and three-part messages for whatever is wrong."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.app.actions.train import TrainSettings
from studio.app.arguments import parser
from studio.app.cli import run
from studio.data import recording as files
from studio.data.labels import Labels, Segment
from studio.data.stream import Stream

ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")


class Shell:
    """Runs verbs and keeps what they print."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.windows: list[Path | None] = []
        self.error = ""

    def __call__(self, *argv: object) -> int:
        code = run([str(a) for a in argv], self._window)
        out, self.error = self._capsys.readouterr()
        self.lines = out.strip().splitlines()
        return code

    def json(self, *argv: object) -> Any:
        assert self(*argv, "--json") == 0, self.error
        return json.loads(self.lines[-1])

    def _window(self, project: Path | None) -> int:
        self.windows.append(project)
        return 0


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(capsys)


@pytest.fixture
def project(shell: Shell, tmp_path: Path) -> Path:
    assert shell("new", tmp_path / "p") == 0
    return tmp_path / "p"


def test_new_makes_a_project_once(shell: Shell, tmp_path: Path) -> None:
    assert shell.json("new", tmp_path / "p")["name"] == "p"
    assert shell("new", tmp_path / "p") == 2
    assert str(tmp_path / "p") in shell.error


def test_import_and_check(shell: Shell, project: Path, tmp_path: Path) -> None:
    rows = ["x,y,z", *(f"{i % 7},{i % 5},0" for i in range(600))]
    (tmp_path / "a.csv").write_text("\n".join(["time," + rows[0], *(f"{i / 50},{r}" for i, r in enumerate(rows[1:]))]))
    (tmp_path / "a.labels.csv").write_text("start_s,stop_s,label\n1,5,walk\n6,11,run\n")
    argv = ("import", project, tmp_path / "a.csv", "--labels", tmp_path / "a.labels.csv", "--subject", "3")
    (id,) = shell.json(*argv)["recordings"]
    found = files.load(project / "recordings" / id)
    assert found.subject == "3" and [s.label for s in found.labels["labels"].segments] == ["walk", "run"]
    report = shell.json("check", project)
    assert {f["kind"] for f in report["recordings"][0]["findings"]} == {"dead"}
    assert report["classes"] == {"run": 5.0, "walk": 4.0}


def test_broken_row_names_its_line_and_imports_nothing(shell: Shell, project: Path, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("time,x\n0,1\n0.01,2\n0.02,oops\n0.03,4\n")
    assert shell("import", project, tmp_path / "b.csv") == 2
    assert "b.csv" in shell.error and "4" in shell.error and "oops" in shell.error
    assert list((project / "recordings").glob("*")) == []


def test_label_past_the_end_is_refused(shell: Shell, project: Path, tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("time,x\n" + "".join(f"{i / 100},{i}\n" for i in range(200)))
    (tmp_path / "c.labels.csv").write_text("start_s,stop_s,label\n1,9,late\n")
    assert shell("import", project, tmp_path / "c.csv", "--labels", tmp_path / "c.labels.csv") == 2
    assert "late" in shell.error
    assert list((project / "recordings").glob("*")) == []


def test_project_of_a_newer_version_is_left_alone(shell: Shell, project: Path) -> None:
    text = json.loads((project / "project.json").read_text())
    (project / "project.json").write_text(json.dumps(text | {"format": 999}))
    before = (project / "project.json").read_bytes()
    assert shell("check", project) == 2
    assert "999" in shell.error and "Update" in shell.error
    assert (project / "project.json").read_bytes() == before


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("record", "P", "--from", "/dev/tty-not-there"), 1, "/dev/tty-not-there"),
        (("record", "P", "--from", "socket://127.0.0.1:9"), 1, "127.0.0.1:9"),
        (("record", "P", "--from", "carrier-pigeon:home"), 2, "carrier-pigeon"),
        (("record", "P", "--from", "virtual:no-such-board"), 2, "no-such-board"),
        (("train", "P"), 2, "no labels"),
        (("train", "P", "--board", "abacus"), 2, "abacus"),
        (("evaluate", "P"), 2, "no model"),
        (("build", "P", "x", "--board", "host"), 2, "no model"),
        (("flash", "nothing.bin", "--to", "virtual:host"), 2, "nothing.bin"),
        (("check", "nowhere"), 2, "nowhere"),
        (("import", "P", "nothing.csv"), 2, "nothing.csv"),
        (("import", "P", "nothing.csv", "--split", "both"), 2, "both"),
    ],
)
def test_bad_requests(shell: Shell, project: Path, argv: tuple[str, ...], code: int, said: str) -> None:
    given = [project if a == "P" else a for a in argv]
    assert shell(*given, "--json") == code, shell.error
    assert said in shell.error and "Traceback" not in shell.error
    parts = json.loads(shell.lines[-1])["error"]
    assert all(parts[k] for k in ("thing", "seen", "next_step"))


def test_training_on_one_class_says_what_to_do(shell: Shell, project: Path) -> None:
    noise = np.random.default_rng(0).integers(-4000, 4000, (3000, 3)).astype(np.int16)
    labels = {"labels": Labels((Segment(0, 30, "only"),))}
    files.write(project / "recordings" / "a", [(ACC, noise)], labels)
    assert shell("train", project) == 2
    assert "only" in shell.error


def test_without_a_verb_the_window_opens(shell: Shell, project: Path) -> None:
    assert shell() == 0 and shell.windows == [None]
    assert shell(project) == 0 and shell.windows[-1] == project
    assert shell(project / "nowhere") == 2


def test_doctor_and_lists(shell: Shell) -> None:
    report = shell.json("doctor")
    assert {"C compiler", "Qt", "Free disk"} <= {f["what"] for f in report["findings"]}
    assert all(f["fix"] for f in report["findings"] if not f["ok"])
    boards = {b["id"]: b for b in shell.json("boards")["boards"]}
    assert {"host", "cortex-m0plus", "cortex-m4f", "cortex-m33"} <= set(boards)
    assert boards["cortex-m4f"]["tried_on_hardware"] is False
    urls = {s["url"] for s in shell.json("sources")["sources"]}
    assert "virtual:host" in urls


def test_every_setting_of_a_search_has_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["train", "--help"])
    told = capsys.readouterr().out
    options = {"fixed": "fix"}
    for field in fields(TrainSettings):
        assert f"--{options.get(field.name, field.name).replace('_', '-')} " in told.replace("]", " ")
