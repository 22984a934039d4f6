"""How the rows of the timeline lie: their order, their heights, which are hidden. Remembered for each project.

A matter of the screen and not of the data, so it is kept with the window's settings and not in the project's folder.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from studio.ui.theme import settings

#: Heights that a row may have, in pixels.
LEAST_PX, MOST_PX, STEP_PX = 44, 1200, 20
STRIP_PX, LEAST_STRIP_PX = 24, 16


@dataclass
class Arrangement:
    """Rows by their keys: "stream:acc", "spectrogram:mic", "track:labels". Heights in pixels; without one a row shares
    what room there is."""

    order: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    heights: dict[str, int] = field(default_factory=dict)

    def arranged(self, keys: Iterable[str]) -> list[str]:
        """`keys` in the person's order; those the person never moved stay where they were among the others."""
        keys = list(keys)
        known = [key for key in self.order if key in keys]
        places = sorted(keys.index(key) for key in known)
        for place, key in zip(places, known, strict=True):
            keys[place] = key
        return keys

    def shown(self, keys: Iterable[str]) -> list[str]:
        """Those of them that are not hidden, in order."""
        return [key for key in self.arranged(keys) if key not in self.hidden]

    def move(self, keys: Iterable[str], key: str, by: int) -> None:
        """Row `key` by so many places among `keys`."""
        found = self.arranged(keys)
        at = found.index(key)
        found.insert(min(max(at + by, 0), len(found) - 1), found.pop(at))
        self.order = found + [k for k in self.order if k not in found]

    def hide(self, key: str, hidden: bool = True) -> None:
        """Hide a row, or show it again."""
        self.hidden = [k for k in self.hidden if k != key] + ([key] if hidden else [])

    def resize(self, key: str, height_px: int) -> None:
        """A row's own height."""
        least = LEAST_STRIP_PX if key.startswith("track:") else LEAST_PX
        self.heights[key] = min(max(height_px, least), MOST_PX)


def load(project: Path) -> Arrangement:
    """What was remembered for a project; as new when there is nothing that can be read."""
    try:
        found = json.loads(str(settings().value(_name(project), "{}")))
        return Arrangement(
            list(found["order"]), list(found["hidden"]), {k: int(v) for k, v in found["heights"].items()}
        )
    except (LookupError, TypeError, ValueError, AttributeError):
        return Arrangement()


def save(project: Path, arrangement: Arrangement) -> None:
    """Remember it."""
    settings().setValue(_name(project), json.dumps(asdict(arrangement)))


def _name(project: Path) -> str:
    return f"rows/{hashlib.sha256(str(project.resolve()).encode()).hexdigest()[:16]}"
