"""Colours of labels: a class's own colour, thinned to a fill, and darkened or lightened until its name can be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from PySide6.QtGui import QColor

#: How opaque the veils are, 0 to 255.
DARK_VEIL = {"": 74, "strong": 120, "pale": 40}
LIGHT_VEIL = {"": 66, "strong": 110, "pale": 34}
#: Contrast that WCAG 2.2 asks of normal text.
READABLE = 4.5


@dataclass(frozen=True, eq=False)
class Look:
    """What the label layer paints with; `colors` maps class names to "#rrggbb"."""

    plot: str = "#171b21"
    text: str = "#e6e9ef"
    dim: str = "#98a2b3"
    accent: str = "#5b8cff"
    colors: Mapping[str, str] = field(default_factory=dict)

    @property
    def dark(self) -> bool:
        return _is_dark(self.plot)

    def color(self, name: str) -> QColor:
        """The class's colour; grey for a label that is no class."""
        return QColor(self.colors.get(name, self.dim))

    def fill(self, name: str, how: str = "") -> QColor:
        """The class's colour as a veil over the plot, mixed beforehand: Qt fills opaque rectangles ten times faster.

        `how`: "strong" for what is selected, "pale" for what its maker was not sure of.
        """
        return _veil(self.colors.get(name, self.dim), self.plot, (DARK_VEIL if self.dark else LIGHT_VEIL)[how])

    def ink(self, name: str, strong: bool = False) -> QColor:
        """The class's colour, moved towards white or black until it reads well on its own veil."""
        fill = self.fill(name, "strong" if strong else "")
        return QColor(_ink(self.color(name).name(), fill.name()))


def blend(over: QColor, under: str) -> QColor:
    """`over` with its alpha, laid on an opaque `under`."""
    a, base = over.alphaF(), QColor(under)
    mix = (round(o * a + u * (1 - a)) for o, u in zip(over.getRgb()[:3], base.getRgb()[:3], strict=True))
    return QColor(*mix)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(color).getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


@lru_cache(maxsize=16)
def _is_dark(color: str) -> bool:
    return QColor(color).lightness() < 128


@lru_cache(maxsize=256)
def _veil(color: str, plot: str, alpha: int) -> QColor:
    veil = QColor(color)
    veil.setAlpha(alpha)
    return blend(veil, plot)


@lru_cache(maxsize=256)
def _ink(color: str, on: str) -> str:
    end = max("#ffffff", "#000000", key=lambda c: contrast(c, on))
    for step in range(11):
        mix = QColor(color)
        mix.setAlphaF(1 - step / 10)
        tried = blend(mix, end).name()
        if contrast(tried, on) >= READABLE:
            return tried
    return end
