"""What is wrong with files from outside: said in three parts, the project as it was, what can be read is read."""

import codecs
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.app.actions.export import export_files, export_report
from studio.app.actions.import_ import import_files
from studio.data.formats import FORMATS, import_path
from studio.data.formats.exporting import carry_out, plan
from studio.data.formats.piece import Hints
from studio.data.label_files import LABEL_FILES, read_label_file
from studio.data.label_files.about import About
from studio.data.labels import Labels, Segment
from studio.data.project import Project, create, new_recording_path, recordings
from studio.data.recording import Recording, load, write
from studio.data.stream import Stream
from studio.data.travel.entry import Entry
from studio.errors import DataError, InputError, StudioError
from studio.progress import finish

ACC = Stream("acc", 50.0, ("x", "y"), "g", "i16", 1 / 4096, "accelerometer")
TRACK = Labels((Segment(0.5, 1.5, "wave"), Segment(2.0, 2.0, "tap"), Segment(2.5, 3.0, "idle", 0.5, "sure?")))


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return create(tmp_path / "project")


@pytest.fixture
def full(project: Project) -> Recording:
    rows = np.arange(400, dtype="<i2").reshape(200, 2)
    return write(new_recording_path(project, "r"), [(ACC, rows)], {"labels": TRACK}, "7", "train")


def everything(project: Project) -> list[str]:
    return sorted(f"{p} {p.read_bytes()!r}" for p in project.path.rglob("*") if p.is_file())


def bring(project: Project, path: Path, said: list[Entry] | None = None, **told: Any) -> Recording:
    (found,) = finish(import_path(project, path, said=said, **told))
    return load(project.recordings_path / found)


def sheet(tmp_path: Path, text: str, encoding: str = "utf-8", name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


TEN_S = "time,x\n" + "".join(f"{i / 10},{i}\n" for i in range(100))

# --- letters, decimals, times ------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_any_encoding_and_delimiter(tmp_path: Path, project: Project, encoding: str, delimiter: str) -> None:
    words = '"größe, ""x"""' if delimiter == "," else "größe, 'x'"
    lines = [["time", "x é", "label"], *([f"{i / 10:.1f}", f"{i}.5", words] for i in range(20))]
    text = "\r\n".join(delimiter.join(row) for row in lines)
    found = bring(project, sheet(tmp_path, text, encoding))
    assert found.streams[0].channels == ("x é",) and found.raw("sensor")[3, 0] == 3.5
    assert found.labels["labels"].segments[0].label == ('größe, "x"' if delimiter == "," else "größe, 'x'")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_decimal_commas_beside_words_with_points(tmp_path: Path, project: Project, delimiter: str) -> None:
    rows = "".join(delimiter.join([f"{i / 50:.2f}".replace(".", ","), f"{i},25", "Dr. No"]) + "\n" for i in range(50))
    found = bring(project, sheet(tmp_path, delimiter.join(["time", "x", "label"]) + "\n" + rows))
    assert found.streams[0].rate_hz == 50 and found.raw("sensor")[7, 0] == 7.25
    assert found.labels["labels"].segments == (Segment(0, 1, "Dr. No"),)


@pytest.mark.parametrize(
    "stamp",
    [
        lambda i: f"2026-01-02T03:04:{i * 0.05:06.3f}Z",
        lambda i: f"2026-01-02 03:04:{i * 0.05:06.3f}",
        lambda i: f"2026-01-02T03:04:{i * 0.05:06.3f}+02:00",
        lambda i: str(1700000000000 + i * 50),
        lambda i: str(1700000000000000 + i * 50000),
        lambda i: str(1700000000 + i * 0.05),
    ],
)
def test_moments_of_the_calendar(tmp_path: Path, project: Project, stamp: Any) -> None:
    text = "timestamp,x\n" + "".join(f"{stamp(i)},{i}\n" for i in range(100) if i != 40)
    found = bring(project, sheet(tmp_path, text))
    assert found.streams[0].rate_hz == 20 and found.gaps == {"sensor": ((40, 1),)}


@pytest.mark.parametrize("format", list(LABEL_FILES))
@pytest.mark.parametrize("mark", [codecs.BOM_UTF8, b"utf-16"])
def test_label_files_with_a_mark(tmp_path: Path, full: Recording, format: str, mark: bytes) -> None:
    """Notepad and Praat put marks and UTF-16 where the programs did not."""
    (path,) = finish(carry_out(finish(plan([full], format)), tmp_path / "out"))
    known = About("r-001.csv", 50.0, 200, 4.0)
    expected = read_label_file(path, known, format)
    raw = path.read_bytes()
    if format == "elan" and mark == b"utf-16":
        return  # an XML file says its encoding itself
    path.write_bytes(codecs.BOM_UTF8 + raw if mark == codecs.BOM_UTF8 else raw.decode().encode("utf-16"))
    assert read_label_file(path, known, format) == expected and expected


# --- labels that do not fit --------------------------------------------------------------


def labels(tmp_path: Path, rows: str, name: str = "l.txt") -> Path:
    return sheet(tmp_path, rows, name=name)


def test_labels_past_the_end_are_cut_and_said(tmp_path: Path, project: Project) -> None:
    said: list[Entry] = []
    file = labels(tmp_path, "1\t2\ta\n3\t5\tb\n8\t12\tc\n14\t15\td\n")
    found = bring(project, sheet(tmp_path, TEN_S), said, labels=file)
    assert [(s.start_s, s.stop_s, s.label) for s in found.labels["labels"].segments] == [
        (1, 2, "a"), (3, 5, "b"), (8, 10, "c"),
    ]  # fmt: skip
    (entry,) = said
    assert (entry.kind, entry.count, entry.recording) == ("past the end", 2, found.id) and "10 s" in entry.text


def test_labels_of_another_recording_are_refused(tmp_path: Path, project: Project) -> None:
    before = everything(project)
    for rows in ("1\t2\ta\n30\t35\tb\n80\t120\tc\n", "0\t60\ta\n", "20\t20\tp\n21\t21\tq\n"):
        with pytest.raises(DataError, match="past the end at 10 s") as caught:
            bring(project, sheet(tmp_path, TEN_S), labels=labels(tmp_path, rows))
        assert "label file of this recording" in caught.value.next_step and everything(project) == before


def test_a_label_file_that_names_other_recordings(tmp_path: Path, project: Project) -> None:
    rows = '[{"file_name": "a.csv", "sessions": []}, {"file_name": "b.csv", "sessions": []}]'
    with pytest.raises(DataError, match=r"has labels for a.csv, b.csv, none for 'file.csv'"):
        bring(project, sheet(tmp_path, TEN_S), labels=labels(tmp_path, rows, "x.dai"))


def test_overlapping_labels_go_to_more_tracks(tmp_path: Path, project: Project) -> None:
    said: list[Entry] = []
    file = labels(tmp_path, "1\t4\ta\n2\t3\tb\n2.5\t6\tc\n4\t5\td\n2\t2\tp\n2\t2\tp\n")
    found = bring(project, sheet(tmp_path, TEN_S), said, labels=file)
    assert {n: "".join(s.label for s in t.segments) for n, t in found.labels.items()} == {
        "labels": "apd", "labels 2": "b", "labels 3": "c",
    }  # fmt: skip
    assert [(e.kind, e.count) for e in said] == [("overlap", 2)] and "2 more tracks" in said[0].text


def test_labels_for_a_recording_that_is_here(tmp_path: Path, full: Recording, project: Project) -> None:
    """From the command line: into the recording named, else the one the file was made for."""
    file = labels(tmp_path, "1\t2\thop\n3.9\t4.2\tend\n", "r-001.txt")
    found = finish(import_files(project.path, (file,)))
    assert found["labelled"] == ["r-001"] and [e["kind"] for e in found["report"]] == ["past the end"]
    now = load(full.path)
    assert now.labels["labels"] == TRACK and [s.stop_s for s in now.labels["labels:r-001"].segments] == [2, 4]
    with pytest.raises(InputError, match=r"names no recording of the project \(gone\)"):
        finish(import_files(project.path, (file,), into="gone"))
    write(new_recording_path(project, "q"), [(ACC, np.zeros((50, 2), "<i2"))])
    with pytest.raises(InputError, match="could be of 2 recordings"):
        finish(import_files(project.path, (labels(tmp_path, "1\t2\thop\n", "x.txt"),)))


# --- files that end early ----------------------------------------------------------------


@pytest.mark.parametrize("format", ["xdf", "mcap"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.999])
def test_what_is_whole_in_a_half_written_file_is_read(tmp_path: Path, format: str, share: float) -> None:
    project = create(tmp_path / "p")
    stream = Stream("acc", 1000.0, ("x",), "g", "i16")
    rows = np.arange(60_000, dtype="<i2").reshape(-1, 1)
    made = write(new_recording_path(project, "r"), [(stream, rows)])
    (path,) = finish(carry_out(finish(plan([made], format)), tmp_path / "out"))
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    said: list[Entry] = []
    found = bring(project, path, said)
    n = found.n_samples["acc"]
    assert 0.2 * share < n / len(rows) <= 1 and np.array_equal(found.raw("acc"), rows[:n])
    if n < len(rows):
        assert [e.kind for e in said] == ["unread"] and found.id == said[0].recording


# --- large files -------------------------------------------------------------------------

LIMITED = """
import resource, sys
from pathlib import Path
from studio.data.formats import import_path
from studio.data.project import open_project
from studio.progress import finish
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
steps = []
finish(import_path(open_project(Path(sys.argv[1])), Path(sys.argv[2])), steps.append)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base, len(steps))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory the way Linux does")
def test_a_large_csv_needs_little_memory(tmp_path: Path, project: Project) -> None:
    """A CSV whose cells alone would be over 100 MB in memory, with less than 60 MB and with progress."""
    path = tmp_path / "large.csv"
    with open(path, "w") as file:
        file.write("x,y,label,time\n")
        for i in range(300):
            file.writelines(f"{i}.{j:04d},{j},walk,{(i * 1000 + j) / 1000}\n" for j in range(1000))
    assert path.stat().st_size > 5e6
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(project.path), str(path)], capture_output=True, text=True, check=True
    )
    kilobytes, steps = map(int, done.stdout.split())
    assert kilobytes < 60_000 and steps > 15
    (found,) = recordings(project)
    assert found.n_samples["sensor"] == 300_000 and found.streams[0].rate_hz == 1000
    assert found.labels["labels"].segments == (Segment(0, 300, "walk"),)


@pytest.mark.parametrize("written", [False, True])
def test_a_stopped_import_leaves_the_project_as_it_was(tmp_path: Path, project: Project, written: bool) -> None:
    """Also while the time column is looked through, before anything is written."""
    path, stop = tmp_path / "large.csv", tmp_path / "stop"
    path.write_text("time,x\n" + "".join(f"{i / 100},{i}\n" for i in range(90_000)))
    before = everything(project)
    work = import_files(project.path, (path,), stop=stop)
    next(work), next(work)
    while written and not any(project.recordings_path.glob(".import-*/000000/*.raw")):
        next(work)
    stop.touch()
    assert finish(work) == {"recordings": [], "labelled": [], "report": [], "stopped": True}
    assert everything(project) == before and not list(project.recordings_path.iterdir())


# --- exports that fail -------------------------------------------------------------------


def test_an_export_touches_nothing_that_is_there(tmp_path: Path, full: Recording, project: Project) -> None:
    out = tmp_path / "out"
    first = finish(export_files(project.path, out, "csv"))
    content = {p.name: p.read_bytes() for p in out.iterdir()}
    assert sorted(content) == ["r-001.csv", "r-001.labels.csv"] and len(first["files"]) == 2
    with pytest.raises(InputError, match="exists already"):
        finish(export_files(project.path, out, "csv"))
    assert {p.name: p.read_bytes() for p in out.iterdir()} == content
    work = export_files(project.path, tmp_path / "new", "wav")
    next(work), next(work)
    work.close()
    assert not (tmp_path / "new").exists() and not list(tmp_path.glob(".export-*"))


def test_exports_that_cannot_be(tmp_path: Path, full: Recording, project: Project) -> None:
    with pytest.raises(InputError, match=r"Format 'docx': is not known\. Choose one of csv, wav"):
        finish(export_files(project.path, tmp_path / "o", "docx"))
    with pytest.raises(InputError, match="Recording 'gone': is not in the project"):
        finish(export_files(project.path, tmp_path / "o", "csv", ("gone",)))
    with pytest.raises(InputError, match="is a file"):
        finish(export_files(project.path, project.path / "project.json", "csv"))
    told = finish(export_report(project.path, "audacity"))
    assert {e["kind"] for e in told["report"]} == {"samples", "subject", "split", "created", "confidence", "comments"}


# --- garbage -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, bytes]]:
    """One small file of every format that can be written: (name, content)."""
    folder = tmp_path_factory.mktemp("samples")
    project = create(folder / "project")
    rows = np.arange(400, dtype="<i2").reshape(200, 2)
    made = write(new_recording_path(project, "r"), [(ACC, rows)], {"labels": TRACK}, "7", "train")
    found = {}
    for name in [*(n for n, f in FORMATS.items() if f.write), *LABEL_FILES]:
        files = finish(carry_out(finish(plan([made], name)), folder / name))
        suffixes = (FORMATS.get(name) or LABEL_FILES[name]).suffixes
        path = next(f for f in files if f.name.lower().endswith(suffixes))
        found[name] = (path.name, path.read_bytes())
    return found


MANGLE = st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=0, max_size=6), st.integers(0, 40)), max_size=3)


def mangled(raw: bytes, how: list[tuple[float, bytes, int]], keep: float) -> bytes:
    """Some bytes changed, put in or left out, and the end cut off."""
    for at, new, less in how:
        i = int(at * len(raw))
        raw = raw[:i] + new + raw[i + less :]
    return raw[: int(len(raw) * keep)]


@pytest.mark.parametrize("format", [n for n, f in FORMATS.items() if f.write])
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(how=MANGLE, keep=st.one_of(st.just(1.0), st.floats(0, 1)), garbage=st.one_of(st.none(), st.binary(max_size=200)))
def test_damaged_files_are_told_or_read(
    samples: Any, format: str, how: Any, keep: float, garbage: bytes | None
) -> None:
    name, raw = samples[format]
    with tempfile.TemporaryDirectory() as folder:
        project = create(Path(folder) / "p")
        path = Path(folder) / name
        path.write_bytes(mangled(raw, how, keep) if garbage is None else garbage)
        before = everything(project)
        try:
            ids = finish(import_path(project, path, format, hints=Hints(rate_hz=50.0) if format == "npy" else None))
            assert all(load(project.recordings_path / i) for i in ids)
        except StudioError as e:
            assert e.thing and e.seen and e.next_step and everything(project) == before
        assert not list(project.recordings_path.glob(".*"))


@pytest.mark.parametrize("format", list(LABEL_FILES))
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(how=MANGLE, keep=st.one_of(st.just(1.0), st.floats(0, 1)), garbage=st.one_of(st.none(), st.binary(max_size=200)))
def test_damaged_label_files_are_told_or_read(
    samples: Any, format: str, how: Any, keep: float, garbage: bytes | None
) -> None:
    name, raw = samples[format]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(mangled(raw, how, keep) if garbage is None else garbage)
        try:
            found = read_label_file(path, About(name, 50.0, 200, 4.0), format)
            assert all(isinstance(s, Segment) for track in found.values() for s in track)
        except StudioError as e:
            assert e.thing and e.seen and e.next_step
