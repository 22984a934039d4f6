"""Models on disk: `models/<id>/` with the graph, its figures, and the lock of what it was made from."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.app.telling import short
from studio.data.project import Project
from studio.data.stream import Stream
from studio.errors import InputError, ProjectError
from studio.graph import store
from studio.graph.graph import Graph
from studio.graph.ops.decide import decide_of
from studio.paths import write_atomic

FORMAT = 1


@dataclass(frozen=True, eq=False)
class Model:
    """A trained graph, the stream it listens to, and what is known about it.

    `test` holds METRICS and `cost` COST (keys in the command line's help); `lock` the data and settings it came from.
    """

    id: str
    family: str
    graph: Graph
    stream: Stream
    test: dict[str, Any] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    lock: dict[str, Any] = field(default_factory=dict)
    created: str = ""

    @property
    def title(self) -> str:
        """A line for lists."""
        figure = f" · {short(self.test)}" if "accuracy" in self.test else ""
        return f"{self.id} · {self.family}{figure}"


def save(project: Project, model: Model) -> Path:
    """Write the model folder; `model.json` last, so a folder without it is not a model yet."""
    folder = project.path / "models" / model.id
    folder.mkdir(parents=True, exist_ok=True)
    store.save(model.graph, folder)
    found = {k: getattr(model, k) for k in ("id", "family", "test", "cost", "lock")}
    found |= {"format": FORMAT, "stream": asdict(model.stream), "created": model.created or _now()}
    write_atomic(folder / "model.json", json.dumps(found, indent=1, ensure_ascii=False))
    return folder


def load(project: Project, model_id: str = "") -> Model:
    """The model `model_id`, or the newest; InputError when there is none."""
    known = ids(project)
    if not known:
        raise InputError(f"Project {project.path}", "has no model", f"Run `studio train {project.path}` first.")
    chosen = model_id or known[-1]
    if chosen not in known:
        raise InputError(f"Model {chosen!r}", f"is not in {project.path}", f"Choose one of {', '.join(known)}.")
    folder = project.path / "models" / chosen
    try:
        found = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise ProjectError(str(folder / "model.json"), str(e), "Train again; the recordings are untouched.") from e
    if found.get("format", 0) > FORMAT:
        seen = f"has format {found['format']}, this studio knows {FORMAT}"
        raise ProjectError(str(folder), seen, "Update the studio to use this model.")
    stream = Stream(**found["stream"] | {"channels": tuple(found["stream"]["channels"])})
    keep = {k: found.get(k, {}) for k in ("test", "cost", "lock")}
    return Model(found["id"], found["family"], store.load(folder), stream, created=found["created"], **keep)


def set_decision(project: Project, model_id: str, decision: Mapping[str, Any] | None) -> None:
    """Change how a model decides along time (as `Decide.as_dict` writes it; None: each window alone). DataError."""
    folder = project.path / "models" / model_id
    found = None if decision is None else decide_of(dict(decision), len(decision["on"]))
    store.set_decision(found, folder)


def set_test(project: Project, model_id: str, test: Mapping[str, Any], looks: int) -> None:
    """Other figures of the test in the model's document, which keeps its date: it is no newer model."""
    path = project.path / "models" / model_id / "model.json"
    found, made = json.loads(path.read_text(encoding="utf-8")), path.stat()
    found["test"], found["lock"]["test_looks"] = dict(test), looks
    write_atomic(path, json.dumps(found, indent=1, ensure_ascii=False))
    os.utime(path, ns=(made.st_atime_ns, made.st_mtime_ns))


def ids(project: Project) -> list[str]:
    """Every model of the project, oldest first."""
    found = (project.path / "models").glob("*/model.json")
    return [p.parent.name for p in sorted(found, key=lambda p: (p.stat().st_mtime, p.parent.name))]


def new_id(project: Project, family: str) -> str:
    """A free id such as "forest-3"."""
    taken, n = set(ids(project)), 1
    while f"{family}-{n}" in taken or (project.path / "models" / f"{family}-{n}").exists():
        n += 1
    return f"{family}-{n}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
