"""The right side of the Label page: panels behind tabs, one of them in view. Other rooms add theirs to `PANELS`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.app.session import Session
from studio.ui.media.playhead import Playhead
from studio.ui.pages.base import Shell
from studio.ui.widgets import Button, Side, button, columns, label, rule, scrolled

WIDTH_PX, TAB_PX = 300, 33


class View(Protocol):
    """The timeline, as panels see it."""

    end_s: float

    @property
    def visible_s(self) -> tuple[float, float]:
        """The stretch in view."""

    @property
    def marked_s(self) -> tuple[float, float] | None:
        """The stretch that the person selected: a range, else the selected labels from first to last."""

    def look_at(self, left: float, right: float) -> None:
        """Show [left, right], seconds."""


class Bench(Protocol):
    """The Label page, as its panels see it."""

    shell: Shell
    playhead: Playhead

    @property
    def session(self) -> Session:
        """The one door to the state."""

    @property
    def timeline(self) -> View:
        """The rows over one time axis."""

    def say(self, text: str) -> None:
        """A line in the status bar."""


@dataclass(frozen=True)
class Panel:
    """One tab. The widget is made when first shown; it may have `tick()`, called on each beat while in view."""

    title: str
    icon: str
    make: Callable[[Shell, Any], QtWidgets.QWidget]


#: By name; a page adds its own panels in front of these.
PANELS: dict[str, Panel] = {}


class Tabs(Side):
    """Tabs on top, the chosen panel below; `show_panel(name)` chooses."""

    def __init__(self, shell: Shell, bench: Bench, panels: dict[str, Panel]) -> None:
        super().__init__("right", WIDTH_PX)
        self._shell, self._bench, self._panels = shell, bench, panels
        self._made: dict[str, tuple[QtWidgets.QWidget, QtWidgets.QScrollArea]] = {}
        self.name = ""
        self.stack = QtWidgets.QStackedWidget()
        self._group = QtWidgets.QButtonGroup(self)
        self.buttons = {name: self._button(name, panel) for name, panel in panels.items()}
        bar = columns(*self.buttons.values(), spacing=0)
        bar.setContentsMargins(8, 6, 8, 0)
        bar.addStretch()
        self.title = label("", "title")
        self.title.setContentsMargins(16, 10, 16, 0)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(0)
        self.body.addLayout(bar)
        self.body.addWidget(rule())
        self.body.addWidget(self.title)
        self.body.addWidget(self.stack, 1)
        self.show_panel(next(iter(panels)))

    def _button(self, name: str, panel: Panel) -> Button:
        number = len(self._group.buttons()) + 1
        made = button(
            f"panel_{name}", "", lambda: self.show_panel(name), icon=panel.icon, kind="tab", shortcut=f"Alt+{number}",
            accessible=panel.title, tip=panel.title,
        )  # fmt: skip
        made.setCheckable(True)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # Space plays
        made.setFixedWidth(TAB_PX)
        self._group.addButton(made)
        return made

    def show_panel(self, name: str) -> None:
        """Bring the panel `name` into view, made now if it was not yet."""
        self.name = name
        if name not in self._made:
            widget = self._panels[name].make(self._shell, self._bench)
            area = scrolled(widget, f"panel_area_{name}")
            self._made[name] = widget, area
            self.stack.addWidget(area)
        self.stack.setCurrentWidget(self._made[name][1])
        self.title.setText(self._panels[name].title)
        for key, one in self.buttons.items():
            one.setChecked(key == name)
            one.show_as("", self._panels[key].icon, "tab", "text" if key == name else "dim")

    def panel(self, name: str) -> QtWidgets.QWidget | None:
        """The widget of a panel that was made."""
        return self._made[name][0] if name in self._made else None

    def tick(self) -> None:
        """A beat for the panel in view."""
        tick = getattr(self._made[self.name][0], "tick", None)
        if tick is not None:
            tick()
