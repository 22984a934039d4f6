"""Onto the board, and proof that what answers is what was built."""

from pathlib import Path
from typing import Any

import numpy as np

from studio.app import models
from studio.app.actions.evaluate import windows_for
from studio.app.handing import HandedLink, PortAlone
from studio.app.links import open_link, option, speed_of
from studio.data.project import Project, open_project, recordings
from studio.data.stream import Array
from studio.data.talk import Talk
from studio.errors import InputError, StudioError, VerifyError
from studio.firmware.board import boards
from studio.firmware.first_light import first_light as check_board
from studio.firmware.flash import Test
from studio.firmware.flash import flash as write_image
from studio.firmware.flash import roll_back as one_back
from studio.firmware.own import flash_own, roll_back_own
from studio.firmware.verify import verify as compare
from studio.progress import Progress, Work

SELF_TEST_WINDOWS = 12


def first_light(url: str, seconds: float = 10.0) -> Work[dict[str, Any]]:
    """Check the board at `url` in a minute; the result holds a report for an issue."""
    yield Progress(0, seconds, f"opening {url}")
    link = open_link(url)
    try:
        return (yield from check_board(Talk(link), seconds, speed_of(url)))
    finally:
        link.close()


def flash(image: Path, url: str, only: str = "") -> Work[dict[str, Any]]:
    """Write an image to the board at `url`; returns the `flash` result once the board answers with its build hash.

    An image that lies where a project built it is tested with stored windows of that project before it is confirmed.
    When the board runs the same code and only the model's numbers differ, these alone are written; `only` "parameters"
    insists on that, "whole" writes the image all the same.
    `?by=` in the URL takes one way of flashing at once, `?loader=` names the boot loader's port when it is another.
    """
    if not image.is_file():
        raise InputError(str(image), "does not exist", "Build it first: `studio build PROJECT MODEL --board ID`.")
    test = self_test(image)
    yield Progress(0, 0, f"opening {url}")
    link = HandedLink(url)
    try:
        return (yield from write_image(Talk(link), image, test, option(url, "by"), only))
    finally:
        link.close()


def flash_own_build(path: Path, url: str, board: str) -> Work[dict[str, Any]]:
    """A build of the user's own onto `board`, by the way that its board.toml names, or `?by=`."""
    return {**(yield from flash_own(PortAlone(url), path, board, option(url, "by"))), "own_build": True}


def roll_back(url: str, board: str = "") -> Work[dict[str, Any]]:
    """The image that ran before the last one, back on the board at `url`; returns {"board", "build_hash", "was"}.

    `board` says that it holds builds of the user's own.
    """
    if board:
        return (yield from roll_back_own(PortAlone(url), board))
    yield Progress(0, 0, f"opening {url}")
    link = HandedLink(url)
    try:
        return (yield from one_back(Talk(link)))
    finally:
        link.close()


def self_test(image: Path) -> Test | None:
    """Stored windows of the project that built `image`, for the board to answer; None when there are none."""
    found = _origin(image)
    if found is None:
        return None
    project, model = found
    try:
        raw = stored_windows(windows_for(model, recordings(project)).raw, SELF_TEST_WINDOWS)
    except StudioError:  # the recordings may be gone by now
        return None

    def test(talk: Talk) -> Work[None]:
        result = yield from compare(talk, model.graph, model.stream, raw)
        first = result["first_difference"]
        if first is not None:
            seen = f"differs in stage {first['stage']}: {first['host']} here, {first['board']} on the board"
            raise VerifyError(f"Window {first['window']}", seen, "Build again; if it stays, report it.")

    return test


def _origin(image: Path) -> tuple[Project, models.Model] | None:
    """Project and model of an image under PROJECT/builds/MODEL-BOARD/."""
    folder = image.resolve().parent
    path = folder.parents[1]
    if folder.parent.name != "builds" or not (path / "project.json").is_file():
        return None
    project = open_project(path)
    ids = [p.parent.name for p in (path / "models").glob("*/model.json")]
    built = [i for i in ids if folder.name in {f"{i}-{board}" for board in boards()}]
    return (project, models.load(project, built[0])) if built else None


def verify(project_path: Path, model_id: str, url: str, n: int = 200) -> Work[dict[str, Any]]:
    """Replay `n` stored windows through the board and compare every stage bit for bit; returns the `verify` result."""
    project = open_project(project_path)
    model = models.load(project, model_id)
    raw = stored_windows(windows_for(model, recordings(project)).raw, n)
    yield Progress(0, n, f"opening {url}")
    link = open_link(url)
    try:
        return (yield from compare(Talk(link), model.graph, model.stream, raw))
    finally:
        link.close()


def stored_windows(raw: Array, n: int) -> Array:
    """`n` of the windows, spread over all of them; all when there are fewer."""
    if n < 1:
        raise InputError("Number of windows", str(n), "Give at least 1.")
    chosen: Array = raw[np.linspace(0, len(raw) - 1, min(n, len(raw))).astype(int)]
    return chosen
