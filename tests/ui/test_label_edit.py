"""The rules of the mouse and the keys over a label track, without a window."""

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.data.labels import Labels, Segment
from studio.ui.labels.edit import Edit
from studio.ui.labels.look import READABLE, Look, contrast
from studio.ui.labels.table import Hit, table_of

CLASSES = ("wave", "tap", "idle")
TRACK = Labels((Segment(1.0, 2.0, "wave"), Segment(2.0, 3.0, "tap"), Segment(5.0, 7.0, "idle")))


@dataclass
class FakeDoor:
    """Feeds edits back as the session would."""

    edit_: Edit | None = None
    done: list[str] = field(default_factory=list)

    def edit(self, what: str, labels: Labels, selected: int | None, also: tuple[int, ...] = ()) -> None:
        self.done.append(what)
        assert self.edit_ is not None
        self.edit_.show(labels, CLASSES, selected, also)

    def select(self, index: int | None, also: tuple[int, ...] = ()) -> None:
        pass


def make(labels: Labels = TRACK, rate_hz: float = 50.0, end_s: float = 10.0) -> tuple[Edit, FakeDoor]:
    door = FakeDoor()
    edit = Edit(door)
    door.edit_ = edit
    edit.show(labels, CLASSES, None)
    edit.open(rate_hz, end_s)
    return edit, door


def drag(edit: Edit, *times: float, reach: float = 0.05) -> None:
    edit.press(times[0], reach)
    for t in times[1:]:
        edit.drag(t)
    edit.release()


def spans(edit: Edit) -> list[tuple[float, float, str]]:
    return [(pytest.approx(s.start_s), pytest.approx(s.stop_s), s.label) for s in edit.labels.segments]


def test_visible_is_half_open_and_hits_prefer_the_label_under_the_mouse() -> None:
    table = table_of(TRACK, CLASSES)
    assert table.visible(0, 0.5) == (0, 0)
    assert table.visible(1.5, 2.5) == (0, 2)
    assert table.visible(2.0, 2.0) == (1, 1)
    assert table.at(2.0) == 1 and table.at(3.0) is None
    assert table.hit(1.98, 0.05) == Hit(0, "stop")
    assert table.hit(2.02, 0.05) == Hit(1, "start")
    assert table.hit(2.02, 0.05, selected=0) == Hit(0, "stop")
    assert table.hit(1.5, 0.05) == Hit(0, "inside")
    assert table.hit(4.0, 0.05) == Hit(None, "empty")
    assert table.hit(7.04, 0.05) == Hit(2, "stop")


def test_the_middle_of_a_label_narrower_than_the_reach_still_moves_it() -> None:
    assert table_of(Labels((Segment(1.0, 1.03, "wave"),)), CLASSES).hit(1.015, 0.5) == Hit(0, "inside")


def test_a_label_that_is_no_class_keeps_its_name_after_the_classes() -> None:
    table = table_of(Labels((Segment(0, 1, "odd"), Segment(1, 2, "tap"))), CLASSES)
    assert table.names == (*CLASSES, "odd") and list(table.code) == [3, 1]


def test_a_drag_on_empty_ground_adds_a_snapped_label_of_the_current_class() -> None:
    edit, door = make()
    edit.label = "tap"
    drag(edit, 3.503, 4.0, 4.206)
    assert edit.labels.segments[2] == Segment(pytest.approx(3.5), pytest.approx(4.2), "tap")
    assert door.done == ["Add label tap"] and edit.selected == 2


def test_a_drag_to_the_left_adds_too_and_stops_at_its_neighbours_and_the_ends() -> None:
    edit, _ = make()
    edit.label = "wave"
    drag(edit, 4.0, 0.3)
    assert edit.labels.segments[2] == Segment(3.0, 4.0, "wave")
    drag(edit, 8.0, 99.0)
    assert edit.labels.segments[-1] == Segment(8.0, 10.0, "wave")


def test_a_drag_shorter_than_half_a_sample_adds_nothing() -> None:
    edit, door = make()
    drag(edit, 4.0, 4.004)
    assert door.done == [] and edit.labels == TRACK


def test_a_move_keeps_the_length_and_stops_at_the_neighbour() -> None:
    edit, door = make()
    drag(edit, 6.0, 2.0)
    assert spans(edit)[2] == (3.0, 5.0, "idle") and door.done == ["Move label idle"]
    drag(edit, 4.0, 40.0)
    assert spans(edit)[2] == (8.0, 10.0, "idle")


def test_an_edge_resizes_and_never_passes_the_other_edge() -> None:
    edit, door = make()
    drag(edit, 5.0, 4.41)
    assert spans(edit)[2] == (4.42, 7.0, "idle") or spans(edit)[2] == (4.4, 7.0, "idle")
    drag(edit, 7.0, 1.0)
    assert edit.labels.segments[2].stop_s - edit.labels.segments[2].start_s == pytest.approx(0.02)
    assert door.done == ["Resize label idle", "Resize label idle"]


def test_escape_drops_a_drag_and_the_release_after_it() -> None:
    edit, door = make()
    edit.press(6.0, 0.05)
    edit.drag(8.0)
    assert edit.draft is not None and edit.cancel()
    edit.release()
    assert door.done == [] and edit.labels == TRACK and not edit.cancel()


def test_nudges_add_up_to_one_step_of_undo() -> None:
    edit, door = make()
    edit.pick(2)
    for _ in range(3):
        edit.nudge(1)
    edit.nudge(10)
    assert door.done == [] and edit.draft is not None
    edit.settle()
    assert spans(edit)[2] == (5.26, 7.26, "idle") and door.done == ["Move label idle"]
    edit.nudge(-1, "stop")
    edit.settle()
    edit.nudge(-10, "start")
    edit.settle()
    assert spans(edit)[2] == (5.06, 7.24, "idle")


def test_delete_and_relabel_name_what_they_did() -> None:
    edit, door = make()
    edit.delete()
    edit.pick(1)
    edit.assign("idle")
    edit.delete()
    assert door.done == ["Relabel tap as idle", "Delete label idle"] and edit.selected is None
    assert [s.label for s in edit.labels.segments] == ["wave", "idle"]


def test_a_class_key_without_a_selection_only_chooses_the_class() -> None:
    edit, door = make()
    edit.assign("idle")
    assert edit.label == "idle" and door.done == []


def test_stepping_walks_the_labels_from_the_cursor() -> None:
    edit, _ = make()
    edit.hover(4.0)
    edit.step(+1)
    assert edit.selected == 2
    edit.step(+1)
    assert edit.selected == 2
    edit.step(-1)
    assert edit.selected == 1
    edit.selected = None
    edit.step(-1)
    assert edit.selected == 1


def test_a_label_added_by_key_takes_the_room_there_is() -> None:
    edit, door = make()
    edit.label = "wave"
    edit.add(4.5, 2.0)
    assert spans(edit)[2] == (4.5, 5.0, "wave")
    edit.add(1.5, 1.0)
    assert door.done == ["Add label wave"]


def test_typed_borders_stop_at_neighbours_and_leave_one_sample() -> None:
    edit, _ = make()
    edit.pick(1)
    edit.place(0.0, 9.0)
    assert spans(edit)[1] == (2.0, 5.0, "tap")
    edit.place(4.0, 3.0)
    assert spans(edit)[1] == (4.0, 4.02, "tap")


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(-1, 11), st.sampled_from("amd")), max_size=25))
def test_no_sequence_of_edits_makes_labels_overlap_or_leave_the_recording(
    steps: list[tuple[float, float, str]],
) -> None:
    edit, _ = make(rate_hz=16.0)
    for a, b, kind in steps:
        if kind == "d" and edit.selected is not None and edit.selected % 3 == 0:
            edit.delete()
        elif kind == "m" and len(edit.labels):
            edit.pick(int(a) % len(edit.labels))
            edit.nudge(int(b * 5), "inside" if b < 4 else "stop")
            edit.settle()
        else:
            drag(edit, a, (a + b) / 2, b)
    found = edit.labels.segments
    assert all(0 <= s.start_s < s.stop_s <= 10.0 for s in found)
    assert all(a.stop_s <= b.start_s for a, b in itertools.pairwise(found))


@pytest.mark.parametrize("plot,text", [("#171b21", "#e6e9ef"), ("#ffffff", "#1b2330")])
def test_names_can_be_read_on_their_own_fill_in_both_themes(plot: str, text: str) -> None:
    colors = {"a": "#f5a524", "b": "#3fcf8e", "c": "#5b9bff", "d": "#202020", "e": "#fafafa"}
    look = Look(plot=plot, text=text, colors=colors)
    for name in colors:
        for strong in (False, True):
            ground = look.fill(name, "strong" if strong else "")
            assert ground.alpha() == 255
            assert contrast(look.ink(name, strong).name(), ground.name()) >= READABLE - 0.1
