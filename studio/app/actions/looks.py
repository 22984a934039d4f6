"""How often the test part has been looked at. A test that chose the model is a test no more."""

import json
from datetime import UTC, datetime
from typing import Any

from studio.data.project import Project
from studio.paths import write_atomic


def looks(project: Project) -> list[dict[str, Any]]:
    """Every look so far: {"when", "verb", "model"}; none where nothing was kept or it cannot be read."""
    try:
        found = json.loads((project.path / "search" / "test_looks.json").read_text(encoding="utf-8"))
        return list(found["looks"])
    except (OSError, ValueError, KeyError, TypeError):
        return []


def looked_at(project: Project, model: str, verb: str) -> int:
    """Note one more look; how many there are now."""
    found = [*looks(project), {"when": datetime.now(UTC).isoformat(timespec="seconds"), "verb": verb, "model": model}]
    path = project.path / "search" / "test_looks.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps({"looks": found}, indent=1))
    return len(found)
