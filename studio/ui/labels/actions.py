"""Every action of the Label page with its keys: the one table that keys, palette, tooltips and the key sheet read."""

from collections.abc import Callable
from typing import Protocol

from studio.ui.commands.action import Action
from studio.ui.labels.desk import Desk
from studio.ui.labels.edit import Edit
from studio.ui.labels.snap import KINDS
from studio.ui.labels.timeline import Timeline

#: Keys that switch the kinds of snapping.
SNAP_KEYS = {"labels": "Alt+L", "tracks": "Alt+T", "energy": "Alt+E"}


class Asks(Protocol):
    """What opens a field or a dialog: the page's part of the actions."""

    def rename(self) -> None: ...

    def remark(self) -> None: ...

    def new_track(self) -> None: ...

    def rename_track(self) -> None: ...

    def measure_reaction(self) -> None: ...

    def print_keys(self) -> None: ...

    def class_up(self) -> None: ...

    def class_down(self) -> None: ...

    def class_key(self) -> None: ...

    def class_merge(self) -> None: ...

    def class_delete(self) -> None: ...


def actions_of(desk: Desk, asks: Asks) -> list[Action]:
    """All of them."""
    edit, timeline = desk.edit, desk.timeline
    groups = (_playing(desk), _going(desk), _labels(desk, asks), _edges(desk), _selecting(desk, edit),
              _view(timeline), _tracks(desk, asks), _rows(desk), _snapping(desk), _classes(asks))  # fmt: skip
    return [action for group in groups for action in group]


def _group(name: str, *lines: tuple[str, str, str, Callable[[], object]]) -> list[Action]:
    return [Action(key, title, tuple(keys.split("  ")) if keys else (), name, do) for key, title, keys, do in lines]


def _playing(desk: Desk) -> list[Action]:
    head = desk.playhead
    return _group(
        "Playing",
        ("play_toggle", "Play or pause", "Space", head.toggle),
        ("play_pause", "Pause", "K", head.pause),
        ("play_faster", "Faster", "L", lambda: head.faster(1)),
        ("play_slower", "Slower", "J", lambda: head.faster(-1)),
        ("play_loop", "Loop the marked stretch", "R", desk.loop),
        ("step_back", "Line back one sample", ",", lambda: desk.step_line(-desk.edit.sample_s)),
        ("step_on", "Line on one sample", ".", lambda: desk.step_line(desk.edit.sample_s)),
        ("second_back", "Line back one second", "Ctrl+,", lambda: desk.step_line(-1.0)),
        ("second_on", "Line on one second", "Ctrl+.", lambda: desk.step_line(1.0)),
        ("go_start", "To the start", "Home", lambda: desk.go_to(0.0)),
        ("go_end", "To the end", "End", lambda: desk.go_to(desk.edit.end_s)),
    )


def _going(desk: Desk) -> list[Action]:
    return _group(
        "Going",
        ("next_event", "Next event without a label", "N", lambda: desk.event(1)),
        ("previous_event", "Previous event without a label", "Shift+N", lambda: desk.event(-1)),
        ("next_gap", "Next unlabelled stretch", "G", lambda: desk.unlabelled(1)),
        ("previous_gap", "Previous unlabelled stretch", "Shift+G", lambda: desk.unlabelled(-1)),
        ("next_uncertain", "Next uncertain label", "U", lambda: desk.uncertain(1)),
        ("previous_uncertain", "Previous uncertain label", "Shift+U", lambda: desk.uncertain(-1)),
        ("next_boundary", "Next boundary", "B", lambda: desk.boundary(1)),
        ("previous_boundary", "Previous boundary", "Shift+B", lambda: desk.boundary(-1)),
        ("next_label", "Next label", "Down", lambda: desk.step(1)),
        ("previous_label", "Previous label", "Up", lambda: desk.step(-1)),
    )


def _labels(desk: Desk, asks: Asks) -> list[Action]:
    group = desk.group
    return _group(
        "Labels",
        ("label_add", "Add a label at the line", "A", desk.timeline.new_label),
        ("label_point", "Add a point event at the line", "P", group.point),
        ("label_split", "Split at the line", "S", group.split),
        ("label_merge", "Merge the selected labels, or with the next", "M", group.merge),
        ("label_rename", "Rename", "Return  Enter", asks.rename),
        ("label_comment", "Comment", "C", asks.remark),
        ("label_unsure", "Unsure, or sure again", "Q", desk.unsure),
        ("label_delete", "Delete", "Delete  Backspace", desk.edit.delete),
        ("range_clear", "Clear the marked stretch", "Shift+Delete", group.clear),
    )


def _edges(desk: Desk) -> list[Action]:
    def arrow(direction: int, part: str = "inside", far: bool = False) -> Callable[[], None]:
        return lambda: desk.arrow(direction, part, far)

    return _group(
        "Moving",
        ("nudge_left", "Move left by a sample (nothing selected: pan)", "Left", arrow(-1)),
        ("nudge_right", "Move right by a sample", "Right", arrow(1)),
        ("nudge_left_far", "Move left by ten samples", "Shift+Left", arrow(-1, far=True)),
        ("nudge_right_far", "Move right by ten samples", "Shift+Right", arrow(1, far=True)),
        ("start_left", "Start edge left", "Ctrl+Left", arrow(-1, "start")),
        ("start_right", "Start edge right", "Ctrl+Right", arrow(1, "start")),
        ("start_left_far", "Start edge left by ten", "Ctrl+Shift+Left", arrow(-1, "start", True)),
        ("start_right_far", "Start edge right by ten", "Ctrl+Shift+Right", arrow(1, "start", True)),
        ("stop_left", "End edge left", "Alt+Left", arrow(-1, "stop")),
        ("stop_right", "End edge right", "Alt+Right", arrow(1, "stop")),
        ("stop_left_far", "End edge left by ten", "Alt+Shift+Left", arrow(-1, "stop", True)),
        ("stop_right_far", "End edge right by ten", "Alt+Shift+Right", arrow(1, "stop", True)),
        ("trim_start", "Start edge to the line", "[", lambda: desk.group.trim("start")),
        ("trim_stop", "End edge to the line", "]", lambda: desk.group.trim("stop")),
    )


def _selecting(desk: Desk, edit: Edit) -> list[Action]:
    group = desk.group
    return _group(
        "Selection",
        ("select_all", "Select all labels of the track", "Ctrl+A", group.select_all),
        ("select_next_too", "Select the next label too", "Shift+Down", lambda: desk.step(1, more=True)),
        ("select_previous_too", "Select the previous label too", "Shift+Up", lambda: desk.step(-1, more=True)),
        ("mark_start", "Marked stretch begins at the line", "I", lambda: desk.mark("start")),
        ("mark_stop", "Marked stretch ends at the line", "O", lambda: desk.mark("stop")),
        ("labels_copy", "Copy", "Ctrl+C", group.copy),
        ("labels_cut", "Cut", "Ctrl+X", group.cut),
        ("labels_paste", "Paste at the line", "Ctrl+V", group.paste),
        ("escape", "Drop the drag, then the mark, then the selection", "Escape", desk.escape),
    )


def _view(timeline: Timeline) -> list[Action]:
    return _group(
        "View",
        ("view_in", "Zoom in", "+  =", lambda: timeline.zoom(0.8)),
        ("view_out", "Zoom out", "-", lambda: timeline.zoom(1.25)),
        ("view_fit", "Show the whole recording", "F", timeline.fit),
        ("view_marked", "Zoom to the selection", "Z", timeline.fit_marked),
        ("view_back", "One page back", "PgUp", lambda: timeline.pan(-0.9)),
        ("view_on", "One page on", "PgDown", lambda: timeline.pan(0.9)),
    )


def _tracks(desk: Desk, asks: Asks) -> list[Action]:
    return _group(
        "Tracks",
        ("track_next", "Edit the next track", "T", lambda: desk.next_track(1)),
        ("track_previous", "Edit the previous track", "Shift+T", lambda: desk.next_track(-1)),
        ("track_new", "New track", "Ctrl+Shift+N", asks.new_track),
        ("track_rename", "Rename the track", "Ctrl+Shift+F2", asks.rename_track),
        ("track_delete", "Delete the track", "Ctrl+Shift+Delete", lambda: desk.delete_track(desk.session.state.track)),
        ("labels_copy_to_track", "Copy the selection to the next track", "Ctrl+D", lambda: desk.send_next(False)),
        ("labels_move_to_track", "Move the selection to the next track", "Ctrl+Shift+D", lambda: desk.send_next(True)),
    )


def _rows(desk: Desk) -> list[Action]:
    return _group(
        "Rows",
        ("row_up", "Move the row up", "Ctrl+Shift+Up", lambda: desk.move_row(-1)),
        ("row_down", "Move the row down", "Ctrl+Shift+Down", lambda: desk.move_row(1)),
        ("row_higher", "Make the row higher", "Ctrl+Alt+Up", lambda: desk.resize_row(1)),
        ("row_lower", "Make the row lower", "Ctrl+Alt+Down", lambda: desk.resize_row(-1)),
        ("row_hide", "Hide the row", "H", desk.hide_row),
        ("rows_show", "Show all rows", "Shift+H", desk.show_rows),
    )


def _snapping(desk: Desk) -> list[Action]:
    def switch(kind: str, words: str) -> Callable[[], None]:
        return lambda: desk.toggle_snap(kind, words)

    lines = [(f"snap_{k}", f"Snap to {w.lower()}", SNAP_KEYS[k], switch(k, w)) for k, w in KINDS.items()]
    return _group("Snapping", *lines)


def _classes(asks: Asks) -> list[Action]:
    return _group(
        "Classes and more",
        ("class_up", "Class up", "Alt+Up", asks.class_up),
        ("class_down", "Class down", "Alt+Down", asks.class_down),
        ("class_key", "Key of the class", "Alt+K", asks.class_key),
        ("class_merge", "Merge the class into another", "Alt+M", asks.class_merge),
        ("class_delete", "Delete the class and its labels", "Alt+Delete", asks.class_delete),
        ("reaction_measure", "Measure your reaction time", "Ctrl+Shift+T", asks.measure_reaction),
        ("keys_print", "Key sheet as PDF", "Ctrl+P", asks.print_keys),
    )
