"""The README's main job, headless: the whole loop on the emulated Cortex-M4F, with the keys that scripts rely on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from studio.app.actions.demo import PEOPLE, ready_demo
from studio.data.project import open_project, recordings
from studio.firmware.virtual import emulator_installed
from studio.progress import finish

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "project"


@pytest.fixture(scope="module")
def result(folder: Path) -> dict[str, Any]:
    if not emulator_installed():
        pytest.skip("needs the emulator: pip install unicorn==2.1.4")
    command = [sys.executable, "-m", "studio", "demo", str(folder), "--headless", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def test_record(result: dict[str, Any]) -> None:
    (stream,) = result["record"]["streams"]
    assert stream["lost_samples"] == 0 and stream["gaps"] == [] and stream["n_samples"] >= 4000
    assert abs(stream["measured_rate_hz"] / stream["rate_hz"] - 1) < 0.01
    assert result["record"]["loss_known"] is True and result["record"]["link"]["bad_packets"] == 0


def test_train(result: dict[str, Any]) -> None:
    train = result["train"]
    assert train["test"]["accuracy"] > 0.85 and train["test"]["computed_by"] == "c"
    assert train["groups_disjoint"] is True and train["split_by"] == "subject"
    assert {f["family"] for f in train["front"]} <= {"forest", "cnn"} and train["trials"] >= 2
    assert len(train["data_sha256"]) == 64


def test_build_and_flash(result: dict[str, Any]) -> None:
    build, flash = result["build"], result["flash"]
    assert build["source"] == "elf+emulator" and 0 < build["flash_bytes"] < 256 * 1024
    assert 0 < build["ram_bytes"] < 64 * 1024 and build["instructions_per_inference"] > 1000
    assert flash["verified"] is True and flash["build_hash"] == build["build_hash"]
    assert flash["tested"] is True and flash["previous_kept"] is True


def test_board_equals_host_and_answers(result: dict[str, Any]) -> None:
    assert result["verify"]["windows"] >= 200 == result["verify"]["equal"]
    assert result["verify"]["first_difference"] is None
    assert result["live"]["decisions"] > 20 and result["live"]["accuracy"] > 0.8


def test_people_who_are_there_are_not_recorded_again(result: dict[str, Any], folder: Path) -> None:
    finish(ready_demo(folder))
    found = recordings(open_project(folder))
    assert [r.subject for r in found] == [f"person-{seed:02d}" for seed in PEOPLE]
    assert all(len(r.labels["labels"]) > 5 for r in found)
