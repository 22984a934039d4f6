"""Label Studio's JSON of time series: one task with its results; times in seconds, any overlap, points are instants."""

import json
from pathlib import Path
from typing import Any

from studio.data.label_files.about import About, LabelFormat, chosen
from studio.data.labels import Segment
from studio.data.travel.holds import Holds
from studio.data.travel.item import Item
from studio.data.travel.letters import text_of
from studio.errors import DataError
from studio.paths import write_atomic

#: The name of the control in Label Studio's own template; it stands for the person's track.
_MAIN = "label"


def read(path: Path, about: About) -> dict[str, list[Segment]]:
    """A track for each control; of several tasks the one about this recording's file."""
    found = json.loads(text_of(path))
    tasks = found if isinstance(found, list) else [found]
    named = {_file(task) or str(i): task for i, task in enumerate(tasks)}
    task: Any = chosen(named, about, path)
    tracks: dict[str, list[Segment]] = {}
    for annotation in (task or {}).get("annotations") or []:
        for result in annotation.get("result", []):
            value = result.get("value", {})
            words = next((v for k, v in value.items() if k.endswith("labels")), None)
            if not words or "start" not in value:
                continue
            track = str(result.get("from_name", _MAIN))
            tracks.setdefault("labels" if track == _MAIN else track, []).extend(_segments(result, value, words))
    return tracks


def _file(task: Any) -> str:
    data = task.get("data", {}) if isinstance(task, dict) else {}
    return next((v.rpartition("/")[2] for v in data.values() if isinstance(v, str)), "")


def _segments(result: Any, value: Any, words: list[str]) -> list[Segment]:
    start_s, stop_s = float(value["start"]), float(value.get("end", value["start"]))
    stop_s = start_s if value.get("instant") else stop_s
    score = float(result.get("score", 1.0))
    comment = "\n".join(map(str, (result.get("meta") or {}).get("text", [])))
    return [Segment(start_s, stop_s, str(word), score, comment) for word in words]


def write(path: Path, item: Item) -> None:
    """One task with all tracks."""
    rows = [(s, name) for name, track in item.tracks.items() for s in track.segments]
    results = [_result(i, s, name) for i, (s, name) in enumerate(rows, 1)]
    data = {"csv": f"{item.name}.csv"}
    task = {"data": data, "annotations": [{"result": results}]}
    write_atomic(path, json.dumps([task], ensure_ascii=False, indent=1) + "\n")


def _result(number: int, s: Segment, track: str) -> dict[str, Any]:
    value = {"start": s.start_s, "end": s.stop_s, "instant": s.is_point, "timeserieslabels": [s.label]}
    result: dict[str, Any] = {"id": f"r{number}", "type": "timeserieslabels", "to_name": "ts", "value": value}
    result["from_name"] = _MAIN if track == "labels" else track
    if s.score != 1:
        result["score"] = s.score
    if s.comment:
        result["meta"] = {"text": [s.comment]}
    return result


def _mine(path: Path) -> bool:
    try:
        head = text_of(path).lstrip()[:1]
        return head in "[{" and '"annotations"' in text_of(path)
    except DataError:
        return False


FORMAT = LabelFormat(
    "Label Studio JSON", (".json",), read, write, Holds(signals=False, tracks="all"), _mine
)  # fmt: skip
