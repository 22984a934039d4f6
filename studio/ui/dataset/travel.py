"""Imports and exports beside the window, in a process of their own: readers of foreign files stay out of it."""

from typing import Any

from studio.app.jobs import ProcessJob

IMPORT, EXPORT = "studio.app.actions.import_:import_files", "studio.app.actions.export:export_files"
LABELS = "studio.app.actions.import_:read_labels"


def travel_job(name: str, target: str, args: tuple[Any, ...]) -> Any:
    """The work that `target` names, begun."""
    return ProcessJob(name, target, args)
