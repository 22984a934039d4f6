"""What a page is, and what it may ask of the window around it."""

from collections.abc import Callable
from typing import Any, Protocol

from PySide6 import QtWidgets

from studio.app.session import Session, State
from studio.progress import Progress
from studio.ui.commands.action import Action
from studio.ui.device import Device
from studio.ui.heartbeat import Heartbeat, Watch


class Shell(Protocol):
    """The window, as its pages see it."""

    session: Session
    device: Device
    heartbeat: Heartbeat

    def go(self, page: str) -> None:
        """Open another page by its key."""

    def say(self, text: str) -> None:
        """A line in the status bar."""

    def show_error(self, error: BaseException) -> None:
        """The banner under the top bar."""

    def clear_error(self) -> None:
        """Take the banner away."""

    def run(
        self,
        job: Any,
        *,
        step: Callable[[Progress], None] | None = None,
        done: Callable[[Any], None] | None = None,
        failed: Callable[[BaseException], None] | None = None,
        stopped: Callable[[], None] | None = None,
    ) -> Watch:
        """Watch a Job or ProcessJob until it ends, also while another page is open. Errors go to the banner
        unless `failed` takes them."""


class Page(QtWidgets.QWidget):
    """One place of the navigation rail. Built when first opened."""

    def __init__(self, shell: Shell) -> None:
        super().__init__()
        self.shell = shell

    def toolbar(self) -> list[QtWidgets.QWidget]:
        """Buttons for the top bar while this page is open; the primary action last."""
        return []

    def actions(self) -> list[Action]:
        """What can be done here by key beside the buttons in view: for the command palette."""
        return []

    def crumb(self) -> str:
        """What is open on this page, shown after the project's name."""
        return ""

    def changed(self, old: State, new: State) -> None:
        """The session's state changed; called while open, and on opening when it changed meanwhile."""

    def enter(self) -> None:
        """The page was opened."""

    def leave(self) -> None:
        """Another page was opened."""

    def tick(self) -> None:
        """The heartbeat, some 36 times a second while this page is visible."""
