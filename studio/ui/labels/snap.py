"""What a border snaps to when it comes near: other borders, other tracks, the onsets of something in the signal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from studio.data.onsets import Bursts
from studio.ui.labels.table import Table

#: What can be switched on and off, with its name on the button.
KINDS = {"labels": "Neighbouring labels", "tracks": "Other tracks", "energy": "Energy onsets"}


@dataclass
class Snap:
    """`on` are the kinds that count; `tracks` the tables of the other tracks, `bursts` those of the streams."""

    on: set[str] = field(default_factory=lambda: set(KINDS))
    tracks: Sequence[Table] = ()
    bursts: Sequence[Bursts] = ()

    def near(self, time_s: float, reach_s: float, own: Table, held: int | None) -> float | None:
        """The nearest of all that is on, within `reach_s`; segment `held` of the own track is no target."""
        a, b = time_s - reach_s, time_s + reach_s
        found: list[float] = []
        if "labels" in self.on:
            found += own.edges(a, b, held)
        if "tracks" in self.on:
            found += [edge for table in self.tracks for edge in table.edges(a, b)]
        if "energy" in self.on:
            found += [edge for bursts in self.bursts for edge in bursts.near(time_s, reach_s)]
        return min(found, key=lambda t: abs(t - time_s), default=None)

    def toggle(self, kind: str) -> bool:
        """Switch a kind; whether it is on now."""
        self.on ^= {kind}
        return kind in self.on
