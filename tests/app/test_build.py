"""Images that anybody can make again, what is written beside them, and exports from the command line."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

import studio
from studio.app import models
from studio.app.actions.build import build, firmware, render
from studio.app.actions.flash import flash
from studio.app.card import card
from studio.app.models import Model
from studio.data.project import create, open_project
from studio.errors import BuildError, InputError
from studio.firmware.board import boards
from studio.firmware.exports import EXPORTS
from studio.paths import ROOT, STUBS
from studio.progress import finish
from tests.firmware.firmwares import ACCELEROMETER, graph

ROW = {"precision": 1.0, "recall": 0.5, "f1": 0.667, "support": 4}
TEST = {"accuracy": 0.875, "macro_f1": 0.8, "n_windows": 8, "per_class": {"wave": ROW}}
LOCK = {
    "seed": 7,
    "data_sha256": "ab" * 32,
    "split_by": "subject",
    "groups_disjoint": True,
    "test_recordings": ["anna-001"],
    "parts": {
        "train": {"windows": 90, "recordings": 5, "people": 4},
        "test": {"windows": 8, "recordings": 1, "people": 0},
    },
    "test_looks": 3,
    "tools": {"numpy": "2.4.6"},
    "settings": {"max_ram_kb": 32.0, "max_flash_kb": 0.0},
}
CHIP = "cortex-m0plus" if find_spec("unicorn") else "host"


def model(**fields: object) -> Model:
    known = {"test": TEST, "lock": LOCK, "created": "2026-01-02T03:04:05+00:00"}
    return Model("cnn-1", "cnn", graph("cnn"), ACCELEROMETER, **{**known, **fields})  # type: ignore[arg-type]


@pytest.fixture
def project(tmp_path: Path, own_home: Path) -> Path:
    made = create(tmp_path / "eins", "Zauberstab ü")
    models.save(made, model())
    return made.path


def test_a_build_tells_what_each_stage_costs(project: Path) -> None:
    told = finish(build(project, "cnn-1", CHIP))
    assert [row["name"] for row in told["layers"]] == [n.name for n in graph("cnn").nodes]
    assert told["memory"]["arena_bytes"] >= told["memory"]["arena_least_bytes"] > 0
    if CHIP != "host":
        assert 100 < told["memory"]["stack_bound_bytes"] < told["stack_bytes"] + 200
        assert sum(row["instructions"] for row in told["layers"]) == told["instructions_per_inference"]


def _as_nobody(folder: Path) -> list[str]:
    """What makes a command run as another unix user, who then owns `folder`; nothing where that cannot be.

    The user may read what only root could: Python itself may lie in root's home.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("setpriv"):
        return []
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 65534, 65534)
    caps = "+dac_override,+dac_read_search"
    who = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    who += [f"--inh-caps={caps}", f"--ambient-caps={caps}"]
    able = subprocess.run([*who, sys.executable, "-c", "import os; assert os.geteuid() == 65534"], capture_output=True)
    return who if able.returncode == 0 else []


@pytest.mark.slow
def test_the_same_project_gives_the_same_image_elsewhere(project: Path, tmp_path: Path) -> None:
    """Another copy of the studio and of the project under odd names, another user (a real one where root may become
    one), nothing kept from a first build."""
    here = finish(build(project, "cnn-1", CHIP))
    there = tmp_path / "zwei ü 手"
    for folder in (Path(studio.__file__).parent, STUBS):
        shutil.copytree(folder, there / "kopie" / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(project, there / "projekt", ignore=shutil.ignore_patterns("builds"))
    (there / "heim").mkdir()
    keep = {k: v for k, v in os.environ.items() if k in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "CI")}
    user = {"HOME": str(there / "heim"), "SENSORSMITH_HOME": str(there / "heim"), "USER": "anna", "LOGNAME": "anna"}
    environment = {**keep, **user, "PYTHONPATH": str(there / "kopie"), "PYTHONUTF8": "1"}
    verb = ["-m", "studio", "build", "projekt", "cnn-1", "--board", CHIP, "--json"]
    command = [*_as_nobody(there), sys.executable, *verb]
    done = subprocess.run(command, cwd=there, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    other = json.loads(done.stdout)
    assert (other["sha256"], other["build_hash"]) == (here["sha256"], here["build_hash"])
    assert hashlib.sha256((there / other["files"][0]).read_bytes()).hexdigest() == here["sha256"]
    for name in ("bom.json", "model-card.md"):
        mine, theirs = (next(p for p in r["files"] if p.endswith(name)) for r in (here, other))
        assert Path(mine).read_bytes() == (there / theirs).read_bytes()


def test_the_bill_names_every_source_with_its_hash(project: Path) -> None:
    result = finish(build(project, "cnn-1", "host"))
    bill = json.loads(Path(next(f for f in result["files"] if f.endswith("bom.json"))).read_text())
    rows = {row["path"]: row for row in bill["sources"]}
    for path in ("kernels/fmath.c", "kernels/kernels.h", "runtime/wire.c", "boards/host/board.c"):
        assert rows[path]["sha256"] == hashlib.sha256((STUBS / path).read_bytes()).hexdigest()
        assert (rows[path]["license"], rows[path]["origin"]) == ("Apache-2.0", "shipped")
    written = Path(result["files"][0]).with_name("model.c").read_bytes()
    assert rows["model.c"]["sha256"] == hashlib.sha256(written).hexdigest() and rows["model.c"]["origin"] == "generated"
    assert bill["image"]["sha256"] == result["sha256"] and bill["tools"]["ziglang"]
    assert not any(str(ROOT) in flag for flag in bill["flags"])


def test_the_card_says_where_a_model_comes_from_and_where_it_ends() -> None:
    cost = {"flash_bytes": 1000, "ram_bytes": 200, "stack_bytes": 30, "instructions_per_inference": 4}
    cost |= {"latency_ms": 0.5, "source": "elf+emulator"}
    text = card(model(), boards()["cortex-m4f"], cost)
    for said in ("`abab", "Split by subject: no group", "anna-001", "Seed: 7", "numpy: 2.4.6", "0.8750", "1000 of"):
        assert said in text
    assert "Learned from: 90 windows in 5 recordings of 4 people" in text
    assert "Tested on: 8 windows in 1 recordings\n" in text and "looked at 3 times" in text
    assert "max_ram_kb 32" in text and "max_flash_kb" not in text and "not tried on hardware" in text
    leaky = card(model(lock={**LOCK, "groups_disjoint": False}), boards()["cortex-m4f"], cost)
    assert "PARTS OF ONE RECORDING ARE IN BOTH" in leaky
    foreign = card(model(lock={}, test={}, created=""), boards()["cortex-m4f"], cost)
    assert "not trained by this studio" in foreign and "computed by the generated C\n\nNone." in foreign


@pytest.mark.parametrize("kind", EXPORTS)
def test_render_writes_what_it_lists(kind: str, project: Path, tmp_path: Path) -> None:
    result = finish(render(project, "", tmp_path / "aus", kind))
    assert (result["model"], result["as"]) == ("cnn-1", kind)
    found = {p for p in (tmp_path / "aus").rglob("*") if p.is_file()}
    assert found == set(map(Path, result["files"]))
    assert any(p.name == "zauberstab_u_model.c" for p in found)
    packed = [p for p in found if p.suffix in (".zip", ".pack")]
    assert len(packed) == (kind in ("arduino", "cmsis-pack"))
    for path in packed:
        assert {str(tmp_path / "aus" / n) for n in zipfile.ZipFile(path).namelist()} == set(map(str, found - {path}))


def test_render_refuses_what_it_does_not_know(project: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Choose one of c, arduino, zephyr, cmsis-pack, platformio, esp-idf"):
        finish(render(project, "", tmp_path / "aus", "keil"))
    assert not (tmp_path / "aus").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="file"):
        finish(render(project, "", tmp_path / "file"))
    assert models.ids(open_project(project)) == ["cnn-1"]


def test_a_board_gets_a_firmware_to_record_from(own_home: Path, tmp_path: Path) -> None:
    made = finish(firmware("host", tmp_path / "out"))
    flashed = finish(flash(tmp_path / "out" / "firmware.bin", "virtual:host"))
    assert flashed["build_hash"] == made["build_hash"] and flashed["tested"] is False
    with pytest.raises(InputError, match="'toaster'"):
        finish(firmware("toaster", tmp_path))


def test_small_and_fast_are_two_codes_with_one_answer(project: Path) -> None:
    small = finish(build(project, "cnn-1", CHIP, compare=True))
    assert small["optimise"] == "size"
    fast = finish(build(project, "cnn-1", CHIP, optimise="speed"))
    assert fast["build_hash"] != small["build_hash"] and fast["files"] != small["files"]
    if CHIP == "host":
        return
    assert fast["flash_bytes"] > small["flash_bytes"] and "other" not in fast
    assert small["other"]["optimise"] == "speed" and small["other"]["flash_bytes"] == fast["flash_bytes"]
    assert small["other"]["instructions_per_inference"] == fast["instructions_per_inference"]
    with pytest.raises(InputError, match="Choose one of size, speed"):
        finish(build(project, "cnn-1", CHIP, optimise="both"))
