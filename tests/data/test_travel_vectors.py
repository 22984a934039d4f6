"""The golden bytes of FORMATS.md, both ways; and what other programs' own readers say of our files."""

import json
from pathlib import Path

import cbor2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.formats import FORMATS, import_path
from studio.data.formats.format import Options
from studio.data.formats.impulse import cbor_bytes, header, json_bytes, signed
from studio.data.formats.riff import read_cues
from studio.data.label_files import LABEL_FILES, label_format_of, read_label_file
from studio.data.label_files.about import About
from studio.data.labels import Labels, Segment
from studio.data.project import create
from studio.data.recording import Recording, load
from studio.data.stream import Stream
from studio.data.travel.item import Item, Signal
from studio.progress import finish

DOWN, UP = Segment(1.364168, 2.146738, "down"), Segment(3.0, 3.5, 'up, "fast"')
ROWS = np.array([[-9.81, 0.03, 1.21], [-9.83, 0.04, 1.27], [-9.12, 0.03, 1.23]])
ACC = Stream("acc", 100.0, ("accX", "accY", "accZ"), "m/s2")
NAME = "ac:87:a3:0a:2d:1b"


@pytest.fixture
def vectors(shared: Path) -> Path:
    return shared / "formats/vectors"


def item(segments: tuple[Segment, ...], n: int = 500) -> Item:
    signal = Signal(Stream("acc", 100.0, ("x",)), np.zeros((n, 1), "<f4"))
    return Item("rec", (signal,), {"labels": Labels(segments)})


def bring(tmp_path: Path, path: Path, **told: object) -> Recording:
    project = create(tmp_path / "project")
    (found,) = finish(import_path(project, path, **told))  # type: ignore[arg-type]
    return load(project.recordings_path / found)


@pytest.mark.parametrize("key_of", ["fed53116f20684c067774ebf9e7bcbdc"])
def test_edge_impulse_bytes(vectors: Path, key_of: str) -> None:
    told = header(ACC, NAME, "TEST")
    for name, made in (
        ("ei_acquisition.json", json_bytes(told, [ROWS], key_of, 1700000000)),
        ("ei_acquisition.cbor", cbor_bytes(told, [ROWS], key_of)),
    ):
        golden = (vectors / name).read_bytes()
        assert made == golden and signed(golden, key_of) and not signed(golden, "0")
        assert not signed(golden.replace(b"TEST", b"TESS"), key_of)


@pytest.mark.parametrize("name", ["ei_acquisition.json", "ei_acquisition.cbor"])
def test_edge_impulse_is_read(tmp_path: Path, vectors: Path, name: str) -> None:
    found = bring(tmp_path, vectors / name)
    (stream,) = found.streams
    assert (stream.rate_hz, stream.channels, stream.unit) == (100.0, ("accX", "accY", "accZ"), "m/s2")
    assert np.array_equal(found.raw(stream.name), ROWS.astype("<f4")) and found.device["device_name"] == NAME


@given(st.integers(1, 3), st.sampled_from([np.float64, np.int16]))
def test_cbor_is_what_a_cbor_reader_reads(n_channels: int, kind: type) -> None:
    rows = np.arange(12).reshape(-1, n_channels).astype(kind)
    data = cbor_bytes(header(Stream("s", 50.0, ("a",) * n_channels)), [rows[:2], rows[2:]], "k")
    values = cbor2.loads(data)["payload"]["values"]
    assert values == (rows[:, 0] if n_channels == 1 else rows).tolist() and signed(data, "k")


def test_label_bytes(tmp_path: Path, vectors: Path) -> None:
    """Those that we write ourselves are the golden ones to the byte."""
    for name, format, segments in (
        ("audacity.txt", "audacity", (DOWN, UP)),
        ("imagimob.label", "imagimob-label", (Segment(1.3641681, 1.3641681 + 0.7825696, "down"),)),
        ("structured_labels.labels", "edge-impulse-labels", (Segment(1.36, 2.15, "down"),)),
    ):
        LABEL_FILES[format].write(tmp_path / name, item(segments))
        assert (tmp_path / name).read_bytes().rstrip() == (vectors / name).read_bytes().rstrip(), name
    LABEL_FILES["sensiml-dai"].write(
        tmp_path / "x.dai", item((Segment(1.36, 2.16, "down"), Segment(3.0, 3.51, UP.label)))
    )
    mine, golden = (json.loads(p.read_text()) for p in (tmp_path / "x.dai", vectors / "sensiml.dai"))
    golden[0]["metadata"], golden[0]["sessions"][0]["session_name"] = [], "labels"
    assert mine == golden


@pytest.mark.parametrize(
    ("name", "track", "segments"),
    [
        ("audacity.txt", "labels", [DOWN, UP]),
        ("imagimob.label", "labels", [Segment(1.3641681, 1.3641681 + 0.7825696, "down")]),
        ("elan.eaf", "gold", [Segment(1.364, 2.147, "down"), UP]),
        ("praat.TextGrid", "gold", [Segment(1.3641681, 2.1467377, "down"), UP]),
        ("sensiml.dai", "gold", [Segment(1.36, 2.16, "down"), Segment(3.0, 3.51, 'up, "fast"')]),
        ("structured_labels.labels", "labels", [Segment(1.36, 2.15, "down")]),
    ],
)
def test_labels_are_read(vectors: Path, name: str, track: str, segments: list[Segment]) -> None:
    assert read_label_file(vectors / name, About("rec.csv", 100.0, 500, 5.0)) == {track: segments}
    assert label_format_of(vectors / name)


def test_elan_and_praat_read_by_the_others(tmp_path: Path) -> None:
    """pympi reads our TextGrid, praatio does too; both agree with what was written."""
    from praatio import textgrid
    from pympi.Elan import Eaf
    from pympi.Praat import TextGrid

    made = item((DOWN, UP, Segment(4.0, 4.0, 'say "a"')))
    LABEL_FILES["praat"].write(tmp_path / "a.TextGrid", made)
    spans = [(DOWN.start_s, DOWN.stop_s, "down"), (3.0, 3.5, UP.label)]
    tiers = {t.name: t for t in TextGrid(str(tmp_path / "a.TextGrid")).get_tiers()}
    assert [s for s in tiers["labels"].get_all_intervals() if s[2]] == spans and tiers["labels (points)"].intervals == [
        (4.0, 'say "a"')
    ]
    other = textgrid.openTextgrid(str(tmp_path / "a.TextGrid"), False)
    assert [tuple(e) for e in other.getTier("labels").entries] == spans
    LABEL_FILES["elan"].write(tmp_path / "a.eaf", item((DOWN, UP)))
    rows = Eaf(str(tmp_path / "a.eaf")).get_annotation_data_for_tier("labels")
    assert [row[:3] for row in rows] == [(1364, 2147, "down"), (3000, 3500, UP.label)]


def test_xdf(tmp_path: Path, vectors: Path) -> None:
    found = bring(tmp_path, vectors / "minimal.xdf")
    (stream,) = found.streams
    assert (stream.name, stream.rate_hz, stream.channels) == ("acc", 100.0, ("ax", "ay", "az"))
    assert (stream.unit, stream.dtype, stream.kind) == ("g", "f32", "ACC") and found.n_samples["acc"] == 100


def test_mcap(tmp_path: Path, vectors: Path) -> None:
    found = bring(tmp_path, vectors / "minimal.mcap")
    (stream,) = found.streams
    assert (
        stream.channels == ("ax", "ay", "az") and stream.name == "acc" and found.raw("acc")[:, 0].tolist() == [0, 1, 2]
    )


def test_xdf_and_mcap_read_by_the_others(tmp_path: Path) -> None:
    import pyxdf
    from mcap.reader import make_reader

    rows = np.arange(20, dtype="<i2").reshape(10, 2)
    signal = Signal(Stream("acc", 50.0, ("x", "y"), "g", "i16", 0.5), rows, ((4, 2),))
    made = Item("r", (signal,), {"labels": Labels((Segment(0.02, 0.1, "wave"),))})
    (path,) = FORMATS["xdf"].write(tmp_path, [made], Options())  # type: ignore[misc]
    found, _ = pyxdf.load_xdf(str(path), dejitter_timestamps=False)
    acc, marks = found
    assert np.array_equal(acc["time_series"], np.delete(rows, [4, 5], axis=0)) and acc["time_series"].dtype == np.int16
    assert acc["time_stamps"].tolist() == pytest.approx([i / 50 for i in (0, 1, 2, 3, 6, 7, 8, 9)])
    assert marks["time_series"][0][0] == "wave" and marks["time_stamps"][0] == 0.02
    (path,) = FORMATS["mcap"].write(tmp_path, [made], Options())  # type: ignore[misc]
    with open(path, "rb") as file:
        messages = [(c.topic, m.sequence, json.loads(m.data)) for _, c, m in make_reader(file).iter_messages()]
    assert [m for m in messages if m[0] == "/acc"][4] == ("/acc", 6, {"x": 12, "y": 13})


def test_wav_cues_read_by_soundfile(tmp_path: Path) -> None:
    import soundfile

    made = item((DOWN, UP, Segment(4, 4, "tap", comment="é")))
    (path,) = FORMATS["wav"].write(tmp_path, [made], Options())  # type: ignore[misc]
    samples, rate = soundfile.read(path, dtype="float32")
    assert rate == 100 and len(samples) == 500
    assert read_cues(path, 100.0) == [Segment(1.36, 2.15, "down"), UP, Segment(4.0, 4.0, "tap", comment="é")]


def test_acconeer_recordings(tmp_path: Path, shared: Path) -> None:
    """Frames, rate and shape of Acconeer's own samples, against h5py."""
    import h5py

    file = shared / "data/radar_acconeer_samples/presence-default.h5"
    found = bring(tmp_path, file)
    (stream,) = found.streams
    with h5py.File(file) as raw:
        frames = raw["sessions/session_0/group_0/entry_0/result/frame"][()]
        ticks = raw["sessions/session_0/group_0/entry_0/result/tick"][()]
        per_s = json.loads(raw["server_info"][()])["ticks_per_second"]
    assert stream.kind == "radar" and stream.dtype == "i16" and len(stream.channels) == frames[0].size * 2
    assert np.array_equal(found.raw("radar")[:, 1::2].reshape(frames.shape), frames["imag"])
    assert stream.rate_hz == pytest.approx(per_s * (len(ticks) - 1) / (ticks[-1] - ticks[0]), rel=1e-5)
    assert stream.channels[:3] == ("s0p0re", "s0p0im", "s0p1re")


def test_every_acconeer_sample(tmp_path: Path, shared: Path) -> None:
    project = create(tmp_path / "p")
    for file in sorted((shared / "data/radar_acconeer_samples").glob("*.h5")):
        ids = finish(import_path(project, file))
        assert all(load(project.recordings_path / i).duration_s > 0 for i in ids), file.name
