"""The look: tokens of a light and a dark theme become a QPalette, one style sheet, and colours for plots and icons.

Whoever paints by hand reads `theme().tokens` when painting and repaints on `theme().changed`; everything else
follows the style sheet. Native arrows and ticks vanish under a style sheet, so they are SVG files in the right colour.
"""

import hashlib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from string import Template

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtGui import QColor, QPalette

from studio.paths import RESOURCES, home

CHOICES = ("system", "dark", "light")


@dataclass(frozen=True)
class Tokens:
    """Colours by what they mean. `lanes` colour the channels of a sensor, `classes` the labels."""

    bg: str
    panel: str
    raised: str
    field: str
    hover: str
    stripe: str
    disabled: str
    line: str
    line_strong: str
    text: str
    dim: str
    faint: str
    accent: str
    accent_hover: str
    accent_press: str
    accent_text: str
    accent_line: str
    soft: str
    focus: str
    ring: str
    neutral: str
    ok: str
    ok_soft: str
    warn: str
    warn_soft: str
    danger: str
    danger_fill: str
    danger_hover: str
    danger_soft: str
    danger_line: str
    tip: str
    tip_text: str
    plot: str
    grid: str
    lanes: tuple[str, ...]
    classes: tuple[str, ...]
    heat: str
    is_dark: bool


DARK = Tokens(
    bg="#12151a",
    panel="#181c23",
    raised="#20252e",
    field="#12151a",
    hover="#262c37",
    stripe="#1b2028",
    disabled="#1b2027",
    line="#2a303b",
    line_strong="#3a4251",
    text="#e6e9ef",
    dim="#9aa4b5",
    faint="#626c7d",
    accent="#5b8cff",
    accent_hover="#759eff",
    accent_press="#4a7bf0",
    accent_text="#0b1020",
    accent_line="#35528f",
    soft="#1f2d4c",
    focus="#7aa2ff",
    ring="#dbe6ff",
    neutral="#252b35",
    ok="#43c98b",
    ok_soft="#17352a",
    warn="#f2b33d",
    warn_soft="#3a2f17",
    danger="#ff7187",
    danger_fill="#d9364f",
    danger_hover="#e64a62",
    danger_soft="#38202a",
    danger_line="#6b3140",
    tip="#e6e9ef",
    tip_text="#12151a",
    plot="#14181e",
    grid="#2a303b",
    lanes=("#ff6b8a", "#3fcf8e", "#5b9bff", "#f5b83d", "#b18cff", "#35c9d6"),
    classes=("#5b9bff", "#f5a524", "#3fcf8e", "#ef5b7f", "#a78bfa", "#22c3d6", "#e879c6", "#9ccc3c"),
    heat="inferno",
    is_dark=True,
)

LIGHT = Tokens(
    bg="#f5f6f8",
    panel="#ffffff",
    raised="#ffffff",
    field="#ffffff",
    hover="#eef1f6",
    stripe="#f8f9fb",
    disabled="#f0f2f5",
    line="#e0e4ea",
    line_strong="#c6cdd8",
    text="#1b2330",
    dim="#5a6577",
    faint="#98a1b0",
    accent="#2b67e6",
    accent_hover="#1f59d3",
    accent_press="#194dbb",
    accent_text="#ffffff",
    accent_line="#b3caf8",
    soft="#e7eefd",
    focus="#2b67e6",
    ring="#0d2f7a",
    neutral="#eceff4",
    ok="#0b7648",
    ok_soft="#dff5ea",
    warn="#8f5f00",
    warn_soft="#fdf1d6",
    danger="#c21f3f",
    danger_fill="#cf2744",
    danger_hover="#b81d39",
    danger_soft="#fdebee",
    danger_line="#f3bcc6",
    tip="#1b2330",
    tip_text="#f5f6f8",
    plot="#ffffff",
    grid="#e6e9ee",
    lanes=("#dc3c63", "#12915c", "#2b6de8", "#b97a00", "#7a52e0", "#0b8a99"),
    classes=("#3b7bf0", "#e08a00", "#1f9d68", "#d9436a", "#7c5cf0", "#0d99ab", "#c44fa4", "#6f9a12"),
    heat="CET-L17",
    is_dark=False,
)


class Theme(QtCore.QObject):
    """The theme in force. `choose` switches it while the app runs."""

    changed = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__()
        self.tokens = DARK
        self.choice = "system"
        QtGui.QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow_system)

    def choose(self, choice: str) -> None:
        """Put `choice` ("system", "dark" or "light") on the whole app, and remember it."""
        self.choice = choice
        settings().setValue("theme", choice)
        self.put(_resolve(choice))

    def put(self, tokens: Tokens) -> None:
        """Colour everything with `tokens`."""
        self.tokens = tokens
        app = QtWidgets.QApplication.instance()
        app.setPalette(palette(tokens))
        app.setStyleSheet(style_sheet(tokens))
        self.changed.emit()

    def color(self, role: str, alpha: float = 1.0) -> QColor:
        """The token `role` as a colour."""
        color = QColor(getattr(self.tokens, role))
        color.setAlphaF(alpha)
        return color

    def _follow_system(self) -> None:
        if self.choice == "system":
            self.put(_resolve("system"))


@cache
def theme() -> Theme:
    """The app's one theme; needs a QApplication."""
    return Theme()


def settings() -> QtCore.QSettings:
    """The window's own settings (theme, geometry, recent projects); a project's settings live in the project."""
    return QtCore.QSettings(str(home() / "window.ini"), QtCore.QSettings.Format.IniFormat)


def start(app: QtWidgets.QApplication) -> Theme:
    """Fonts, base style and the remembered theme for `app`."""
    if app.style().objectName() != "fusion":
        app.setStyle("Fusion")
    _load_fonts()
    app.setFont(font())
    chosen = str(settings().value("theme", "system"))
    theme().choose(chosen if chosen in CHOICES else "system")
    return theme()


@cache
def _load_fonts() -> None:
    for file in sorted((RESOURCES / "fonts").glob("*.otf")):
        QtGui.QFontDatabase.addApplicationFont(str(file))


def font(
    pixels: int = 13, weight: QtGui.QFont.Weight = QtGui.QFont.Weight.Normal, figures: bool = False
) -> QtGui.QFont:
    """Inter at a size in pixels; `figures` gives all digits the same width, so running numbers stand still."""
    made = QtGui.QFont("Inter")
    made.setPixelSize(pixels)
    made.setWeight(weight)
    if figures:
        made.setFeature(QtGui.QFont.Tag("tnum"), 1)
    return made


def _resolve(choice: str) -> Tokens:
    """Tokens for a choice. A desktop that does not say what it prefers gets the dark theme."""
    if choice == "system":
        scheme = QtGui.QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme == QtCore.Qt.ColorScheme.Light else DARK
    return LIGHT if choice == "light" else DARK


def palette(t: Tokens) -> QPalette:
    """What the style sheet does not reach: native dialogs, placeholder text, disabled text."""
    made, role = QPalette(), QPalette.ColorRole
    colors = {
        role.Window: t.bg,
        role.WindowText: t.text,
        role.Base: t.field,
        role.AlternateBase: t.stripe,
        role.Text: t.text,
        role.Button: t.raised,
        role.ButtonText: t.text,
        role.Highlight: t.accent,
        role.HighlightedText: t.accent_text,
        role.ToolTipBase: t.tip,
        role.ToolTipText: t.tip_text,
        role.PlaceholderText: t.faint,
        role.Link: t.accent,
        role.Mid: t.line,
    }
    for key, value in colors.items():
        made.setColor(key, QColor(value))
    for key in (role.Text, role.WindowText, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, key, QColor(t.faint))
    return made


def style_sheet(t: Tokens) -> str:
    """The style sheet in the colours of `t`."""
    template = Template((RESOURCES / "themes" / "studio.qss").read_text(encoding="utf-8"))
    arrows = {
        "chevron": ("chevron-down", t.dim),
        "chevron_up": ("chevron-up", t.dim),
        "check": ("check", t.accent_text),
    }
    files = {key: _coloured_file(name, color) for key, (name, color) in arrows.items()}
    return template.substitute(asdict(t) | files)


def _coloured_file(name: str, color: str) -> str:
    """Path of an icon recoloured on disk: a style sheet takes images only as files."""
    svg = (RESOURCES / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    svg = svg.replace("currentColor", color).replace('stroke-width="2"', 'stroke-width="2.6"')
    folder = home() / "icons"
    folder.mkdir(exist_ok=True)
    path = Path(folder / f"{name}-{hashlib.sha256(svg.encode()).hexdigest()[:10]}.svg")
    if not path.exists():
        path.write_text(svg, encoding="utf-8")
    return path.as_posix()
