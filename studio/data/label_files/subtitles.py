"""Subtitles as labels: SubRip (.srt) and WebVTT (.vtt). Milliseconds, any overlap, no points."""

import html
import re
from pathlib import Path

from studio.data.label_files.about import About, LabelFormat
from studio.data.labels import Segment
from studio.data.travel.holds import Holds, one_line
from studio.data.travel.item import Item
from studio.data.travel.letters import text_of
from studio.errors import DataError
from studio.paths import write_atomic

_STAMP = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_STAMP}\s*-->\s*{_STAMP}.*")
_TAG = re.compile(r"</?[a-zA-Z0-9.: _-]*>")


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """A label for each cue; its lines become one."""
    found, lines = [], text_of(path).splitlines()
    for i, line in enumerate(lines):
        if "-->" not in line:
            continue
        times = _TIMES.fullmatch(line)
        if not times:
            raise DataError(f"{path.name}, line {i + 1}", f"{line[:80]!r} is no pair of times", "Write 00:01:02,345.")
        parts = [int(part or 0) for part in times.groups()]
        text = []
        for more in lines[i + 1 :]:
            if not more.strip():
                break
            text.append(more)
        label = one_line(html.unescape(_TAG.sub("", " ".join(text))))
        found.append(Segment(_seconds(parts[:4], times[4]), _seconds(parts[4:], times[8]), label or "cue"))
    if not found and any(line.strip() for line in lines):
        raise DataError(str(path), "holds no subtitle", "A subtitle has a line like 00:00:01,000 --> 00:00:02,000.")
    return {"labels": found}


def _seconds(parts: list[int], fraction: str) -> float:
    hours, minutes, seconds, part = parts
    return ((hours * 60 + minutes) * 60 + seconds) + float(part / 10 ** len(fraction))


def _stamp(time_s: float, mark: str) -> str:
    ms = round(time_s * 1000)
    return f"{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}{mark}{ms % 1000:03d}"


def _cues(item: Item, mark: str) -> list[str]:
    return [
        f"{i}\n{_stamp(s.start_s, mark)} --> {_stamp(s.stop_s, mark)}\n{html.escape(s.label, quote=False)}\n"
        for i, s in enumerate(item.labels, 1)
    ]


def write_srt(path: Path, item: Item) -> None:
    """The item's one track as SubRip."""
    write_atomic(path, "\n".join(_cues(item, ",")))


def write_webvtt(path: Path, item: Item) -> None:
    """The item's one track as WebVTT."""
    write_atomic(path, "\n".join(["WEBVTT\n", *_cues(item, ".")]))


_HOLDS = Holds(signals=False, tracks="files", points=False, score=False, comment=False, ticks=1000.0, text=one_line)
SRT = LabelFormat("SubRip subtitles", (".srt",), read, write_srt, _HOLDS)
WEBVTT = LabelFormat("WebVTT subtitles", (".vtt",), read, write_webvtt, _HOLDS)
