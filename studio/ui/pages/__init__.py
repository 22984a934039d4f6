"""The places of the navigation rail; each is built when it is first opened."""

from collections.abc import Callable
from dataclasses import dataclass

from studio.ui.pages.base import Page, Shell


@dataclass(frozen=True)
class Place:
    """A page before it is built: words and icon of its button, and how it is made."""

    title: str
    icon: str
    tip: str
    make: Callable[[Shell], Page]


def _capture(shell: Shell) -> Page:
    from studio.ui.pages.capture import CapturePage

    return CapturePage(shell)


def _label(shell: Shell) -> Page:
    from studio.ui.pages.label import LabelPage

    return LabelPage(shell)


def _data(shell: Shell) -> Page:
    from studio.ui.pages.data import DataPage

    return DataPage(shell)


def _train(shell: Shell) -> Page:
    from studio.ui.pages.train import TrainPage

    return TrainPage(shell)


def _deploy(shell: Shell) -> Page:
    from studio.ui.pages.deploy import DeployPage

    return DeployPage(shell)


def _live(shell: Shell) -> Page:
    from studio.ui.pages.live import LivePage

    return LivePage(shell)


def _settings(shell: Shell) -> Page:
    from studio.ui.pages.settings import SettingsPage

    return SettingsPage(shell)


def _help(shell: Shell) -> Page:
    from studio.ui.pages.help import HelpPage

    return HelpPage(shell)


#: In the order of the loop; Ctrl+1 opens the first.
PAGES: dict[str, Place] = {
    "capture": Place("Capture", "activity", "Connect a sensor and record", _capture),
    "label": Place("Label", "tags", "Mark what happened when", _label),
    "data": Place("Data", "database", "Recordings, import, data quality", _data),
    "train": Place("Train", "brain", "Find a model that fits the board", _train),
    "deploy": Place("Deploy", "cpu", "Build, flash and verify firmware", _deploy),
    "live": Place("Live", "broadcast", "What the board answers now", _live),
}
FOOT: dict[str, Place] = {
    "help": Place("Help", "help-circle", "How things work", _help),
    "settings": Place("Settings", "settings", "Theme, folders and speed", _settings),
}
#: Every page's key.
KEYS: dict[str, str] = {"help": "F1", "settings": "Ctrl+,"}
