"""Edits of the project's classes, as values: each returns the new state and the words for undo."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from studio.app.session import State
from studio.data.labels import Labels
from studio.data.project import LabelClass, Project, with_classes
from studio.data.recording import Recording
from studio.errors import InputError
from studio.ui.labels.tally import tally

Change = tuple[str, State]


def classes_of(state: State) -> tuple[LabelClass, ...]:
    """The project's classes, then the labels of the open recording that are none of them."""
    classes, found = state.project.classes if state.project else (), state.open_recording
    said = tally(found, state.track).counts if found is not None else {}
    strange = sorted(set(said) - {c.name for c in classes})
    return with_classes(classes, strange) if strange else classes


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
    recordings = _relabelled(state, lambda track: track.renamed(old, new))
    return f"Rename class {old} to {new}", replace(state, project=_with(project, classes), recordings=recordings)


def recolour(state: State, name: str, color: str) -> Change:
    """Another colour for a class."""
    classes = tuple(replace(c, color=color) if c.name == name else c for c in classes_of(state))
    return f"Recolour class {name}", replace(state, project=_with(_project(state), classes))


def strange(project: Project, labels: Labels) -> list[str]:
    """Labels that are no class of the project yet."""
    return sorted({s.label for s in labels.segments} - {c.name for c in project.classes})


def with_labels(state: State, labels: Labels, selected: int | None, also: tuple[int, ...], fresh: list[str]) -> State:
    """The state with another open track, and with a class for each of `fresh`: one step of undo."""
    project, recording = state.project, state.open_recording
    assert project is not None and recording is not None
    changed = replace(recording, labels=recording.labels | {state.track: labels})
    known = replace(project, classes=with_classes(project.classes, fresh))
    return replace(state.with_recording(changed), project=known, selected=selected, also=also)


def merge(state: State, old: str, into: str) -> Change:
    """Every label of a class becomes one of another; the class goes."""
    project = _project(state)
    classes = tuple(c for c in project.classes if c.name != old)
    recordings = _relabelled(state, lambda track: track.renamed(old, into))
    return f"Merge class {old} into {into}", replace(state, project=_with(project, classes), recordings=recordings)


def delete(state: State, name: str) -> Change:
    """Without a class and all its labels in the whole project."""
    project = _project(state)
    classes = tuple(c for c in project.classes if c.name != name)
    recordings = _relabelled(state, lambda track: _without(track, name))
    changed = replace(state, project=_with(project, classes), recordings=recordings, selected=None, also=())
    return f"Delete class {name} and its labels", changed


def reorder(state: State, name: str, by: int) -> Change:
    """A class further up or down the list."""
    classes = list(classes_of(state))
    at = next((i for i, c in enumerate(classes) if c.name == name), None)
    if at is not None:
        classes.insert(min(max(at + by, 0), len(classes) - 1), classes.pop(at))
    return f"Move class {name}", replace(state, project=_with(_project(state), tuple(classes)))


def set_key(state: State, name: str, key: str, taken: Mapping[str, str]) -> Change:
    """The key that sets a class; "" for none. The class that had it loses it; `taken` are keys with other meanings."""
    key = key.strip().lower()
    if len(key) > 1:
        raise InputError(f"Key {key!r}", "is more than one character", "Choose one letter or digit.")
    if key.upper() in taken:
        raise InputError(f"Key {key!r}", f"means: {taken[key.upper()]}", "Choose another letter or digit.")
    classes = tuple(replace(c, key=key if c.name == name else "" if c.key == key else c.key) for c in classes_of(state))
    return f"Key of class {name}", replace(state, project=_with(_project(state), classes))


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


def _relabelled(state: State, how: Callable[[Labels], Labels]) -> tuple[Recording, ...]:
    """All recordings with `how` done to every track; those that it leaves alone are the same objects."""
    found = []
    for r in state.recordings:
        tracks = {name: how(track) for name, track in r.labels.items()}
        same = all(tracks[name] is r.labels[name] for name in tracks)
        found.append(r if same else replace(r, labels=tracks))
    return tuple(found)


def _without(track: Labels, name: str) -> Labels:
    kept = tuple(s for s in track.segments if s.label != name)
    return Labels(kept) if len(kept) < len(track) else track
