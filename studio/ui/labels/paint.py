"""Holding a class key while the recording plays paints that class, from the press to the release.

A person presses a fraction of a second after what they saw. That time is measured once for each person (see
`reaction`) and taken off both ends, times the speed. A short tap leaves a point instead.
"""

import time
from collections.abc import Callable

from studio.data.labels import Segment
from studio.ui.labels.edit import Draft, Edit
from studio.ui.labels.group import Group
from studio.ui.media.playhead import Playhead

#: A key that is down for less than this was tapped.
TAP_S = 0.15


class Brush:
    """What class keys do: paint while it plays; else name the marked stretch, or the selected labels."""

    def __init__(
        self,
        edit: Edit,
        group: Group,
        playhead: Playhead,
        reaction_s: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._edit, self._group, self._playhead = edit, group, playhead
        self._reaction_s, self._clock = reaction_s, clock
        self._held: tuple[str, float, float] | None = None  # class, where it began in the recording, when

    @property
    def painting(self) -> str:
        """The class that is being painted, or ""."""
        return self._held[0] if self._held else ""

    def press(self, name: str) -> None:
        """A class key went down."""
        if self._playhead.playing:
            self.let_go()
            self._edit.settle()
            self._edit.label = name
            self._held = name, self._when(), self._clock()
        elif self._edit.range_s is not None:
            self._group.fill(name)
        else:
            self._edit.assign(name)

    def tick(self) -> None:
        """Show how far it is painted."""
        if self._held is not None:
            name, start_s, _ = self._held
            self._edit.draft = Draft(None, start_s, max(self._when(), start_s + self._edit.sample_s), name)
            self._edit.watch()

    def release(self, name: str) -> None:
        """A class key came up."""
        if self._held is not None and self._held[0] == name:
            self.let_go()

    def let_go(self) -> None:
        """End what is being painted, as one step of undo; what lies under it gives way."""
        if self._held is None:
            return
        (name, start_s, pressed), self._held = self._held, None
        self._edit.draft = None
        tapped = self._clock() - pressed < TAP_S
        stop_s = start_s if tapped else max(self._when(), start_s + self._edit.sample_s)
        made = Segment(start_s, min(stop_s, self._edit.end_s), name)
        what = f"{'Add point' if tapped else 'Paint'} {name}"
        self._edit.commit(what, self._edit.labels.add(made), made)

    def _when(self) -> float:
        """What the person meant by now."""
        meant_s = self._playhead.now_s - self._reaction_s() * self._playhead.speed
        return min(max(self._edit.sample(meant_s), 0.0), self._edit.end_s)
