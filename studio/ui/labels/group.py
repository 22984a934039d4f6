"""What keys and menus do with all selected labels, or at the line: split, merge, copy, paste, trim, points, remarks.

Each is one step of undo. What was copied stays while the program runs, so it can be pasted into another track or
another recording.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from studio.data.labels import Labels, Segment
from studio.errors import DataError
from studio.ui.labels.edit import Edit


@dataclass
class Clipboard:
    """Copied labels, in order of time."""

    segments: tuple[Segment, ...] = ()


#: One for all windows of the program.
CLIPBOARD = Clipboard()


@dataclass
class Group:
    """Acts on what is selected in `edit`; `here()` is where the line stands, in seconds."""

    edit: Edit
    here: Callable[[], float]
    clipboard: Clipboard

    def select_all(self) -> None:
        """All labels of the track."""
        n = len(self.edit.labels)
        if n:
            self.edit.pick(self.edit.selected or 0, tuple(range(n)))

    def copy(self) -> None:
        """Remember the selected labels."""
        if chosen := self.edit.chosen_indices:
            self.clipboard.segments = self.edit.labels.copy(chosen)

    def cut(self) -> None:
        """Remember and delete them."""
        self.copy()
        self.edit.delete()

    def paste(self) -> None:
        """Put what was copied at the line; what it covers gives way."""
        found = self.clipboard.segments
        if not found:
            return
        edit, at_s = self.edit, self.edit.sample(self.here())
        edit.settle()
        track = edit.labels.paste(found, at_s, edit.end_s)
        by_s = at_s - found[0].start_s
        pasted = [replace(s, start_s=s.start_s + by_s, stop_s=min(s.stop_s + by_s, edit.end_s)) for s in found]
        there = {s: i for i, s in enumerate(track.segments)} if len(found) > 1 else {}
        also = tuple(there[s] for s in pasted if s in there)
        if also:
            edit.door.edit(f"Paste {len(found)} labels", track, also[0], also[1:])
        else:
            edit.commit(f"Paste label {found[0].label}", track, pasted[0])

    def split(self) -> None:
        """The label under the line as two, there."""
        edit, at_s = self.edit, self.edit.sample(self.here())
        edit.settle()
        index = edit.table.at(at_s)
        if index is None:
            edit.door.refuse(DataError("Split", "no label lies under the line", "Move the line into a label first."))
            return
        self._try(f"Split label {edit.labels.segments[index].label}", lambda: edit.labels.split(index, at_s), at_s)

    def merge(self) -> None:
        """The selected labels as one; with one selected, it and the next."""
        edit = self.edit
        edit.settle()
        chosen = edit.chosen_indices
        if len(chosen) == 1 and (place := edit.table.place(chosen[0])) is not None and place + 1 < len(edit.table):
            chosen = (chosen[0], int(edit.table.index[place + 1]))
        first = edit.labels.segments[chosen[0]].start_s if chosen else 0.0
        self._try(f"Merge {len(chosen)} labels", lambda: edit.labels.merge(chosen), first)

    def trim(self, part: str) -> None:
        """Put an edge ("start" or "stop") of the selected label at the line."""
        edit, at_s = self.edit, self.here()
        if edit.selected is None:
            return
        s = edit.labels.segments[edit.selected]
        if part == "start" and at_s < s.stop_s:
            edit.place(at_s, s.stop_s)
        elif part == "stop" and at_s > s.start_s:
            edit.place(s.start_s, at_s)

    def point(self) -> None:
        """A point of the current class at the line."""
        edit = self.edit
        edit.settle()
        at_s = min(max(edit.sample(self.here()), 0.0), edit.end_s)
        made = Segment(at_s, at_s, edit.label)
        edit.commit(f"Add point {edit.label}", edit.labels.add(made), made)

    def fill(self, label: str) -> None:
        """The marked stretch carries `label`; what is in it gives way."""
        edit = self.edit
        if edit.range_s is not None:
            made = Segment(*edit.range_s, label)
            edit.label, edit.range_s = label, None
            edit.commit(f"Add label {label}", edit.labels.add(made), made)

    def clear(self) -> None:
        """Nothing within the marked stretch."""
        edit = self.edit
        if edit.range_s is not None:
            edit.commit("Clear marked stretch", edit.labels.clear(*edit.range_s))

    def comment(self, text: str) -> None:
        """A remark on the selected labels."""
        self._change("Comment", lambda s: replace(s, comment=text.strip()))

    def confidence(self, share: float) -> None:
        """How sure the person is of the selected labels, 0 to 1."""
        self._change(f"Confidence {share:.0%}", lambda s: replace(s, score=share))

    def _change(self, what: str, how: Callable[[Segment], Segment]) -> None:
        edit = self.edit
        edit.settle()
        if any(how(s) != s for s in edit.labels.copy(edit.chosen_indices)):
            edit.change(what, how)

    def _try(self, what: str, how: Callable[[], Labels], at_s: float) -> None:
        """Commit the new track and select the stretch at `at_s`; refuse what the track refuses."""
        try:
            track = how()
        except DataError as e:
            self.edit.door.refuse(e)
            return
        self.edit.door.edit(what, track, track.at(at_s))
