"""Importing: what is in the file is in the recording, and what is wrong in it stops everything with its place."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from studio.data import recording as files
from studio.data.formats import FORMATS, import_path
from studio.data.labels import Segment
from studio.data.project import Project, create, open_project, recordings
from studio.data.recording import Recording
from studio.errors import DataError, InputError
from studio.progress import finish


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return create(tmp_path / "project")


def bring(project: Project, path: Path, **told: Any) -> Recording:
    """The one recording that an import gives."""
    (found,) = finish(import_path(project, path, **told))
    return files.load(project.recordings_path / found)


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    return path


def everything(project: Project) -> list[str]:
    """Every file of the project with its content."""
    return sorted(f"{p} {p.read_bytes()!r}" for p in project.path.rglob("*") if p.is_file())


def test_csv_with_time(tmp_path: Path, project: Project) -> None:
    rows = "".join(f"{i / 50},{i},{-i / 2}\r\n" for i in range(100))
    found = bring(project, csv(tmp_path, "\ufefftime,x,y\r\n" + rows), subject="3", split="test")
    (stream,) = found.streams
    assert (stream.rate_hz, stream.channels, stream.dtype, stream.scale) == (50.0, ("x", "y"), "f32", 1.0)
    assert np.array_equal(found.raw(stream.name), [[i, -i / 2] for i in range(100)])
    assert (found.subject, found.split, found.gaps, found.labels) == ("3", "test", {}, {})
    assert found.id == "file-001" and found.device["imported_from"] == "file.csv"


@pytest.mark.parametrize(
    ("name", "step"), [("t", 0.02), ("time_ms", 20), ("Timestamp (us)", 20000), ("time [s]", 0.02), ("t_ns", 2e7)]
)
def test_units_of_time(tmp_path: Path, project: Project, name: str, step: float) -> None:
    rows = "".join(f"{1e6 + i * step:.3f};{i},5\n" for i in range(9)).replace(".", ",")
    found = bring(project, csv(tmp_path, f"{name};x\n{rows}"))
    assert found.streams[0].rate_hz == 50.0 and found.raw("sensor")[3, 0] == 3.5


def test_a_rounded_time_column_gives_the_true_rate(tmp_path: Path, project: Project) -> None:
    rows = "".join(f"{i / 360:.4f},{i}\n" for i in range(1000))
    assert bring(project, csv(tmp_path, "t_s,x\n" + rows)).streams[0].rate_hz == 360.0


def test_missing_rows_become_gaps(tmp_path: Path, project: Project) -> None:
    kept = [i for i in range(60) if i not in (10, 11, 12, 40)]
    found = bring(project, csv(tmp_path, "time,x\n" + "".join(f"{i / 10},{i}\n" for i in kept)))
    assert found.gaps == {"sensor": ((10, 3), (40, 1))} and found.streams[0].rate_hz == 10.0
    assert found.raw("sensor")[41, 0] == 41 and found.n_samples == {"sensor": 60}


def test_jitter_is_no_gap_but_a_leap_among_jitter_is_refused(tmp_path: Path, project: Project) -> None:
    luck = np.random.default_rng(1)
    time_s = np.arange(100) / 50 + luck.uniform(0, 0.018, 100)
    found = bring(project, csv(tmp_path, "time,x\n" + "".join(f"{t:.6f},1\n" for t in time_s)))
    assert found.gaps == {} and found.streams[0].rate_hz == pytest.approx(50, rel=0.02)
    time_s[60:] += 3
    with pytest.raises(DataError, match="line 62: time leaps by 3"):
        bring(project, csv(tmp_path, "time,x\n" + "".join(f"{t:.6f},1\n" for t in time_s)))


def test_a_word_per_sample_becomes_labels_and_classes(tmp_path: Path, project: Project) -> None:
    words = ["", "sit", "sit", "walk", "walk", "", "walk"]
    found = bring(project, csv(tmp_path, "time,x,label\n" + "".join(f"{i / 10},1,{w}\n" for i, w in enumerate(words))))
    assert found.labels["labels"].segments == (
        Segment(0.1, 0.3, "sit"),
        Segment(0.3, 0.5, "walk"),
        Segment(0.6, 0.7, "walk"),
    )
    assert [c.name for c in open_project(project.path).classes] == ["sit", "walk"]


def test_a_gap_ends_a_label(tmp_path: Path, project: Project) -> None:
    found = bring(project, csv(tmp_path, "time,x,label\n" + "".join(f"{i / 10},1,a\n" for i in range(20) if i != 9)))
    assert found.labels["labels"].segments == (Segment(0, 0.9, "a"), Segment(1.0, 2.0, "a"))


BAD_CSV = [
    ("time,x\n0,1\n0.1,abc\n0.2,2\n", r"file.csv, line 3: 'abc' is not a number: '0.1,abc'"),
    ("time,x\n0,1\n\n0.1,2\n0.2\n", r"file.csv, line 5: has 1 cells where the header has 2: '0.2'"),
    ("time,x\n0,1\n0.1,2,3\n", r"line 3: has 3 cells where the header has 2"),
    ("time,x\n0,1\n0.1,\n", r"line 3: '' is not a number"),
    ("time,x\n0,1\n0.1,nan\n", r"line 3: a value is not a finite number"),
    ("time,x\n0,1\n0.1,-inf\n", r"line 3: a value is not a finite number"),
    ("time,x\n0,1\n0.1,1e39\n", r"line 3: a value is not a finite number"),
    ("time,x\n0,1\nnan,2\n", r"line 3: a value is not a finite number"),
    ("time,x\n0,1\n0.1,2\n0.1,3\n", r"line 4: time does not go on"),
    ("time,x\n0,1\n0.1,2\n0.05,3\n", r"line 4: time does not go on"),
    ("x,y\n1,2\n3,4\n", r"does not say its sampling rate. Add a column `time`"),
    ("0,1\n2,3\n", r"line 1: is not a header"),
    ("time,x,x\n0,1,2\n1,2,3\n", r"two columns have one name"),
    ("time,,y\n0,1,2\n1,2,3\n", r"a column has no name"),
    ("time,label\n0,a\n1,b\n", r"has no column of samples"),
    ("", r"has no row of samples"),
    ("time,x\n", r"has no row of samples"),
]


@pytest.mark.parametrize(("text", "words"), BAD_CSV)
def test_a_broken_csv_imports_nothing(tmp_path: Path, project: Project, text: str, words: str) -> None:
    before = everything(project)
    with pytest.raises(DataError, match=words) as caught:
        bring(project, csv(tmp_path, text))
    assert caught.value.exit_code == 2 and caught.value.next_step.endswith(".")
    assert everything(project) == before and not list(project.recordings_path.iterdir())


def test_a_binary_file_is_no_csv(tmp_path: Path, project: Project) -> None:
    (tmp_path / "file.csv").write_bytes(b"\x00\xff\xfe" * 100)
    with pytest.raises(DataError, match="cannot be read as text"):
        bring(project, tmp_path / "file.csv")


@pytest.mark.parametrize(
    ("subtype", "suffix", "dtype", "scale"),
    [
        ("PCM_16", "wav", "i16", 2**-15),
        ("PCM_16", "flac", "i16", 2**-15),
        ("PCM_24", "flac", "i32", 2**-31),
        ("PCM_24", "wav", "i32", 2**-31),
        ("FLOAT", "wav", "f32", 1.0),
    ],
)
def test_sound(tmp_path: Path, project: Project, subtype: str, suffix: str, dtype: str, scale: float) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, (2000, 2))
    wave[:2] = [[-1, 1 - 2**-15], [0, -(2**-15)]]
    soundfile.write(tmp_path / f"s.{suffix}", wave, 22050, subtype)
    found = bring(project, tmp_path / f"s.{suffix}")
    (stream,) = found.streams
    assert (stream.rate_hz, stream.dtype, stream.scale, stream.kind) == (22050, dtype, scale, "microphone")
    exact = soundfile.read(tmp_path / f"s.{suffix}", dtype="float32")[0]
    assert np.array_equal(found.values(stream.name), exact)


def test_sound_that_is_none(tmp_path: Path, project: Project) -> None:
    (tmp_path / "s.wav").write_bytes(b"RIFF, or so it says")
    with pytest.raises(DataError, match="is not a sound file"):
        bring(project, tmp_path / "s.wav")
    soundfile.write(tmp_path / "n.wav", np.array([0.0, 0.5, np.nan]), 8000, "FLOAT")
    with pytest.raises(DataError, match=r"n\.wav, sample 2: is not a finite number"):
        bring(project, tmp_path / "n.wav")
    assert not list(project.recordings_path.iterdir())


def manifest(folder: Path, *entries: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps({"name": "set", "recordings": entries}))
    return folder


def test_a_whole_set(tmp_path: Path, project: Project) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "a.csv").write_text("u,v,w\n" + "".join(f"{i},{i},{-i}\n" for i in range(50)))
    (folder / "a.labels.csv").write_text("start_s,stop_s,label\n0.5,1,wave\n0,0.5,idle\n")
    soundfile.write(folder / "b.wav", np.zeros(800, "int16"), 8000)
    np.save(folder / "c.npy", np.arange(40, dtype=np.int16).reshape(20, 2))
    entries: list[dict[str, Any]] = [
        {"file": "a.csv", "rate_hz": 50, "channels": ["x", "y", "z"], "unit": "g", "labels": "a.labels.csv"},
        {"file": "b.wav", "subject": 4, "split": "test", "label": "yes"},
        {"file": "c.npy", "rate_hz": 10, "subject": "3", "split": "train", "stream": "imu", "kind": "imu"},
    ]
    steps = []
    ids = finish(import_path(project, manifest(folder, *entries)), steps.append)
    a, b, c = (files.load(project.recordings_path / i) for i in ids)
    assert [(s.done, s.total) for s in steps] == [(0, 3), (1, 3), (2, 3)]
    assert a.streams[0].channels == ("x", "y", "z") and a.streams[0].unit == "g" and a.streams[0].rate_hz == 50
    assert a.labels["labels"].segments == (Segment(0, 0.5, "idle"), Segment(0.5, 1, "wave"))
    assert (b.subject, b.split, b.labels["labels"].segments) == ("4", "test", (Segment(0, 0.1, "yes"),))
    assert (c.subject, c.split, c.streams[0].name, c.streams[0].dtype) == ("3", "train", "imu", "i16")
    assert {x.id for x in recordings(project)} == set(ids)
    assert {x.name for x in open_project(project.path).classes} == {"idle", "wave", "yes"}


def test_one_bad_file_of_a_set_imports_none(tmp_path: Path, project: Project) -> None:
    folder = manifest(tmp_path / "set", {"file": "a.csv", "label": "new"}, {"file": "b.csv"})
    (folder / "a.csv").write_text("time,x\n0,1\n1,2\n")
    (folder / "b.csv").write_text("time,x\n0,1\n1,two\n")
    before = everything(project)
    with pytest.raises(DataError, match=r"b\.csv, line 3"):
        finish(import_path(project, folder))
    assert everything(project) == before and not list(project.recordings_path.iterdir())


def test_an_import_that_is_stopped_leaves_nothing(tmp_path: Path, project: Project) -> None:
    folder = manifest(tmp_path / "set", {"file": "a.csv"}, {"file": "a.csv"})
    (folder / "a.csv").write_text("time,x\n0,1\n1,2\n")
    work = import_path(project, folder)
    next(work), next(work)
    work.close()
    assert not list(project.recordings_path.iterdir())


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"file": "gone.csv"}, "there is no file 'gone.csv'"),
        ({"file": "../outside.csv"}, "lies outside the folder"),
        ({"file": "a.csv", "split": "val"}, "split is 'val'"),
        ({"file": "a.csv", "rate_hz": "fast"}, "rate_hz is a number"),
        ({"file": "a.csv", "rate_hz": 3}, "runs at 1 Hz, the manifest says 3 Hz"),
        ({"file": "a.csv", "channels": ["p", "q"]}, "has 1 channels, the manifest names 2"),
        ({"file": "a.csv", "labels": "late.csv"}, r"stops at 9 s, past the end at 2 s"),
        ({"file": "a.csv", "labels": "overlap.csv"}, r"overlap.csv, line 3: the label starts at 0.5 s"),
        ({"file": "a.csv", "labels": "empty.csv"}, r"empty.csv, line 2: the label starts at 2 s and stops at 1 s"),
        ({"file": "a.csv", "labels": "columns.csv"}, r"Labels need start_s,stop_s,label"),
        ({"name": "no file"}, 'no list "recordings"'),
    ],
)
def test_a_wrong_manifest(tmp_path: Path, project: Project, entry: dict[str, Any], words: str) -> None:
    folder = manifest(tmp_path / "set", entry)
    (tmp_path / "outside.csv").write_text("time,x\n0,1\n1,2\n")
    (folder / "a.csv").write_text("time,x\n0,1\n1,2\n")
    for name, rows in {"late": "0,9,a", "overlap": "0,1,a\n0.5,2,b", "empty": "2,1,a"}.items():
        (folder / f"{name}.csv").write_text(f"start_s,stop_s,label\n{rows}\n")
    (folder / "columns.csv").write_text("from,to,label\n0,1,a\n")
    with pytest.raises(DataError, match=words):
        finish(import_path(project, folder))
    assert not list(project.recordings_path.iterdir())


def test_a_label_rounded_past_the_last_sample_ends_with_it(tmp_path: Path, project: Project) -> None:
    (tmp_path / "l.csv").write_text("start_s,stop_s,label\n0,1.007,a\n")
    text = "time,x\n" + "".join(f"{i / 99.3:.6f},1\n" for i in range(99))
    found = bring(project, csv(tmp_path, text), labels=tmp_path / "l.csv")
    assert found.labels["labels"].segments[0].stop_s == found.duration_s < 1.0


def test_cubes_keep_their_shape_in_the_names(tmp_path: Path, project: Project) -> None:
    cube = np.arange(5 * 2 * 3, dtype=np.float64).reshape(5, 2, 3)
    folder = manifest(
        tmp_path / "set",
        {"file": "r.npy", "kind": "radar", "frame_rate_hz": 20},
        {"file": "i.npy", "kind": "radar", "frame_rate_hz": 20},
    )
    np.save(folder / "r.npy", cube)
    np.save(folder / "i.npy", (cube + 1j).astype(np.complex64))
    r, i = (files.load(project.recordings_path / x) for x in finish(import_path(project, folder)))
    (stream,) = r.streams
    assert (stream.name, stream.kind, stream.rate_hz) == ("radar", "radar", 20)
    assert stream.channels == ("0.0", "0.1", "0.2", "1.0", "1.1", "1.2")
    assert np.array_equal(r.raw("radar").reshape(cube.shape), cube)
    assert i.streams[0].channels[:4] == ("0.0.re", "0.0.im", "0.1.re", "0.1.im") and i.raw("radar")[1, 1] == 1


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([1, 2, 3], np.int8), "i16"),
        (np.array([[1], [200]], np.uint8), "i16"),
        (np.array([[1], [60000]], np.uint16), "i32"),
        (np.array([[-(2**31)], [2**31 - 1]], np.int64), "i32"),
        (np.array([[0.1], [2.0]]), "f32"),
        (np.array([[1]], ">i2"), "i16"),
    ],
)
def test_arrays_keep_their_values(tmp_path: Path, project: Project, array: np.ndarray, dtype: str) -> None:
    folder = manifest(tmp_path / "set", {"file": "a.npy", "rate_hz": 10})
    np.save(folder / "a.npy", array)
    found = bring(project, folder)
    assert found.streams[0].dtype == dtype
    assert np.array_equal(found.raw("sensor")[:, 0], array.reshape(-1).astype(found.streams[0].numpy_dtype))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([[1.0], [np.nan]]), r"a.npy, sample 1: is not a finite number"),
        (np.array([[2**40]]), "beyond 32 bits"),
        (np.array(["a"]), "holds <U1"),
        (np.array(5.0), r"shape \(\)"),
        (np.zeros((0, 3)), r"shape \(0, 3\)"),
        (np.array([{}], object), "is not an array that can be read"),
    ],
)
def test_arrays_that_cannot_be_samples(tmp_path: Path, project: Project, array: np.ndarray, words: str) -> None:
    folder = manifest(tmp_path / "set", {"file": "a.npy", "rate_hz": 10})
    np.save(folder / "a.npy", array)
    with pytest.raises(DataError, match=words):
        bring(project, folder)


def test_unknown_files_and_formats(tmp_path: Path, project: Project) -> None:
    (tmp_path / "x.mp4").write_bytes(b"")
    with pytest.raises(InputError, match=r"\.mp4 file\. The studio reads csv, wav"):
        bring(project, tmp_path / "x.mp4")
    with pytest.raises(InputError, match="Format 'foo': is not known"):
        bring(project, tmp_path / "x.mp4", format="foo")
    with pytest.raises(DataError, match="there is no such file"):
        bring(project, tmp_path / "gone.csv")
    for name in FORMATS:
        with pytest.raises(DataError, match="there is no such file"):
            bring(project, tmp_path / "gone", format=name)


def test_real_files(shared: Path, project: Project) -> None:
    har = bring(project, shared / "data/har_uci_hapt/session_exp01_user01.csv")
    assert har.streams[0].rate_hz == 50 and har.streams[0].channels[3] == "gyro_x_rads" and har.gaps == {}
    assert har.labels["labels"].segments[0] == Segment(4.98, 24.64, "STANDING")
    digit = bring(project, shared / "data/audio_digits_fsdd/flac/0_george_0.flac")
    assert digit.streams[0].rate_hz == 8000 and digit.n_samples["microphone"] == 2384
