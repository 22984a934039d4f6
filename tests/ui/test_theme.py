"""Both themes are whole, readable, and change while the app runs."""

import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from studio.paths import RESOURCES
from studio.ui import icons, theme
from studio.ui.plots.plot import PlotArea
from studio.ui.theme import DARK, LIGHT, Theme, Tokens


def luminance(color: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in QtGui.QColor(color).getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("t", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize(
    ("front", "back", "least"),
    [
        ("text", "bg", 7), ("text", "panel", 7), ("dim", "panel", 4.5), ("dim", "bg", 4.5),
        ("accent_text", "accent", 4.5), ("accent", "soft", 4.2), ("ok", "ok_soft", 4.5),
        ("warn", "warn_soft", 4.5), ("danger", "danger_soft", 4.5),
        ("focus", "panel", 3), ("tip_text", "tip", 7),
    ],
)  # fmt: skip
def test_words_can_be_read(t: Tokens, front: str, back: str, least: float) -> None:
    assert contrast(getattr(t, front), getattr(t, back)) >= least


@pytest.mark.parametrize("t", [DARK, LIGHT], ids=["dark", "light"])
def test_lines_stand_out_from_the_plot(t: Tokens) -> None:
    assert min(contrast(c, t.plot) for c in t.lanes) >= 3


def test_the_style_sheet_has_no_open_names_and_its_pictures_exist(look: Theme) -> None:
    sheet = theme.style_sheet(DARK)
    assert "$" not in sheet
    pictures = [part.split(")")[0] for part in sheet.split("url(")[1:]]
    assert pictures and all(QtCore.QFile.exists(p) for p in pictures)


def test_fonts_are_ours(look: Theme) -> None:
    assert "Inter" in QtGui.QFontDatabase.families()
    assert QtGui.QFontInfo(QtWidgets.QApplication.font()).family() == "Inter"


def test_a_change_of_theme_reaches_plots_icons_and_palette_and_is_kept(look: Theme, qtbot: QtBot) -> None:
    area = PlotArea()
    qtbot.addWidget(area)
    plot = area.add_plot()
    icon = icons.icon("cpu", "text")
    before = icon.pixmap(32, 32).toImage()
    look.choose("light")
    assert area.backgroundBrush().color() == QtGui.QColor(LIGHT.plot)
    assert plot.getAxis("left").textPen().color() == QtGui.QColor(LIGHT.dim)
    assert icon.pixmap(32, 32).toImage() != before
    assert QtWidgets.QApplication.palette().window().color() == QtGui.QColor(LIGHT.bg)
    assert theme.settings().value("theme") == "light"


def test_the_system_is_followed_when_nothing_else_was_chosen(look: Theme, monkeypatch: pytest.MonkeyPatch) -> None:
    light = QtCore.Qt.ColorScheme.Light

    class Hints:
        def colorScheme(self) -> QtCore.Qt.ColorScheme:
            return light

    monkeypatch.setattr(QtGui.QGuiApplication, "styleHints", staticmethod(Hints))
    look.choose("system")
    assert look.tokens is LIGHT
    look.choose("dark")
    look._follow_system()
    assert look.tokens is DARK


def test_every_shipped_icon_and_font_has_its_licence_and_renders(look: Theme) -> None:
    for path in (RESOURCES / "icons").glob("*.svg"):
        assert icons.renderer(path.stem, "#ffffff").isValid(), path.name
    assert "MIT License" in (RESOURCES / "icons" / "LICENSE-Tabler.txt").read_text(encoding="utf-8")
    assert "SIL Open Font License" in (RESOURCES / "fonts" / "LICENSE-Inter.txt").read_text(encoding="utf-8")
