"""There and back: for random recordings, what an export reports is what the file then lacks, no more and no less.

`difference` knows nothing of formats: it compares a recording with what came home.
"""

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from studio.data.formats import FORMATS, import_path
from studio.data.formats.exporting import carry_out, plan
from studio.data.formats.piece import Hints
from studio.data.label_files import LABEL_FILES, read_label_file
from studio.data.label_files.about import About
from studio.data.labels import Labels, Segment
from studio.data.project import Project, create
from studio.data.recording import Recording, Writer, load, save
from studio.data.stream import Chunk, Stream
from studio.data.travel.entry import KINDS
from studio.data.travel.fit import file_name, fit
from studio.data.travel.holds import Holds, cannot
from studio.data.travel.item import Item, item_of
from studio.data.travel.settle import settle
from studio.data.video import VideoTrack
from studio.errors import InputError
from studio.progress import finish

DATA = [name for name, row in FORMATS.items() if row.write is not None]
SAME_S = 2e-9
SUFFIXES = (".TextGrid", ".labels.csv")
#: Shrinking a recording takes minutes and tells little.
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)

# --- random recordings -------------------------------------------------------------------

WORDS = st.text(st.sampled_from("ab é\"',;\t\n<&>\\äß漢\x01#|-"), min_size=1, max_size=8).filter(lambda w: w.strip())
NAMES = st.text(st.sampled_from("xyz é\",;<&'"), min_size=1, max_size=5).filter(lambda w: w.strip() == w and w)
RATES = st.one_of(
    st.sampled_from([10.0, 50.0, 104.0, 16000.0, 62.5, 0.5, 1e6]),
    st.floats(0.7, 5000).map(lambda x: float(f"{x:.6g}")),
    st.floats(0.7, 5000),
)


@st.composite
def streams(draw: Any, name: str) -> tuple[Stream, list[tuple[int, np.ndarray]]]:
    """A stream and its runs (start, values)."""
    n_channels = draw(st.integers(1, 3))
    dtype = draw(st.sampled_from(["i16", "i32", "f32"]))
    channels = tuple(draw(st.lists(NAMES, min_size=n_channels, max_size=n_channels)))
    scale = draw(st.sampled_from([1.0, 2.0**-15, 0.25, 1 / 4096, 2.0**-31]))
    kind = draw(st.sampled_from(["sensor", "microphone", "accelerometer"]))
    unit = draw(st.sampled_from(["", "g", "m/s2", "N/A", "wav", "°/s"]))
    stream = Stream(name, draw(RATES), channels, unit, dtype, scale if dtype != "f32" else 1.0, kind)
    luck = np.random.default_rng(draw(st.integers(0, 1000)))
    runs, at = [], draw(st.sampled_from([0, 0, 0, 2]))
    for length in draw(st.lists(st.integers(1, 40), min_size=0, max_size=3)):
        runs.append((at, values(luck, dtype, length, n_channels)))
        at += length + draw(st.integers(1, 30))
    return stream, runs


def values(luck: np.random.Generator, dtype: str, n: int, channels: int) -> np.ndarray:
    """Small, large and awkward numbers of a type."""
    if dtype == "f32":
        return (luck.normal(size=(n, channels)) * luck.choice([1e-3, 0.3, 40.0])).astype("<f4")
    top = 2**15 if dtype == "i16" else int(luck.choice([1000, 2**31]))
    return luck.integers(-top, top, (n, channels)).astype("<i2" if dtype == "i16" else "<i4")


@st.composite
def tracks(draw: Any, end_s: float) -> Labels:
    """Labels that touch, points, confidence, comments, odd words."""
    borders = sorted(draw(st.lists(st.floats(0, end_s), max_size=8, unique=True)))
    if draw(st.booleans()):
        borders = sorted({round(b, 3) for b in borders if round(b, 3) <= end_s})
    found: list[Segment] = []
    for i, (a, b) in enumerate(itertools.pairwise(borders)):
        if b - a > 1e-5 and draw(st.booleans()):
            label = draw(st.sampled_from(["a", "long name", draw(WORDS)])) + str(
                i
            )  # equal labels only where they touch
            touches = found and found[-1].stop_s == a and draw(st.booleans())
            found.append(Segment(a, b, found[-1].label if touches else label))
    if found and draw(st.booleans()):
        found[0] = replace(found[0], label="unlabeled")
    for i, at in enumerate(draw(st.lists(st.floats(0, end_s), max_size=2, unique=True))):
        found.append(Segment(at, at, f"{draw(WORDS)}p{i}"))
    if draw(st.booleans()):
        found = [replace(s, score=draw(st.sampled_from([0.25, 1.0, 1 / 3]))) for s in found]
    if draw(st.booleans()):
        found = [replace(s, comment=draw(st.one_of(st.just(""), WORDS))) for s in found]
    return Labels(tuple(sorted(found)))


@st.composite
def drawn(draw: Any) -> dict[str, Any]:
    """What `made` turns into a recording."""
    n = draw(st.integers(1, 2))
    found = [draw(streams(name)) for name in ["acc 1", "mic.x"][:n]]
    end_s = max((runs[-1][0] + len(runs[-1][1])) / s.rate_hz if runs else 0.0 for s, runs in found)
    names = draw(st.lists(st.sampled_from(["labels", "labels:jo", "proposed:x y"]), max_size=3, unique=True))
    return {
        "streams": found,
        "tracks": {name: draw(tracks(end_s)) for name in names} if end_s else {},
        "subject": draw(st.sampled_from(["", "7", "Zoë, A."])),
        "split": draw(st.sampled_from(["", "train", "test"])),
        "device": draw(st.sampled_from([{}, {"board": "nano"}])),
        "stamps": draw(st.booleans()),
    }


def made(folder: Path, told: dict[str, Any]) -> Recording:
    """The recording on disk."""
    found = told["streams"]
    writer = Writer(folder, [s for s, _ in found], told["subject"], told["device"])
    for s, runs in found:
        writer.append(Chunk(s, 0, np.zeros((0, len(s.channels)), s.numpy_dtype)))
        for at, rows in runs:
            writer.append(Chunk(s, at, rows, 0, 1000 + at if told["stamps"] else 0))
    closed = writer.close()
    save(replace(closed, labels=told["tracks"], split=told["split"]))
    return load(folder)


# --- the oracle --------------------------------------------------------------------------


def difference(old: Item, homes: list[Item], told_rate: bool) -> Counter[str]:
    """Kinds of loss between a recording and the recordings that came of it, with how many places each has."""
    lost: Counter[str] = Counter()
    full = [s for s in old.signals if len(s)]
    back = {i: (home, s) for i, (home, s) in enumerate((h, s) for h in homes for s in h.signals)}
    lost["streams"] += len(old.signals) - len(back)
    if len(homes) > 1:
        lost["streams"] += len(back)
    kept = full[: len(back)] if len(full) == len(back) else [s for s in full if len(s) >= 2]
    assert len(kept) == len(back)
    for signal, (_, home) in zip(kept, back.values(), strict=True):
        compare_signal(signal, home, lost, told_rate)
    for name in ("subject", "split", "device", "created"):
        was, now = getattr(old, name), getattr(homes[0], name) if homes else ""
        lost[name] += bool(was) and was != now
    lost["clock"] += old.clocked
    return lost


def compare_signal(old: Any, new: Any, lost: Counter[str], told_rate: bool) -> None:
    a, b = old.stream, new.stream
    lost["rate"] += told_rate or a.rate_hz != b.rate_hz
    for name in ("dtype", "unit", "name", "kind", "channels"):
        lost[name] += getattr(a, name) != getattr(b, name)
    assert len(old) == len(new)
    lost["gaps"] += len(set(old.gaps) - set(new.gaps))
    assert set(new.gaps) <= set(old.gaps)
    x, y = old.rows(0, len(old)), new.rows(0, len(new))
    if np.array_equal(a.to_unit(x), b.to_unit(y)):
        return
    exact = x.astype(np.float64) * a.scale, y.astype(np.float64) * b.scale
    factors = [a.scale / b.scale, a.scale / b.scale / 256, *(2.0**k for k in range(40))]
    off = {f: int((~np.isclose(exact[0], exact[1] * f, rtol=1e-12, atol=0)).sum()) for f in factors}
    best = min(off, key=lambda f: (off[f], np.abs(exact[0] - exact[1] * f).sum(), abs(np.log2(f))))
    lost["scale"] += best != 1.0
    lost["values"] += off[best]


def compare_tracks(
    old: Mapping[str, Labels], new: Mapping[str, Labels], by: float, end_s: float, holds: Holds
) -> Counter[str]:
    """What became of the labels; times of the new ones are those of the old times `by`."""
    lost: Counter[str] = Counter()
    for name, track in old.items():
        if holds.tracks == "one" and name != "labels":
            lost["tracks"] += len(track)
            continue
        lost += compare_track(list(track.segments), list(new.get(name, Labels()).segments), by, end_s, holds)
    extra = set(new) - set(old)
    assert not extra, extra
    return lost


def compare_track(old: list[Segment], new: list[Segment], by: float, end_s: float, holds: Holds) -> Counter[str]:
    """Match every old label with the new one that covers it, and see what is not the same."""
    lost: Counter[str] = Counter()
    new = [replace(s, start_s=s.start_s / by, stop_s=s.stop_s / by) for s in new]
    points, spans = [s for s in new if s.is_point], [s for s in new if not s.is_point]
    used: Counter[int] = Counter()
    homes = [match(s, points if s.is_point else spans) for s in old]
    if not holds.filler:  # only a format that covers all time joins neighbours: elsewhere a label has a home of its own
        homes = [home if best(s, home, old, homes) else None for s, home in zip(old, homes, strict=True)]
    for s, home in zip(old, homes, strict=True):
        if home is None:
            lost[gone(s, points, end_s, holds.filler)] += 1
            continue
        used[id(home)] += 1
        lost["confidence"] += s.score != home.score
        silent = bool(s.comment) and not holds.comment
        assert not (silent and home.comment)
        lost["text"] += s.label != home.label or (s.comment != home.comment and not silent)
        lost["comments"] += silent
        outer = s.stop_s > end_s + SAME_S
        lost["past the end"] += outer
        group = [o for o, theirs in zip(old, homes, strict=True) if theirs is home]
        early = abs(group[0].start_s - home.start_s) > SAME_S
        lost["times"] += early or abs(min(group[-1].stop_s, end_s) - home.stop_s) > SAME_S
    lost["merged"] += sum(n - 1 for n in used.values())
    assert len(used) == len(new), "a label came from nowhere"
    return lost


def best(s: Segment, home: Segment | None, old: list[Segment], homes: list[Segment | None]) -> bool:
    """Whether no other label shares more of this home; points that fell together share it all."""
    rivals = [o for o, theirs in zip(old, homes, strict=True) if theirs is home and not o.is_point]
    return s.is_point or home is None or max(rivals, key=lambda o: shared(o, home)) is s


def shared(a: Segment, b: Segment) -> float:
    return min(a.stop_s, b.stop_s) - max(a.start_s, b.start_s)


def gone(s: Segment, points: list[Segment], end_s: float, filler: str) -> str:
    """Why a label has no counterpart."""
    if s.start_s > end_s + SAME_S or (s.start_s > end_s - SAME_S and not s.is_point):  # a double's own rounding
        return "past the end"
    if s.is_point and not points:
        return "points"
    return "filler" if s.label.strip("\x01 \n\t") == filler else "short"


def match(s: Segment, new: list[Segment]) -> Segment | None:
    """The new label of most overlap; for a point the nearest with its letters."""
    letters = "".join(s.label.split()).replace("\x01", "") or "?"
    same = [n for n in new if "".join(n.label.split()).replace("\x01", "") == letters]
    if s.is_point:
        near = min(same, key=lambda n: abs(n.start_s - s.start_s), default=None)
        return near
    shared = [(min(n.stop_s, s.stop_s) - max(n.start_s, s.start_s), i) for i, n in enumerate(same)]
    best = max(shared, default=(0.0, -1))
    return same[best[1]] if best[0] > 0 else None


# --- there and back ----------------------------------------------------------------------


def go_there(folder: Path, told: dict[str, Any], format: str) -> tuple[Item, Any, list[Path]]:
    """(what went out, the plan with its report, the files)."""
    recording = made(folder / "original", told)
    planned = finish(plan([recording], format))
    return item_of(recording), planned, finish(carry_out(planned, folder / "out"))


def come_back(folder: Path, format: str, files: list[Path], rates: list[float]) -> list[Item]:
    """What an import makes of the files, one item each."""
    project: Project = create(folder / "project")
    found = []
    suffixes = FORMATS[format].suffixes
    if format == "manifest":
        paths = [folder / "out"]
    elif format == "imagimob":
        paths = [f for f in files if f.suffix == ".imsession"]
    else:
        paths = [
            f for f in files if f.suffix in suffixes and f.suffix != ".dcli" and not f.name.endswith(".labels.csv")
        ]
    for i, path in enumerate(sorted(paths, key=lambda p: (p.stem.endswith("mic.x"), p.name))):
        hints = Hints(rate_hz=rates[i]) if not FORMATS[format].holds.rate else Hints()
        ids = finish(import_path(project, path, format, hints=hints))
        found += [item_of(load(project.recordings_path / i)) for i in ids]
    return found


def counted(entries: Any, kinds: set[str]) -> Counter[str]:
    found: Counter[str] = Counter()
    for e in entries:
        if e.kind in kinds:
            found[e.kind] += e.count
    return found


LABEL_KINDS = {
    "tracks",
    "points",
    "confidence",
    "comments",
    "text",
    "times",
    "short",
    "merged",
    "filler",
    "past the end",
}


def summed(lost: Counter[str]) -> dict[str, int]:
    """Counts, but for borders: a short label that vanishes and one that joins its neighbour look alike from outside."""
    found = {k: n for k, n in lost.items() if n and k not in ("times", "short", "merged")}
    return found | {"vanished": lost["short"] + lost["merged"], "times": bool(lost["times"])}


@pytest.mark.parametrize("format", DATA)
@settings(max_examples=12, phases=PHASES)
@given(told=drawn())
def test_the_report_is_the_difference(format: str, told: dict[str, Any]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        old, planned, files = go_there(folder, told, format)
        rates = [s.stream.rate_hz for s in old.signals if len(s) >= FORMATS[format].holds.least]
        if not planned.items:
            kinds = {"streams", "subject", "split", "device", "created", "clock", "labels"}
            assert {e.kind for e in planned.entries} <= kinds
            lost = {e.where: e.count for e in planned.entries if e.kind == "labels"}
            assert lost == {name: len(track) for name, track in old.tracks.items()}
            return
        homes = come_back(folder, format, files, rates)
        for fitted, home in zip(planned.items, homes, strict=True):
            same_item(fitted, home)
        lost = difference(old, homes, not FORMATS[format].holds.rate)
        said = counted(planned.entries, set(KINDS) - LABEL_KINDS)
        assert {k: n for k, n in lost.items() if n} == dict(said), planned.entries
        labels: Counter[str] = Counter()
        for home in homes:
            labels += labels_lost(old, home, format, len(homes))
        assert summed(labels) == summed(counted(planned.entries, LABEL_KINDS)), planned.entries
    except InputError as e:
        assert format == "flac" and "channels" in str(e)
    finally:
        shutil.rmtree(folder)


def labels_lost(old: Item, home: Item, format: str, n: int) -> Counter[str]:
    holds = FORMATS[format].holds
    kept = [s for s in old.signals if len(s) >= holds.least]
    signal = next((s for s in kept if n > 1 and home.name.startswith(f"original-{s.stream.name[:3]}")), None)
    signal = signal or max(kept, key=lambda s: s.duration_s)
    by = signal.stream.rate_hz / home.beat.stream.rate_hz
    end_s = home.duration_s / by if len(home.signals) == 1 else home.duration_s
    return compare_tracks(old.tracks, home.tracks, by, end_s, holds)


def same_item(fitted: Item, home: Item) -> None:
    """What was promised is what came home."""
    assert [s.stream for s in fitted.signals] == [s.stream for s in home.signals]
    for a, b in zip(fitted.signals, home.signals, strict=True):
        assert a.gaps == b.gaps and np.array_equal(a.rows(0, len(a)), b.rows(0, len(b)))
    assert (fitted.subject, fitted.split) == (home.subject, home.split)
    if fitted.device:
        assert fitted.device == home.device
    same_tracks(fitted.tracks, home.tracks)


def same_tracks(a: Mapping[str, Labels], b: Mapping[str, Labels]) -> None:
    assert set(a) == set(b)
    for name in a:
        pairs = list(zip(a[name].segments, b[name].segments, strict=True))
        for x, y in pairs:
            assert (x.label, x.score, x.comment) == (y.label, y.score, y.comment)
            assert abs(x.start_s - y.start_s) < SAME_S and abs(x.stop_s - y.stop_s) < SAME_S, (x, y)


# --- labels alone ------------------------------------------------------------------------


@pytest.mark.parametrize("format", list(LABEL_FILES))
@settings(max_examples=15, phases=PHASES)
@given(told=drawn())
def test_the_report_on_labels_is_the_difference(format: str, told: dict[str, Any]) -> None:
    folder = Path(tempfile.mkdtemp())
    try:
        old, planned, files = go_there(folder, told, format)
        if not any(len(s) for s in old.signals):
            return
        holds = LABEL_FILES[format].holds
        known = About("original.csv", old.beat.stream.rate_hz, len(old.beat), old.duration_s)
        slack_s = max(0.0011, *(1 / s.stream.rate_hz for s in old.signals))
        homes: dict[str, Labels] = {}
        for fitted in [i for i in planned.items if i.tracks]:
            (path,) = (
                f for f in files if f.name in (f"{fitted.name}{x}" for x in (*SUFFIXES, *LABEL_FILES[format].suffixes))
            )
            marks = read_label_file(path, known, format)
            home, said = settle(marks, old.duration_s, slack_s, path.name)
            assert not said
            same_tracks(fitted.tracks, home)
            track = next((n for n in old.tracks if fitted.name == f"original.{file_name(n)}"), "labels")
            homes |= {track: home["labels"]} if holds.tracks == "files" else home
        lost = compare_tracks(old.tracks, homes, 1.0, old.duration_s, holds)
        if holds.tracks == "files":
            lost["tracks"] += sum(len(t) for n, t in homes.items() if n != "labels")
        assert summed(lost) == summed(counted(planned.entries, LABEL_KINDS)), planned.entries
        rest = counted(planned.entries, set(KINDS) - LABEL_KINDS)
        always = {"samples", "subject", "split", "device", "created", "clock"}
        assert set(rest) == {
            k for k in always if k in ("samples", "created") or (old.clocked if k == "clock" else getattr(old, k))
        }
    finally:
        shutil.rmtree(folder)


# --- the tables --------------------------------------------------------------------------


@pytest.mark.parametrize("format", [*DATA, *LABEL_FILES])
def test_every_kind_that_can_be_lost_is_declared(format: str) -> None:
    """`cannot` is what Help and the dialog show: it names what a rich recording then loses, and nothing else."""
    stream = Stream("probe 1", 104.7, ("up", "down"), "m/s2", "i32", 0.25, "imu")
    other = replace(stream, name="b")
    folder = Path(tempfile.mkdtemp())
    segments = (
        Segment(0.01, 0.5, "a", 0.5, "why"),
        Segment(0.5, 0.61111111, "a"),
        Segment(0.7, 0.7, "p"),
        Segment(0.8, 0.9, "unlabeled"),
    )
    ones = np.ones((120, 2), "<i4")
    told = {
        "streams": [(stream, [(0, ones[:60]), (70, ones[:50])]), (other, [(0, ones)])],
        "tracks": {"labels": Labels(segments), "labels:jo": Labels(segments)},
        "subject": "7", "split": "test", "device": {"board": "nano"}, "stamps": True,
    }  # fmt: skip
    try:
        row = FORMATS.get(format) or LABEL_FILES[format]
        _, entries = fit(item_of(made(folder / "r", told)), row.holds)
        assert {e.kind for e in entries} == set(cannot(row.holds))
        assert all(e.count > 0 and e.text.endswith(".") and e.kind in KINDS for e in entries)
    finally:
        shutil.rmtree(folder)


def test_reference_video_that_stays_behind_is_said(tmp_path: Path) -> None:
    told = {"streams": [(Stream("a", 50.0, ("x",)), [(0, np.ones((9, 1), "<f4"))])], "tracks": {}, "subject": ""}
    recording = made(tmp_path / "r", told | {"split": "", "device": {}, "stamps": False})
    seen = replace(recording, video=(VideoTrack("v.mp4", 0.0, 1.0, "v"),))
    for row in (*FORMATS.values(), *LABEL_FILES.values()):
        assert [e.count for e in fit(item_of(seen), row.holds)[1] if e.kind == "video"] == [1]
        assert not [e for e in fit(item_of(recording), row.holds)[1] if e.kind == "video"]
