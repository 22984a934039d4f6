"""The camera beside the sensors, on the Capture page: which one, what it sees, and its film in the recording."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtWidgets

from studio.app.actions.camera import attached
from studio.app.session import Session
from studio.data.recording import Recording
from studio.errors import LinkError, StudioError
from studio.ui.media.camera import Camera, Filming, cameras, open_camera
from studio.ui.media.pane import Picture
from studio.ui.pages.base import Shell
from studio.ui.widgets import button, columns, combo, label

#: Looking for cameras loads QtMultimedia, so it waits until somebody wants one.
NONE, LOOK = "", "look"
PREVIEW_PX = 132
FILE = "camera.mp4"


class CameraBox(QtWidgets.QWidget):
    """Choose a camera; `begin()` when a recording begins, `end(recording)` when it was closed (None: it is not kept).

    While no recording runs it shows what the camera sees. `enter` and `leave` with the page.
    """

    def __init__(self, shell: Shell, opener: Callable[[str], Camera] = open_camera) -> None:
        super().__init__()
        self._shell, self._open = shell, opener
        self.camera: Camera | None = None
        self.filming: Filming | None = None
        self._folder: Path | None = None
        self._finishing: list[Filming] = []
        self._build()

    def _build(self) -> None:
        self.choice = combo("camera_choice", "Camera", "A camera that is recorded beside the sensors, as a reference")
        self.choice.addItem("No camera", NONE)
        self.choice.addItem("Look for cameras …", LOOK)
        self.choice.activated.connect(lambda _: self.choose())
        self.look = button(
            "camera_refresh", "", self.refresh, icon="refresh", kind="ghost", accessible="Look for cameras",
            tip="Look for cameras again",
        )  # fmt: skip
        self.picture = Picture()
        self.picture.setObjectName("camera_picture")
        self.picture.setAccessibleName("What the camera sees")
        self.picture.setFixedHeight(PREVIEW_PX)
        self.picture.hide()
        self.state = label("", "small", wrap=True)
        self.state.hide()
        name = label("Camera", "small")
        name.setBuddy(self.choice)
        across = columns(self.choice, self.look, spacing=4)
        body = QtWidgets.QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(4)
        body.addWidget(name)
        body.addLayout(across)
        body.addWidget(self.picture)
        body.addWidget(self.state)

    # --- choosing --------------------------------------------------------------------------

    def enter(self) -> None:
        """The page is in view: show what the chosen camera sees."""
        if self.camera is None and self.choice.currentData():
            self.choose()

    def leave(self) -> None:
        """The page is out of view: the camera is let go unless it records."""
        if self.filming is None:
            self._release()

    def refresh(self) -> None:
        """List the cameras there are."""
        chosen = self.choice.currentData()
        try:
            found = cameras()
        except StudioError as e:
            self._say(f"{e.seen[:1].upper()}{e.seen[1:]}. {e.next_step}")
            return
        self._say("")
        self.choice.clear()
        self.choice.addItem("No camera", NONE)
        for id, title in found:
            self.choice.addItem(title, id)
        self.choice.setCurrentIndex(max(0, self.choice.findData(chosen)))

    def choose(self) -> None:
        """Use the camera that is chosen."""
        self._release()
        id = self.choice.currentData()
        if id == LOOK:
            self.choice.setCurrentIndex(0)
            self.refresh()
            self.choice.showPopup()
            return
        if not id:
            self._say("")
            return
        try:
            self.camera = self._open(id)
            self.camera.seen.connect(self._seen)
            self.camera.start()
        except StudioError as e:
            self._release()
            self._shell.show_error(e)
            return
        self.picture.show()
        self._say("Recorded beside the sensors")

    def _release(self) -> None:
        if self.camera is not None:
            self.camera.stop()
            with contextlib.suppress(RuntimeError, TypeError):
                self.camera.seen.disconnect(self._seen)
        self.camera = None
        self.picture.clear()
        self.picture.hide()

    def _seen(self, frame: Any, _: object) -> None:
        self.picture.show_frame(frame)

    def _say(self, words: str) -> None:
        self.state.setText(words)
        self.state.setVisible(bool(words))

    # --- recording -------------------------------------------------------------------------

    def begin(self) -> None:
        """A recording begins: film from now on, aside, into the project."""
        project = self._shell.session.state.project
        if self.camera is None or project is None or self.filming is not None:
            return
        self._folder = Path(tempfile.mkdtemp(prefix=".camera-", dir=project.recordings_path))
        self.filming = Filming(self.camera, self._folder / FILE)
        self.choice.setEnabled(False)
        self._say("Filming")

    def end(self, recording: Recording | None) -> None:
        """The recording is closed: its film is brought to it once it is whole."""
        filming, folder, self.filming = self.filming, self._folder, None
        self.choice.setEnabled(True)
        if filming is None or folder is None:
            return
        self._finishing.append(filming)  # lives until its file is whole
        filming.finished.connect(lambda: self._whole(filming, folder, recording))
        filming.end()

    def _whole(self, filming: Filming, folder: Path, recording: Recording | None) -> None:
        self._finishing.remove(filming)
        try:
            if recording is not None and not filming.error and filming.rows:
                attach(self._shell.session, recording, filming.file)
            elif filming.error:
                seen = f"was not recorded ({filming.error})"
                self._shell.show_error(LinkError("The camera", seen, "The sensors were; record again for a video."))
        except StudioError as e:
            self._shell.show_error(e)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        lost = f"; {filming.lost} frames came too fast for the recorder" if filming.lost else ""
        self._say(f"{len(filming.rows)} frames recorded{lost}")

    @property
    def busy(self) -> bool:
        """Whether a film is being made or brought home."""
        return self.filming is not None or bool(self._finishing)


def attach(session: Session, recording: Recording, file: Path) -> None:
    """Bring a film and its frames' times into the recording, placed by them; it is saved and shown."""
    state = session.state
    now = next((r for r in state.recordings if r.id == recording.id), recording)
    session.show(state.with_recording(attached(now, file)))
