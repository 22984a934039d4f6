# ruff: noqa: E501 - foreign files are as wide as they are
"""One small file of every format as other programs write it, and what must come of it. An entry without one fails."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import soundfile

from studio.data.formats import FORMATS, import_path
from studio.data.formats.exporting import carry_out, plan, table_of_formats
from studio.data.formats.piece import Hints
from studio.data.formats.recognize import format_of
from studio.data.label_files import LABEL_FILES, label_format_of, read_label_file
from studio.data.label_files.about import About
from studio.data.labels import Labels, Segment
from studio.data.project import create, new_recording_path
from studio.data.recording import Recording, load, write
from studio.data.stream import Stream
from studio.data.travel.entry import KINDS
from studio.paths import RESOURCES
from studio.progress import finish

RAMP = np.arange(30, dtype="<f4").reshape(10, 3)
ACQUISITION = {
    "protected": {"ver": "v1", "alg": "none"},
    "signature": "0" * 64,
    "payload": {
        "device_type": "X",
        "interval_ms": 20,
        "sensors": [{"name": "a", "units": "g"}],
        "values": list(range(10)),
    },
}


def csv_file(folder: Path) -> Path:
    """As a German Excel writes it."""
    rows = "".join(f"{i * 20},{i},5\r\n".replace(",", ";", 1) for i in range(10))
    return text(folder / "a.csv", "Zeit;ax\r\n".replace("Zeit", "time_ms") + rows, "utf-8-sig")


def text(path: Path, content: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(content.encode(encoding))
    return path


def sound(folder: Path, suffix: str) -> Path:
    soundfile.write(folder / f"a.{suffix}", np.zeros(10, "int16"), 50, "PCM_16")
    return folder / f"a.{suffix}"


def npy(folder: Path) -> Path:
    np.save(folder / "a.npy", RAMP[:, :1])
    return folder / "a.npy"


def parquet(folder: Path) -> Path:
    """As pandas writes it."""
    times = np.datetime64("2026-01-01T00:00:00", "ns") + np.arange(10) * np.timedelta64(20, "ms")
    pa.parquet.write_table(
        pa.table({"timestamp": times, "ax": np.arange(10.0), "who": ["x"] * 10}), folder / "a.parquet"
    )
    return folder / "a.parquet"


def hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("run/acc", data=RAMP[:, :1]).attrs["sampling_rate"] = 50
    return folder / "a.h5"


def edge_impulse(folder: Path) -> Path:
    files = [{"path": "a.json", "name": "a", "category": "testing", "label": {"type": "label", "label": "up"}}]
    head = {"__ndjson": True, "version": 1}
    lines = (json.dumps(part, separators=(",", ":")) for part in (head, *files))
    text(folder / "info.labels", "\n".join(lines))
    return text(folder / "a.json", json.dumps(ACQUISITION))


def edge_impulse_cbor(folder: Path) -> Path:
    (folder / "a.cbor").write_bytes(cbor2.dumps(ACQUISITION))
    return folder / "a.cbor"


def imagimob(folder: Path) -> Path:
    text(folder / "a.data", "#Time(seconds),ax\n" + "".join(f"{i / 50},{i}\n" for i in range(10)))
    text(
        folder / "label.label",
        "Time(Seconds),Length(Seconds),Label(string),Confidence(double),Comment(string)\r\n0.1,0.1,up,0.5,so so\r\n",
    )
    tracks = (
        '<Track name="acc" type="datacsv"><PayloadFile>a.data</PayloadFile><Offset unit="seconds">0</Offset></Track>'
    )
    tracks += '<Track name="mine" type="labelcsv" isLabelTrack="True"><PayloadFile>label.label</PayloadFile></Track>'
    session = f'<?xml version="1.0"?><ImagimobStudio version="0.9"><Timeline id="1"><Tracks>{tracks}</Tracks></Timeline></ImagimobStudio>'
    return text(folder / "a.imsession", session)


def sensiml(folder: Path) -> Path:
    text(folder / "a.csv", "sequence,ax\n" + "".join(f"{i},{i}\n" for i in range(10)))
    segments = [{"name": "Label", "value": "up", "start": 5, "end": 9}]
    entry = {"file_name": "a.csv", "sessions": [{"session_name": "labels", "segments": segments}]}
    entry["metadata"] = [{"name": "Subject", "value": "S1"}, {"name": "sample_rate", "value": "50"}]  # type: ignore[list-item]
    return text(folder / "a.dcli", json.dumps([entry]))


def of_ours(folder: Path, format: str) -> Path:
    """Where the writer is ours: FORMATS.md's golden files are tried in test_travel_vectors."""
    project = create(folder / "other")
    made = write(new_recording_path(project, "r"), [(Stream("ax", 50.0, ("ax",), "g"), RAMP[:, :1])])
    found = finish(carry_out(finish(plan([made], format)), folder / "out"))
    return folder / "out" if format == "manifest" else found[0]


EXAMPLES: dict[str, Callable[[Path], Path]] = {
    "csv": csv_file,
    "wav": lambda folder: sound(folder, "wav"),
    "flac": lambda folder: sound(folder, "flac"),
    "npy": npy,
    "parquet": parquet,
    "hdf5": hdf5,
    "edge-impulse": edge_impulse,
    "edge-impulse-cbor": edge_impulse_cbor,
    "imagimob": imagimob,
    "sensiml": sensiml,
    "xdf": lambda folder: of_ours(folder, "xdf"),
    "mcap": lambda folder: of_ours(folder, "mcap"),
    "manifest": lambda folder: of_ours(folder, "manifest"),
}
#: Labels that come with those files.
UP = {
    "edge-impulse": ("labels", Segment(0, 0.2, "up")),
    "imagimob": ("mine", Segment(0.1, 0.2, "up", 0.5, "so so")),
    "sensiml": ("labels", Segment(0.1, 0.2, "up")),
}


@pytest.mark.parametrize("format", list(FORMATS))
def test_a_file_of_others_comes_in(tmp_path: Path, format: str) -> None:
    """Each is found by itself, has ten samples at 50 Hz, and its labels."""
    path = EXAMPLES[format](tmp_path)
    assert format_of(FORMATS, path) == format
    found = bring(tmp_path, path, format)
    (stream,) = found.streams
    assert stream.rate_hz == 50 and found.n_samples[stream.name] == 10 and not found.gaps
    if format not in ("wav", "flac", "csv"):
        assert np.array_equal(found.raw(stream.name)[:, 0], np.arange(10.0) if format != "npy" else RAMP[:, 0]) or (
            format in ("hdf5", "xdf", "mcap", "manifest") and np.array_equal(found.raw(stream.name), RAMP[:, :1])
        )
    if format in UP:
        track, segment = UP[format]
        assert found.labels == {track: Labels((segment,))}


def bring(tmp_path: Path, path: Path, format: str) -> Recording:
    project = create(tmp_path / "project")
    hints = Hints(rate_hz=50.0) if format == "npy" else None
    (one,) = finish(import_path(project, path, hints=hints))
    return load(project.recordings_path / one)


def test_what_the_files_say_of_their_making(tmp_path: Path) -> None:
    assert bring(tmp_path, sensiml(tmp_path), "sensiml").subject == "S1"
    (tmp_path / "e").mkdir()
    assert bring(tmp_path / "e", edge_impulse(tmp_path / "e"), "edge-impulse").split == "test"


@pytest.mark.parametrize(("format", "door"), [("edge-impulse", "."), ("sensiml", "labels.dcli"), ("manifest", ".")])
def test_a_whole_export_comes_home_at_once(tmp_path: Path, format: str, door: str) -> None:
    project = create(tmp_path / "one")
    stream = Stream("acc", 50.0, ("x", "y", "z"), "g")
    for i in range(2):
        track = Labels((Segment(0.02, 0.1, f"w{i}"),))
        write(new_recording_path(project, "r"), [(stream, RAMP + i)], {"labels": track}, f"s{i}", "train")
    recordings = [load(p) for p in sorted(project.recordings_path.iterdir())]
    finish(carry_out(finish(plan(recordings, format)), tmp_path / "out"))
    other = create(tmp_path / "two")
    ids = finish(import_path(other, tmp_path / "out" / door))
    homes = [load(other.recordings_path / i) for i in ids]
    assert [(h.subject, h.split, h.labels) for h in homes] == [(r.subject, r.split, r.labels) for r in recordings]


# --- labels alone ------------------------------------------------------------------------

A, B = Segment(1.0, 2.5, "a"), Segment(3.0, 4.0, "b & c")
SHORT_GRID = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n10\n<exists>\n1\n"IntervalTier"\n"labels"\n0\n10\n5\n0\n1\n""\n1\n2.5\n"a"\n2.5\n3\n""\n3\n4\n"b & c"\n4\n10\n""\n'
EAF = """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds"/><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="1000"/>
<TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="2500"/><TIME_SLOT TIME_SLOT_ID="t3" TIME_VALUE="3000"/>
<TIME_SLOT TIME_SLOT_ID="t4" TIME_VALUE="4000"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="d" TIER_ID="labels"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1"
TIME_SLOT_REF2="t2"><ANNOTATION_VALUE>a</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="t3" TIME_SLOT_REF2="t4"><ANNOTATION_VALUE>b &amp; c
</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
<LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="d" TIME_ALIGNABLE="true"/></ANNOTATION_DOCUMENT>
"""
RAVEN = """Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tSpecies
1\tWaveform 1\t1\t1.0\t2.5\t0\t100\ta
1\tSpectrogram 1\t1\t1.0\t2.5\t0\t100\ta
2\tSpectrogram 1\t1\t3.0\t4.0\t0\t100\tb & c
"""
LABEL_STUDIO = [
    {
        "data": {"csv": "https://host/data/rec.csv"},
        "annotations": [
            {
                "result": [
                    {
                        "type": "timeserieslabels",
                        "from_name": "label",
                        "value": {"start": s, "end": e, "timeserieslabels": [w]},
                    }
                    for s, e, w in ((1.0, 2.5, "a"), (3.0, 4.0, "b & c"))
                ]
            }
        ],
    }
]
EI = {"rec.json": [{"startIndex": 0, "endIndex": 99, "label": "unlabeled"}, {"startIndex": 100, "endIndex": 499, "label": "b & c"},
                   {"startIndex": 100, "endIndex": 249, "label": "a"}, {"startIndex": 250, "endIndex": 299, "label": "unlabeled"},
                   {"startIndex": 400, "endIndex": 499, "label": "unlabeled"}]}  # fmt: skip
DAI = [{"file_name": "rec.csv", "sessions": [{"session_name": "labels", "segments": [
    {"name": "Label", "value": "a", "start": 100, "end": 249}, {"name": "Label", "value": "b & c", "start": 300, "end": 399}]}]}]  # fmt: skip
LABEL_EXAMPLES: dict[str, tuple[str, str, str]] = {
    "labels-csv": ("x.csv", "start_s;stop_s;label\n1,0;2,5;a\n3,0;4,0;b & c\n", "utf-16"),
    "audacity": ("x.txt", "1,000000\t2,500000\ta\n\\\t100\t200\n3,000000\t4,000000\tb & c\n", "utf-8"),
    "srt": ("x.srt", "1\n00:00:01,000 --> 00:00:02,500\n<i>a</i>\n\n2\n00:00:03,000 --> 00:00:04,000\nb &amp;\nc\n", "utf-8-sig"),
    "webvtt": ("x.vtt", "WEBVTT\n\nNOTE hello\n\n00:01.000 --> 00:02.500 line:0\na\n\n00:03.000 --> 00:04.000\nb &amp; c\n", "utf-8"),
    "elan": ("x.eaf", EAF, "utf-8"),
    "praat": ("x.TextGrid", SHORT_GRID, "utf-16"),
    "raven": ("x.txt", RAVEN, "utf-8"),
    "label-studio": ("x.json", json.dumps(LABEL_STUDIO), "utf-8"),
    "imagimob-label": ("x.label", "Time(Seconds),Length(Seconds),Label(string),Confidence(double),Comment(string)\r\n1,1.5,a,1,\r\n3,1,b & c,1,\r\n", "utf-8"),
    "sensiml-dai": ("x.dai", json.dumps(DAI), "utf-8"),
    "edge-impulse-labels": ("x.labels", json.dumps({"version": 1, "type": "structured-labels", "structuredLabels": EI}), "utf-8"),
}  # fmt: skip


@pytest.mark.parametrize("format", list(LABEL_FILES))
def test_a_label_file_of_others_is_read(tmp_path: Path, format: str) -> None:
    name, content, encoding = LABEL_EXAMPLES[format]
    path = text(tmp_path / name, content, encoding)
    assert label_format_of(path) == format
    assert read_label_file(path, About("rec.json", 100.0, 500, 5.0)) == {"labels": [A, B]}


def test_annotations_that_hang_on_others(tmp_path: Path) -> None:
    """ELAN's dependent tiers have no times of their own."""
    more = '<TIER LINGUISTIC_TYPE_REF="r" PARENT_REF="labels" TIER_ID="who"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a9" '
    more += 'ANNOTATION_REF="a1"><ANNOTATION_VALUE>ann</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>'
    kind = '<LINGUISTIC_TYPE CONSTRAINTS="Symbolic_Association" LINGUISTIC_TYPE_ID="r" TIME_ALIGNABLE="false"/>'
    content = EAF.replace("</TIER>", "</TIER>" + more).replace("<LINGUISTIC_TYPE ", kind + "<LINGUISTIC_TYPE ", 1)
    found: dict[str, Any] = read_label_file(text(tmp_path / "x.eaf", content), About())
    assert found["who"] == [Segment(1.0, 2.5, "ann")]


def test_help_says_what_the_tables_say() -> None:
    """The page on formats names every format with exactly what it cannot hold."""
    page = (RESOURCES / "help" / "10-formats.md").read_text(encoding="utf-8")
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `") and "--format" not in line}
    table = {str(row["name"]): row for row in table_of_formats()}
    assert set(rows) == set(table)
    everywhere = {"clock", "samples"}
    for name, row in table.items():
        silent = everywhere | ({"subject", "split", "device", "created"} if row["labels_only"] else set())
        lost = ", ".join(KINDS[kind] for kind in row["cannot"] if kind not in silent) or "nothing"
        assert rows[name].endswith(f"| {lost} |"), rows[name]
