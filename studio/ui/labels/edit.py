"""What the mouse and the keys do to a label track, with no widget in sight.

While the mouse is down only a draft moves; the track changes once, on release, through the door to the session,
so a drag is one step of undo and costs the same with ten labels and with twenty thousand. A draft stops at its
neighbours: labels of one track never overlap, and no drag ever eats another label.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from studio.data.labels import Labels, Segment
from studio.errors import DataError
from studio.ui.labels.snap import Snap
from studio.ui.labels.table import Hit, Table, table_of

#: Class of the first label of a project that has no classes yet.
FIRST = "event"


class Door(Protocol):
    """Where finished edits go. `edit` commits a new track with a name for undo; `select` only shows.

    `also` are the labels that are selected together with the one in hand.
    """

    def edit(self, what: str, labels: Labels, selected: int | None, also: tuple[int, ...] = ()) -> None: ...

    def select(self, index: int | None, also: tuple[int, ...] = ()) -> None: ...

    def refuse(self, error: DataError) -> None:
        """An edit that cannot be done."""


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
        self.also: tuple[int, ...] = ()
        self._mask: tuple[tuple[tuple[int, ...], int], npt.NDArray[np.bool_]] = (((), -1), np.zeros(0, bool))
        self.by_s = 0.0  # how far the whole selection is being moved
        self.range_s: tuple[float, float] | None = None
        self.draft: Draft | None = None
        self.snaps = Snap()
        self.reach_s = 0.0
        self.label = FIRST
        self.rate_hz, self.end_s = 1.0, 0.0
        self.cursor_s: float | None = None  # the mouse
        self.head_s: float | None = None  # where playing stands
        self._hit, self._grab_s, self._down = Hit(None, "empty"), 0.0, False

    # --- what is shown -------------------------------------------------------------------

    def show(self, labels: Labels, classes: tuple[str, ...], selected: int | None, also: tuple[int, ...] = ()) -> None:
        """Take over a track from the session; a draft of the old one is void."""
        if labels is not self.labels or classes != self.classes:
            self.table = table_of(labels, classes, (self.labels, self.table))
            self.labels, self.classes, self.draft, self._down, self.by_s = labels, classes, None, False, 0.0
        self.selected = selected if selected is not None and selected < len(labels) else None
        self.also = tuple(i for i in also if i < len(labels) and i != self.selected)
        if self.label not in classes:
            self.label = classes[0] if classes else FIRST
        self.watch()

    def open(self, rate_hz: float, end_s: float) -> None:
        """A new recording: labels snap to the samples of a stream of `rate_hz` and stay within [0, end_s]."""
        self.rate_hz, self.end_s, self.draft, self.cursor_s, self.range_s = rate_hz, end_s, None, None, None

    @property
    def chosen(self) -> Draft | None:
        """The label in the hand, else the selected one."""
        if self.draft is not None or self.selected is None or self.selected >= len(self.labels):
            return self.draft
        segment = self.labels.segments[self.selected]
        return Draft(self.selected, segment.start_s, segment.stop_s, segment.label)

    @property
    def chosen_indices(self) -> tuple[int, ...]:
        """All selected labels, in order of time."""
        return tuple(sorted({*self.also, *([] if self.selected is None else [self.selected])}))

    @property
    def mask(self) -> npt.NDArray[np.bool_]:
        """Which segments of the track are selected beside the one in hand, (n,)."""
        key = self.also, len(self.labels)
        if self._mask[0] != key:
            found = np.zeros(len(self.labels), bool)
            found[list(self.also)] = True
            self._mask = key, found
        return self._mask[1]

    @property
    def marked_s(self) -> tuple[float, float] | None:
        """The stretch that is marked: a range, else from the first selected label to the last."""
        if self.range_s is not None or not (chosen := self.chosen_indices):
            return self.range_s
        some = [self.labels.segments[i] for i in chosen]
        return min(s.start_s for s in some), max(s.stop_s for s in some)

    def snap(self, time_s: float) -> float:
        """The nearest thing to snap to within reach of the mouse, else the nearest sample's time."""
        held = self._hit.index if self._down else self.selected
        near = self.snaps.near(time_s, self.reach_s, self.table, held) if self._down else None
        return near if near is not None else self.sample(time_s)

    def sample(self, time_s: float) -> float:
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
        self.reach_s, self.range_s = reach_s, None
        if self.also and self._hit.index not in self.chosen_indices:
            self.pick(None)
            self._down = True
        return self._hit

    def drag(self, time_s: float) -> None:
        """The mouse moved with the button down; after `cancel` that means nothing until the next press."""
        if not self._down:
            return
        hit = self._hit
        if self.also and hit.index is not None:
            self.by_s = self.labels.allowed(self.chosen_indices, self.sample(time_s - self._grab_s), self.end_s)
        elif hit.index is None:
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

    def band(self, from_s: float, to_s: float) -> None:
        """Mark a stretch and select all that touches it, while it is being drawn."""
        a, b = sorted(min(max(t, 0.0), self.end_s) for t in (from_s, to_s))
        self.range_s = (a, b) if b > a else None
        inside = self.table.touched(a, b)
        self.selected, self.also = (inside[0], tuple(inside[1:])) if inside else (None, ())
        self.watch()

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
        had, self.draft, self._down = self.draft is not None or self.by_s != 0, None, False
        self.by_s = 0.0
        self.watch()
        return had

    # --- keys ----------------------------------------------------------------------------

    def pick(self, index: int | None, also: tuple[int, ...] = ()) -> None:
        """Select label `index`, and those of `also` with it; its class becomes the one that is drawn next."""
        self.settle()
        self.selected, self.also = index, tuple(i for i in also if i != index)
        if index is not None and self.labels.segments[index].label in self.classes:
            self.label = self.labels.segments[index].label
        self.door.select(index, self.also)
        self.watch()

    def pick_more(self, index: int, through: bool = False) -> None:
        """Select label `index` too, or no longer; with `through` all from the one in hand up to it."""
        chosen = set(self.chosen_indices)
        if through and self.selected is not None:
            a, b = sorted((self.selected, index))
            self.pick(self.selected, tuple(range(a, b + 1)))
            return
        chosen ^= {index}
        hand = index if index in chosen else next(iter(sorted(chosen)), None)
        self.pick(hand, tuple(sorted(chosen)))

    def step(self, by: int) -> None:
        """Select the next (+1) or previous (-1) label, seen from the selection or from the cursor."""
        if not len(self.labels):
            return
        at = self.selected
        if at is None:
            at = bisect_left(self.labels.segments, self.cursor_s or 0.0, key=_stop_of)
            at = at - 1 if by > 0 else at
        self.pick(min(max(at + by, 0), len(self.labels) - 1))

    def nudge(self, samples: int, part: str = "inside") -> None:
        """Move the selected label, or one edge of it, by `samples`. Steps add up until `settle`: one step of undo."""
        if self.selected is None:
            return
        if self.also:
            by_s = self.by_s + samples / self.rate_hz
            self.by_s = self.labels.allowed(self.chosen_indices, by_s, self.end_s)
            self.watch()
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
        if self.by_s:
            self._shift()
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
        """Delete the selected labels."""
        self.cancel()
        if chosen := self.chosen_indices:
            what = f"Delete {self._named(chosen)}"
            self.selected, self.also = None, ()
            self.door.edit(what, self.labels.without(chosen), None)

    def assign(self, label: str) -> None:
        """`label` becomes the current class, and that of the selected labels."""
        self.settle()
        self.label, chosen = label, self.chosen_indices
        others = [i for i in chosen if self.labels.segments[i].label != label]
        if others:
            what = f"Relabel {self._named(others).removeprefix('label ')} as {label}"
            self.change(what, lambda s: replace(s, label=label, score=1.0))
        self.watch()

    def change(self, what: str, how: Callable[[Segment], Segment]) -> None:
        """Change the selected labels, their borders apart."""
        chosen = self.chosen_indices
        track = self.labels.change(chosen, how)
        same = len(track) == len(self.labels)  # else points became one
        self.door.edit(what, track, self.selected if same else None, self.also if same else ())

    def place(self, start_s: float, stop_s: float) -> None:
        """Put the selected label at typed borders, as far as its neighbours allow."""
        if (index := self.selected) is None:
            return
        low, high = self.table.room(index, self.end_s)
        if self.labels.segments[index].is_point:
            at_s = min(max(self.sample(start_s), low), high)
            self._replace(Draft(index, at_s, at_s, self.labels.segments[index].label))
            return
        start = min(max(self.snap(start_s), low), high - self.sample_s)
        stop = max(min(self.snap(stop_s), high), start + self.sample_s)
        self._replace(Draft(index, start, stop, self.labels.segments[index].label))

    def commit(self, what: str, labels: Labels, picked: Segment | None = None) -> None:
        """Commit another track and select `picked` in it."""
        at = bisect_left(labels.segments, picked) if picked is not None else len(labels)
        self.door.edit(what, labels, at if at < len(labels) and labels.segments[at] == picked else None)

    # --- inner ---------------------------------------------------------------------------

    def _named(self, indices: Sequence[int]) -> str:
        """label wave, or 12 labels."""
        if len(indices) == 1:
            return f"label {self.labels.segments[indices[0]].label}"
        return f"{len(indices)} labels"

    def _shift(self) -> None:
        """Commit the move of the whole selection."""
        by_s, self.by_s = self.by_s, 0.0
        chosen = self.chosen_indices
        track = self.labels.shift(chosen, by_s, self.end_s)
        if len(track) == len(self.labels):
            moved = [replace(s, start_s=s.start_s + by_s, stop_s=s.stop_s + by_s) for s in self.labels.copy(chosen)]
            first = bisect_left(track.segments, moved[0]) if moved else 0
            there = {s: i for i, s in enumerate(track.segments[first:], first)}
            also = tuple(there[s] for s in moved if s in there)
        else:
            also = ()
        self.door.edit(f"Move {self._named(chosen)}", track, also[0] if also else None, also[1:])

    def _drawn(self, time_s: float) -> Draft | None:
        low, high = self.table.gap(self._grab_s, self.end_s)
        a, b = sorted((self._grab_s, time_s))
        start, stop = max(low, self.snap(a)), min(high, self.snap(b))
        return Draft(None, start, stop, self.label) if stop - start >= self.sample_s / 2 else None

    def _moved(self, index: int, segment: Segment, by_s: float) -> Draft:
        low, high = self.table.room(index, self.end_s)
        length = segment.stop_s - segment.start_s
        if segment.is_point:
            at_s = min(max(self.snap(segment.start_s + by_s), low), high)
            return Draft(index, at_s, at_s, segment.label)
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
        made = Segment(draft.start_s, draft.stop_s, draft.label)
        self.commit(f"Add label {draft.label}", self.labels.add(made), made)

    def _replace(self, draft: Draft) -> None:
        assert draft.index is not None
        old = self.labels.segments[draft.index]
        if (old.start_s, old.stop_s) == (draft.start_s, draft.stop_s):
            return
        same = abs((draft.stop_s - draft.start_s) - (old.stop_s - old.start_s)) < self.sample_s / 2
        what = f"{'Move' if same else 'Resize'} label {draft.label}"
        track = self.labels.move(draft.index, draft.start_s, draft.stop_s)
        moved = replace(old, start_s=draft.start_s, stop_s=draft.stop_s)
        self.door.edit(what, track, bisect_left(track.segments, moved) if len(track) == len(self.labels) else None)


def _stop_of(segment: Segment) -> float:
    return segment.stop_s
