"""What every model of a project came to, in one table."""

import json
from pathlib import Path
from typing import Any

from studio.data.project import open_project


def results(project_path: Path) -> dict[str, Any]:
    """{"project", "rows"}: a row a model, oldest first, read from its document; None where nothing is known."""
    project = open_project(project_path)
    paths = sorted((project.path / "models").glob("*/model.json"), key=lambda p: (p.stat().st_mtime, p.parent.name))
    return {"project": str(project.path), "rows": [_row(json.loads(p.read_text(encoding="utf-8"))) for p in paths]}


def _row(found: dict[str, Any]) -> dict[str, Any]:
    test, cost, lock = found.get("test") or {}, found.get("cost") or {}, found.get("lock") or {}
    sure, leak, search = (lock.get(key) or {} for key in ("confidence", "leak", "search"))
    events, seconds = test.get("events") or {}, search.get("seconds")
    return {
        "model": found["id"],
        "family": found["family"],
        "accuracy": test.get("accuracy"),
        "macro_f1": test.get("macro_f1"),
        "mae": (test.get("number") or {}).get("mae"),
        "r2": (test.get("number") or {}).get("r2"),
        "label_f1": (test.get("several") or {}).get("macro_f1"),
        **{key: sure.get(key) for key in ("mean", "std", "low", "high", "n_fits", "n_groups", "of")},
        "leak_gap": leak["random"] - leak["group"] if leak else None,
        "flash_bytes": cost.get("flash_bytes"),
        "ram_bytes": cost.get("ram_bytes"),
        "instructions": cost.get("instructions_per_inference"),
        "event_recall": events.get("recall"),
        "false_alarms_per_hour": events.get("false_alarms_per_hour"),
        "search_seconds": seconds,
        "trials": search.get("trials"),
        "trials_per_minute": round(60 * search["trials"] / seconds, 2) if seconds else None,
    }
