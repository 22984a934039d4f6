"""What the mouse and the keys do to a label track, with no widget in sight.

While the mouse is down only a draft moves; the track changes once, on release, through the door to the session,
so a drag is one step of undo and costs the same with ten labels and with twenty thousand. A draft stops at its
neighbours: labels of one track never overlap, and no drag ever eats another label.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from studio.data.labels import Labels, Segment
from studio.ui.labels.table import Hit, Table, table_of

#: Class of the first label of a project that has no classes yet.
FIRST = "event"


class Door(Protocol):
    """Where finished edits go. `edit` commits a new track with a name for undo; `select` only shows."""

    def edit(self, what: str, labels: Labels, selected: int | None) -> None: ...

    def select(self, index: int | None) -> None: ...


@dataclass(frozen=True)
class Draft:
    """A label being drawn (`index` None), moved or resized, not yet in the track."""

    index: int | None
    start_s: float
    stop_s: float
    label: str


class Edit:
    """One track under the mouse. `watch` is called whenever something must be painted again."""

    def __init__(self, door: Door, watch: Callable[[], None] = lambda: None) -> None:
        self.door, self.watch = door, watch
        self.labels: Labels = Labels()
        self.classes: tuple[str, ...] = ()
        self.table: Table = table_of(self.labels, ())
        self.selected: int | None = None
        self.draft: Draft | None = None
        self.label = FIRST
        self.rate_hz, self.end_s = 1.0, 0.0
        self.cursor_s: float | None = None
        self._hit, self._grab_s, self._down = Hit(None, "empty"), 0.0, False

    # --- what is shown -------------------------------------------------------------------

    def show(self, labels: Labels, classes: tuple[str, ...], selected: int | None) -> None:
        """Take over a track from the session; a draft of the old one is void."""
        if labels is not self.labels or classes != self.classes:
            self.labels, self.classes, self.draft, self._down = labels, classes, None, False
            self.table = table_of(labels, classes)
        self.selected = selected if selected is not None and selected < len(labels) else None
        if self.label not in classes:
            self.label = classes[0] if classes else FIRST
        self.watch()

    def open(self, rate_hz: float, end_s: float) -> None:
        """A new recording: labels snap to the samples of a stream of `rate_hz` and stay within [0, end_s]."""
        self.rate_hz, self.end_s, self.draft, self.cursor_s = rate_hz, end_s, None, None

    @property
    def chosen(self) -> Draft | None:
        """The label in the hand, else the selected one."""
        if self.draft is not None or self.selected is None or self.selected >= len(self.labels):
            return self.draft
        segment = self.labels.segments[self.selected]
        return Draft(self.selected, segment.start_s, segment.stop_s, segment.label)

    def snap(self, time_s: float) -> float:
        """The nearest sample's time."""
        return round(time_s * self.rate_hz) / self.rate_hz

    @property
    def sample_s(self) -> float:
        return 1.0 / self.rate_hz

    # --- mouse ---------------------------------------------------------------------------

    def press(self, time_s: float, reach_s: float) -> Hit:
        """The button went down at `time_s`; what it grabbed."""
        self.settle()
        self._hit, self._grab_s, self._down = self.table.hit(time_s, reach_s, self.selected), time_s, True
        return self._hit

    def drag(self, time_s: float) -> None:
        """The mouse moved with the button down; after `cancel` that means nothing until the next press."""
        if not self._down:
            return
        hit = self._hit
        if hit.index is None:
            self.draft = self._drawn(time_s)
        else:
            segment = self.labels.segments[hit.index]
            parts = {"inside": self._moved, "start": self._start_at, "stop": self._stop_at}
            self.draft = parts[hit.part](hit.index, segment, time_s - self._grab_s)
        self.cursor_s = time_s
        self.watch()

    def release(self) -> None:
        """The button came up after a drag."""
        self._down = False
        self.settle()

    def click(self, time_s: float, reach_s: float) -> None:
        """A click without a drag selects what is there, or nothing."""
        self.cancel()
        self.pick(self.table.hit(time_s, reach_s, self.selected).index)

    def hover(self, time_s: float | None) -> None:
        """The mouse is at `time_s` (None: elsewhere)."""
        self.cursor_s = time_s
        self.watch()

    def cancel(self) -> bool:
        """Drop the draft; True when there was one."""
        had, self.draft, self._down = self.draft is not None, None, False
        self.watch()
        return had

    # --- keys ----------------------------------------------------------------------------

    def pick(self, index: int | None) -> None:
        """Select label `index`; its class becomes the one that is drawn next."""
        self.settle()
        self.selected = index
        if index is not None and self.labels.segments[index].label in self.classes:
            self.label = self.labels.segments[index].label
        self.door.select(index)
        self.watch()

    def step(self, by: int) -> None:
        """Select the next (+1) or previous (-1) label, seen from the selection or from the cursor."""
        if not len(self.labels):
            return
        at = self.selected
        if at is None:
            i, _ = self.table.visible(self.cursor_s or 0.0, self.end_s)
            at = i - 1 if by > 0 else i
        self.pick(min(max(at + by, 0), len(self.labels) - 1))

    def nudge(self, samples: int, part: str = "inside") -> None:
        """Move the selected label, or one edge of it, by `samples`. Steps add up until `settle`: one step of undo."""
        if self.selected is None:
            return
        self._hit = Hit(self.selected, part)
        segment, now = self.labels.segments[self.selected], self.draft
        held = replace(segment, start_s=now.start_s, stop_s=now.stop_s) if now else segment
        parts = {"inside": self._moved, "start": self._start_at, "stop": self._stop_at}
        self.draft = parts[part](self.selected, held, samples / self.rate_hz)
        self.watch()

    def settle(self) -> None:
        """Commit the draft, if it differs from the track."""
        draft, self.draft = self.draft, None
        if draft is None:
            return
        if draft.index is None:
            self._add(draft)
        else:
            self._replace(draft)
        self.watch()

    def add(self, start_s: float, length_s: float) -> None:
        """A label of the current class at `start_s`, as long as `length_s` or as the room there allows."""
        self.settle()
        if self.table.at(start_s) is not None:
            return
        low, high = self.table.gap(start_s, self.end_s)
        start = max(low, self.snap(start_s))
        stop = min(high, self.snap(start + length_s))
        if stop - start >= self.sample_s / 2:
            self._add(Draft(None, start, stop, self.label))

    def delete(self) -> None:
        """Delete the selected label."""
        self.cancel()
        if (index := self.selected) is not None:
            self.selected = None
            name = self.labels.segments[index].label
            self.door.edit(f"Delete label {name}", self.labels.remove(index), None)

    def assign(self, label: str) -> None:
        """`label` becomes the current class, and that of the selected label."""
        self.settle()
        self.label, index = label, self.selected
        if index is not None and (old := self.labels.segments[index].label) != label:
            self.door.edit(f"Relabel {old} as {label}", self.labels.rename(index, label), index)
        self.watch()

    def place(self, start_s: float, stop_s: float) -> None:
        """Put the selected label at typed borders, as far as its neighbours allow."""
        if (index := self.selected) is None:
            return
        low, high = self.table.room(index, self.end_s)
        start = min(max(self.snap(start_s), low), high - self.sample_s)
        stop = max(min(self.snap(stop_s), high), start + self.sample_s)
        self._replace(Draft(index, start, stop, self.labels.segments[index].label))

    # --- inner ---------------------------------------------------------------------------

    def _drawn(self, time_s: float) -> Draft | None:
        low, high = self.table.gap(self._grab_s, self.end_s)
        a, b = sorted((self._grab_s, time_s))
        start, stop = max(low, self.snap(a)), min(high, self.snap(b))
        return Draft(None, start, stop, self.label) if stop - start >= self.sample_s / 2 else None

    def _moved(self, index: int, segment: Segment, by_s: float) -> Draft:
        low, high = self.table.room(index, self.end_s)
        length = segment.stop_s - segment.start_s
        start = min(max(self.snap(segment.start_s + by_s), low), max(low, high - length))
        return Draft(index, start, start + length, segment.label)

    def _start_at(self, index: int, segment: Segment, by_s: float) -> Draft:
        low, _ = self.table.room(index, self.end_s)
        start = min(max(self.snap(segment.start_s + by_s), low), segment.stop_s - self.sample_s)
        return Draft(index, start, segment.stop_s, segment.label)

    def _stop_at(self, index: int, segment: Segment, by_s: float) -> Draft:
        _, high = self.table.room(index, self.end_s)
        stop = max(min(self.snap(segment.stop_s + by_s), high), segment.start_s + self.sample_s)
        return Draft(index, segment.start_s, stop, segment.label)

    def _add(self, draft: Draft) -> None:
        labels = self.labels.add(Segment(draft.start_s, draft.stop_s, draft.label))
        index = int(self.table.start_s.searchsorted(draft.start_s))
        self.door.edit(f"Add label {draft.label}", labels, index)

    def _replace(self, draft: Draft) -> None:
        assert draft.index is not None
        old = self.labels.segments[draft.index]
        if (old.start_s, old.stop_s) == (draft.start_s, draft.stop_s):
            return
        same = abs((draft.stop_s - draft.start_s) - (old.stop_s - old.start_s)) < self.sample_s / 2
        what = f"{'Move' if same else 'Resize'} label {draft.label}"
        self.door.edit(what, self.labels.move(draft.index, draft.start_s, draft.stop_s), draft.index)
