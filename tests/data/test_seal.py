"""A recording is sealed when it ends; whatever changes afterwards is found, and nobody is asked over a network."""

import hashlib
import json
import socket
from pathlib import Path

import numpy as np
import pytest

from studio.app.actions.check import check
from studio.data import seal
from studio.data.labels import Labels, Segment
from studio.data.project import create, recordings
from studio.data.recording import Recording, save, write
from studio.data.stream import Stream
from studio.progress import finish

ACC = Stream("acc", 100.0, ("x", "y", "z"), "g", "i16", 1 / 4096, "accelerometer")
SOUND = Stream("sound", 1000.0, ("sound",), "", "i16")


def recorded(path: Path, seed: int = 0) -> Recording:
    rng = np.random.default_rng(seed)
    data = [
        (ACC, rng.integers(-4000, 4000, (500, 3)).astype("<i2")),
        (SOUND, rng.integers(-9, 9, (5000, 1)).astype("<i2")),
    ]
    return write(path, data)


def test_a_recording_is_sealed_when_it_ends(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r").path
    files = json.loads((path / "seal.json").read_text())["files"]
    assert {"acc.raw", "sound.raw"} <= set(files)
    for name, told in files.items():
        assert told == {
            "bytes": (path / name).stat().st_size,
            "sha256": hashlib.sha256((path / name).read_bytes()).hexdigest(),
        }
    assert seal.what_is_wrong(path) == []


@pytest.mark.parametrize("at", [0, 1499, 2999])
def test_one_changed_bit_is_found(tmp_path: Path, at: int) -> None:
    path = recorded(tmp_path / "r").path
    raw = bytearray((path / "acc.raw").read_bytes())
    raw[at] ^= 1
    (path / "acc.raw").write_bytes(raw)
    assert seal.what_is_wrong(path) == [("acc.raw", "holds other samples than were sealed")]


def test_a_file_cut_grown_gone_or_new_is_found(tmp_path: Path) -> None:
    path = recorded(tmp_path / "r").path
    whole = (path / "sound.raw").read_bytes()
    for content, text in ((whole[:-2], "has 9998 bytes where 10000"), (whole + b"ab", "has 10002 bytes")):
        (path / "sound.raw").write_bytes(content)
        ((name, said),) = seal.what_is_wrong(path)
        assert name == "sound.raw" and text in said
    (path / "sound.raw").unlink()
    assert seal.what_is_wrong(path) == [("sound.raw", "is missing")]
    (path / "sound.raw").write_bytes(whole)
    (path / "other.raw").write_bytes(b"")
    assert seal.what_is_wrong(path) == [("other.raw", "was not there when the recording was sealed")]


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"files": {"acc.raw": {}}}'])
def test_a_broken_seal_is_no_seal_that_fits(tmp_path: Path, text: str) -> None:
    path = recorded(tmp_path / "r").path
    (path / "seal.json").write_text(text)
    assert [name for name, _ in seal.what_is_wrong(path)] == ["seal.json"]


def test_labels_may_change_and_the_manifest_stays(tmp_path: Path) -> None:
    recording = recorded(tmp_path / "r")
    before = seal.manifest([recording.path])
    recording.labels["labels"] = Labels((Segment(0.5, 1.0, "wave"),))
    save(recording)
    assert seal.what_is_wrong(recording.path) == [] and seal.manifest([recording.path]) == before


def test_who_changes_the_seal_as_well_changes_the_manifest(tmp_path: Path) -> None:
    paths = [recorded(tmp_path / name, i).path for i, name in enumerate("ab")]
    before = seal.manifest(paths)
    assert seal.manifest(reversed(paths)) == before
    (paths[1] / "acc.raw").write_bytes(bytes(3000))
    seal.seal(paths[1])
    assert seal.what_is_wrong(paths[1]) == [] and seal.manifest(paths) != before
    assert seal.manifest(paths[:1]) != before


def test_check_flags_a_tampered_file_and_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = create(tmp_path / "p", "p")
    for name in ("one", "two"):
        recorded(project.path / "recordings" / name)
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *a: opened.append(a))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: opened.append(a) or [])
    before = finish(check(project.path))
    assert not [f for r in before["recordings"] for f in r["findings"] if f["kind"] == "tampered"]
    raw = bytearray((project.path / "recordings" / "two" / "acc.raw").read_bytes())
    raw[100] ^= 0x40
    (project.path / "recordings" / "two" / "acc.raw").write_bytes(raw)
    after = finish(check(project.path))
    found = {r["id"]: [f for f in r["findings"] if f["kind"] == "tampered"] for r in after["recordings"]}
    assert found["one"] == [] and [f["severity"] for f in found["two"]] == ["error"]
    assert "acc.raw" in found["two"][0]["text"] and after["manifest_sha256"] == before["manifest_sha256"]
    assert opened == []


def test_a_recording_without_a_seal_is_sealed_by_the_first_check(tmp_path: Path) -> None:
    project = create(tmp_path / "p", "p")
    path = recorded(project.path / "recordings" / "old").path
    (path / "seal.json").unlink()
    (path / "acc.raw").write_bytes(bytes(3000))
    assert not seal.what_is_wrong(path)
    finish(check(project.path))
    assert seal.is_sealed(recordings(project)[0].path)


def test_a_very_long_recording_is_left_to_the_first_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "AT_ONCE_BYTES", 1000)
    assert not seal.is_sealed(recorded(tmp_path / "r").path)
