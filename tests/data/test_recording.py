"""Recordings: what was written is there, after a kill and on a full disk too, and a loss is a gap."""

import errno
import itertools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.labels import Labels, Segment
from studio.data.raw import merged
from studio.data.recording import Writer, load, save, write
from studio.data.stream import Chunk
from studio.errors import DataError
from tests.data.board import ACCEL, MIC


def rows(start: int, n: int) -> np.ndarray:
    """Row i holds i, i + 1, i + 2."""
    return (np.arange(start, start + n)[:, None] + np.arange(3)).astype("<i2")


def chunk(start: int, n: int, device_us: int = 0) -> Chunk:
    return Chunk(ACCEL, start, rows(start, n), device_us, device_us * 1000)


def test_round_trip(tmp_path: Path) -> None:
    tracks = {"labels": Labels((Segment(0.1, 0.7, "wave"), Segment(0.7, 1.0, "idle", 0.5)))}
    made = write(tmp_path / "r", [(ACCEL, rows(0, 100))], tracks, "Ada", "test", {"board": "toy"})
    found = load(tmp_path / "r")
    for key in ("id", "streams", "n_samples", "gaps", "labels", "subject", "split", "device", "created", "clock"):
        assert getattr(found, key) == getattr(made, key), key
    assert np.array_equal(found.raw(ACCEL.name), rows(0, 100)) and found.raw(ACCEL.name).dtype == "<i2"
    assert np.array_equal(found.values(ACCEL.name), rows(0, 100) * np.float32(1 / 4096))
    assert (found.subject, found.split, found.duration_s) == ("Ada", "test", 1.0)
    assert (tmp_path / "r" / "accelerometer.raw").read_bytes() == rows(0, 100).tobytes()
    assert not (tmp_path / "r" / "journal.jsonl").exists()


def test_an_unknown_stream_names_the_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no stream 'gyro'\. It has accelerometer"):
        write(tmp_path / "r", [(ACCEL, rows(0, 1))]).raw("gyro")


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 20)), max_size=15), st.integers(0, 1000))
def test_position_is_index_and_gaps_are_exact(steps: list[tuple[int, int]], origin: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        writer, at, gaps, kept = Writer(Path(folder) / "r", [ACCEL]), origin, [], np.zeros(0, bool)
        for i, (skip, n) in enumerate(steps):
            skip = skip if i else 0
            if skip:
                gaps.append((at - origin, skip))
            writer.append(chunk(at + skip, n))
            kept = np.concatenate([kept, np.zeros(skip, bool), np.ones(n, bool)])
            at += skip + n
        assert writer.lost == {ACCEL.name: sum(n for _, n in gaps)}
        found = writer.close()
        assert found.gaps.get(ACCEL.name, ()) == tuple(gaps) and found.n_samples[ACCEL.name] == len(kept)
        assert np.array_equal(np.isnan(found.values(ACCEL.name)).all(axis=1), ~kept)
        assert np.array_equal(found.raw(ACCEL.name)[kept], rows(origin, len(kept))[kept])
        assert not found.raw(ACCEL.name)[~kept].any()
        assert np.array_equal(found.values(ACCEL.name, 5, 40), found.values(ACCEL.name)[5:40], equal_nan=True)


def test_what_came_twice_is_written_once(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACCEL])
    for start, n in ((0, 10), (0, 10), (5, 10), (3, 4), (20, 5)):
        writer.append(chunk(start, n))
    found = writer.close()
    assert found.gaps == {ACCEL.name: ((15, 5),)} and found.n_samples[ACCEL.name] == 25
    assert np.array_equal(found.raw(ACCEL.name)[:15], rows(0, 15))


def test_streams_begin_together(tmp_path: Path) -> None:
    """The microphone's first packet begins 30 ms after the accelerometer's: all time is counted from there."""
    writer = Writer(tmp_path / "r", [ACCEL, MIC])
    sound = np.arange(500, dtype="<i2")[:, None]
    writer.append(chunk(700, 10, 7_000_000))
    writer.append(Chunk(MIC, 7030, sound[:200], 7_030_000, 1))
    writer.append(chunk(710, 10, 7_100_000))
    writer.append(Chunk(MIC, 7230, sound[200:400], 7_230_000, 1))
    found = writer.close()
    assert found.gaps == {} and found.clock["device_us"] == 7_030_000
    assert found.raw(ACCEL.name)[0, 0] == 703 and found.raw(MIC.name)[0, 0] == 0
    assert found.n_samples == {ACCEL.name: 17, MIC.name: 400}
    assert found.stamps(ACCEL.name)[0].tolist() == [0, 7_030_000, 7_000_000_000]


def test_a_silent_stream_does_not_hold_up_the_others(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACCEL, MIC])
    for i in range(10):
        writer.append(chunk(i * 10, 10, 1_000_000 + i * 100_000))
    assert load(tmp_path / "r").n_samples == {ACCEL.name: 100, MIC.name: 0}
    assert writer.close().raw(MIC.name).shape == (0, 1)


def test_measured_rate_is_the_devices(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACCEL])
    for i in range(20):
        writer.append(chunk(i * 10, 10, 1_000_000 + round(i * 10 / 101.5 * 1e6)))
    found = writer.close()
    assert found.measured_rate_hz(ACCEL.name) == pytest.approx(101.5, rel=1e-6)
    assert write(tmp_path / "q", [(ACCEL, rows(0, 9))]).measured_rate_hz(ACCEL.name) == 100.0


CRASH = """
import sys
from pathlib import Path
from studio.data.recording import Writer
from studio.data.stream import Chunk
from tests.data.board import ACCEL
from tests.data.test_recording import chunk
writer, at, i = Writer(Path(sys.argv[1]), [ACCEL], subject="Ada"), 0, 0
while True:
    at += 7 * (i % 5 == 4)
    writer.append(chunk(at, 10, 1_000_000 + at * 10_000))
    at, i = at + 10, i + 1
    print(at, flush=True)
"""


def test_kill_9_loses_nothing_that_was_appended(tmp_path: Path) -> None:
    run = subprocess.Popen([sys.executable, "-c", CRASH, str(tmp_path / "r")], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    for _ in range(300):
        appended = int(run.stdout.readline())
    run.kill()  # SIGKILL
    run.wait()
    found = load(tmp_path / "r")
    n, gaps = found.n_samples[ACCEL.name], found.gaps[ACCEL.name]
    assert appended <= n and found.subject == "Ada"
    assert gaps[:2] == ((40, 7), (97, 7)) and sum(c for _, c in gaps) >= 7 * 59
    kept = ~np.isnan(found.values(ACCEL.name)[:, 0])
    assert np.array_equal(found.raw(ACCEL.name)[kept], rows(0, n)[kept])
    save(replace(found, labels={"labels": Labels((Segment(0, 1, "wave"),))}))
    assert load(tmp_path / "r").gaps == found.gaps and len(load(tmp_path / "r").labels["labels"]) == 1


def test_a_power_cut_may_leave_half_a_row_and_half_a_journal_line(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACCEL])
    for start in (0, 30):
        writer.append(chunk(start, 10))
    with (
        open(tmp_path / "r" / "accelerometer.raw", "ab") as raw,
        open(tmp_path / "r" / "journal.jsonl", "ab") as journal,
    ):
        raw.write(b"\x01\x02\x03")
        journal.write(b'["accelerometer", 40')
    found = load(tmp_path / "r")
    assert found.n_samples == {ACCEL.name: 40} and found.gaps == {ACCEL.name: ((10, 20),)}
    writer.close()


class FullDisk:
    """A file on a disk that has room for some bytes more."""

    def __init__(self, file: Any, room: int) -> None:
        self._file, self.room = file, room

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: Any) -> int:
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = bytes(data)[: self.room]
        self.room -= len(part)
        return int(self._file.write(part))


def test_a_full_disk_loses_nothing_written_and_names_itself(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACCEL])
    writer.append(chunk(0, 10))
    disk = writer._files[ACCEL.name]._raw = FullDisk(writer._files[ACCEL.name]._raw, 25)
    for start in (10, 20):
        with pytest.raises(DataError, match=r"the disk is full\. What was recorded is safe"):
            writer.append(chunk(start, 10))
    assert load(tmp_path / "r").n_samples == {ACCEL.name: 10}
    disk.room = 10**6  # somebody freed space: what could not be written is a gap
    writer.append(chunk(30, 10))
    found = writer.close()
    assert found.gaps == {ACCEL.name: ((10, 20),)} and np.array_equal(found.raw(ACCEL.name)[30:], rows(30, 10))


def test_gaps_outlive_a_disk_that_is_full_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path / "r", [ACCEL])
    for start in (0, 30):
        writer.append(chunk(start, 10))

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("studio.data.document.write_atomic", full)
    assert writer.close().gaps == load(tmp_path / "r").gaps == {ACCEL.name: ((10, 20),)}


@pytest.mark.skipif(sys.platform != "linux" or getattr(os, "getuid", lambda: 1)() != 0, reason="mounts a small disk")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(disk)], capture_output=True).returncode:
        pytest.skip("may not mount here")
    try:
        writer, at = Writer(disk / "r", [ACCEL]), 0
        with pytest.raises(DataError, match="the disk is full"):
            while at < 100_000:
                writer.append(chunk(at, 100, 1_000_000 + at * 10_000))
                at += 100
        found = writer.close()
        n = found.n_samples[ACCEL.name]
        assert n >= at > 5000 and np.array_equal(found.raw(ACCEL.name), rows(0, n))
        with pytest.raises(DataError, match="the disk is full"):
            save(
                replace(
                    found, labels={"labels": Labels(tuple(Segment(i / 1e3, i / 1e3 + 1e-3, "x") for i in range(9999)))}
                )
            )
        assert load(disk / "r").labels == {}
        with pytest.raises(DataError, match="the disk is full"):
            write(disk / "q", [(ACCEL, rows(0, 30000))])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_label_past_the_end_changes_nothing(tmp_path: Path) -> None:
    made = write(tmp_path / "r", [(ACCEL, rows(0, 100))], {"labels": Labels((Segment(0.99, 1.0, "a"),))})
    before = (tmp_path / "r" / "recording.json").read_bytes()
    with pytest.raises(
        DataError, match=r"Label 'wave' of recording 'r', track 'labels': stops at 1.01 s, past the end"
    ):
        save(replace(made, labels={"labels": Labels((Segment(0, 1.01, "wave"),))}))
    assert (tmp_path / "r" / "recording.json").read_bytes() == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda m: "{", "cannot be read"),
        (lambda m: "[]", "does not say its format"),
        (lambda m: json.dumps(m | {"format": 2}), "format 2, this studio knows up to 1. Update the studio"),
        (lambda m: json.dumps({k: v for k, v in m.items() if k != "streams"}), "a field is missing or wrong"),
        (lambda m: json.dumps(m | {"streams": [{"name": "x"}]}), "a field is missing or wrong"),
        (lambda m: json.dumps(m | {"labels": {"labels": [[0, 1]]}}), "a field is missing or wrong"),
        (lambda m: json.dumps(m | {"labels": {"labels": [[0, 7, "a", 1]]}}), "past the end"),
        (lambda m: json.dumps(m | {"n_samples": {"accelerometer": 101}}), "has 100 samples where 101 were recorded"),
        (lambda m: json.dumps(m | {"streams": [m["streams"][0] | {"name": "../up"}]}), "is named '../up'"),
    ],
)
def test_a_broken_document_says_what_is_wrong(tmp_path: Path, damage: Any, words: str) -> None:
    write(tmp_path / "r", [(ACCEL, rows(0, 100))])
    document = tmp_path / "r" / "recording.json"
    document.write_text(damage(json.loads(document.read_text())))
    with pytest.raises(DataError, match=words):
        load(tmp_path / "r")


def test_a_writer_overwrites_nothing(tmp_path: Path) -> None:
    write(tmp_path / "r", [(ACCEL, rows(0, 100))])
    with pytest.raises(DataError, match="exists already"):
        Writer(tmp_path / "r", [ACCEL])
    with pytest.raises(DataError, match=r"no recording\.json"):
        load(tmp_path)
    with pytest.raises(DataError, match=r"is named 'a/b'"):
        Writer(tmp_path / "s", [replace(ACCEL, name="a/b")])
    assert not (tmp_path / "s").exists()


def test_rows_of_another_shape_or_type_are_refused(tmp_path: Path) -> None:
    for values in (np.zeros((5, 2), "<i2"), np.zeros(6, "<i2"), np.zeros((2, 3), "<f4")):
        with pytest.raises(DataError, match="where int16 of shape"):
            write(tmp_path / "r", [(ACCEL, values)])
        assert not (tmp_path / "r").exists()


def test_labels_given_while_recording_stay(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "r", [ACCEL])
    writer.append(chunk(0, 100))
    save(replace(load(tmp_path / "r"), labels={"labels": Labels((Segment(0, 0.5, "wave"),))}, split="test"))
    writer.append(chunk(100, 100))
    found = writer.close()
    assert len(found.labels["labels"]) == 1 and found.split == "test" and found.n_samples[ACCEL.name] == 200


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=10), st.integers(0, 70))
def test_merged_gaps_cover_the_same_samples(gaps: list[tuple[int, int]], n: int) -> None:
    covered = {i for start, count in gaps for i in range(start, start + count) if i < n}
    found = merged(gaps, n)
    assert {i for start, count in found for i in range(start, start + count)} == covered
    assert all(a + b < c for (a, b), (c, _) in itertools.pairwise(found))
