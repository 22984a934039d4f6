"""Edits of the project's classes, as values: each returns the new state and the words for undo."""

from dataclasses import replace

from studio.app.session import State
from studio.data.labels import Labels, Segment
from studio.data.project import LabelClass, Project, with_classes
from studio.errors import InputError

Change = tuple[str, State]


def classes_of(state: State) -> tuple[LabelClass, ...]:
    """The project's classes, then the labels of the open recording that are none of them."""
    classes = state.project.classes if state.project else ()
    strange = sorted({s.label for s in state.labels.segments} - {c.name for c in classes})
    return with_classes(classes, strange)


def add(state: State, name: str) -> Change:
    """One more class; InputError when the name is empty or taken."""
    project, name = _project(state), name.strip()
    _check_free(project, name)
    return f"Add class {name}", replace(state, project=_with(project, with_classes(project.classes, [name])))


def rename(state: State, old: str, new: str) -> Change:
    """Another name for a class, in every label of the project too."""
    project, new = _project(state), new.strip()
    _check_free(project, new)
    classes = tuple(replace(c, name=new) if c.name == old else c for c in classes_of(state))
    recordings = tuple(
        replace(r, labels={track: _renamed(labels, old, new) for track, labels in r.labels.items()})
        if any(s.label == old for labels in r.labels.values() for s in labels.segments)
        else r
        for r in state.recordings
    )
    return f"Rename class {old} to {new}", replace(state, project=_with(project, classes), recordings=recordings)


def recolour(state: State, name: str, color: str) -> Change:
    """Another colour for a class."""
    classes = tuple(replace(c, color=color) if c.name == name else c for c in classes_of(state))
    return f"Recolour class {name}", replace(state, project=_with(_project(state), classes))


def remove(state: State, name: str) -> Change:
    """Without a class that no label uses; InputError when one does."""
    project = _project(state)
    used = sum(s.label == name for r in state.recordings for labels in r.labels.values() for s in labels.segments)
    if used:
        raise InputError(f"Class {name!r}", f"is on {used} labels", "Delete or relabel those first.")
    classes = tuple(c for c in project.classes if c.name != name)
    return f"Remove class {name}", replace(state, project=_with(project, classes))


def _with(project: Project, classes: tuple[LabelClass, ...]) -> Project:
    return replace(project, classes=classes)


def _project(state: State) -> Project:
    if state.project is None:
        raise InputError("Class", "there is no project open", "Open or create a project first.")
    return state.project


def _check_free(project: Project, name: str) -> None:
    if not name:
        raise InputError("Class", "has no name", "Type a name such as 'wave'.")
    if any(c.name == name for c in project.classes):
        raise InputError(f"Class {name!r}", "exists already", "Choose another name.")


def _renamed(labels: Labels, old: str, new: str) -> Labels:
    return Labels(tuple(_as(s, new) if s.label == old else s for s in labels.segments))


def _as(segment: Segment, label: str) -> Segment:
    return replace(segment, label=label)
