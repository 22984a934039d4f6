"""Train: search for the best model that the board can carry, and see what it is worth."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6 import QtWidgets

from studio.app.actions.train import stop_file
from studio.app.jobs import Job, ProcessJob
from studio.app.session import State
from studio.app.telling import sentence
from studio.data.labels import Labels, Segment
from studio.data.recording import Recording
from studio.errors import StudioError
from studio.firmware.board import boards
from studio.graph.ops.decide import Decide
from studio.progress import Progress, Work
from studio.ui.labels.lists import ITEM, Lines, list_view, scrolled_side
from studio.ui.labels.tally import tally_all
from studio.ui.pages.base import Page, Shell
from studio.ui.training.cells import Cells
from studio.ui.training.deciding import Deciding
from studio.ui.training.models import ModelLine, Shown, model_text, models_of
from studio.ui.training.result import Result
from studio.ui.training.searching import Searching
from studio.ui.training.settings import SettingsSide
from studio.ui.widgets import EmptyState, Side, button, heading, label

TARGET = "studio.app.actions.train:train"
TEST_AGAIN = "studio.app.actions.deciding:test_again"


class TrainPage(Page):
    """Settings at the left, the search or a model in the middle, all models at the right."""

    #: Tests put something quick here.
    make_job: Any = staticmethod(ProcessJob)
    make_work: Any = staticmethod(Job)

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        from studio.app.actions.train import TrainSettings

        self.boards = boards()
        self.settings = SettingsSide(TrainSettings, self.boards)
        self.searching = Searching(self.cancel, self.finish)
        self.result = Result(
            lambda: shell.go("deploy"),
            Cells(self._recording, self.open_windows, self._explain),
            Deciding(self._judge, self._test_again),
        )
        self.result.deciding.applied.connect(self._decide)
        self.job: Any = None
        self.lines = Lines(model_text)
        self.start = button(
            "train_start", "Start training", self.begin, icon="player-play", kind="primary", shortcut="Ctrl+Return",
            tip="Search for the best model",
        )  # fmt: skip
        self.show_search = button(
            "train_show_search", "Search", lambda: self._view(self.searching), icon="activity", tip="Show the search"
        )
        self._build()
        self.settings.changed.connect(self._show_buttons)

    def _build(self) -> None:
        self.empty = EmptyState(
            "brain", "Find a model that fits",
            "Choose families and limits, then start. Candidates are judged on recordings they have not seen.",
        )  # fmt: skip
        to_label = button("label_open", "Label recordings", lambda: self.shell.go("label"), icon="tags", kind="primary")
        self.unlabelled = EmptyState(
            "tags",
            "Nothing to learn from yet",
            "Label at least two classes, each in more than one recording.",
            to_label,
        )
        self.middle = QtWidgets.QStackedWidget()
        self._build_models()
        for widget in (self.empty, self.unlabelled, self.searching, self.result):
            self.middle.addWidget(widget)
        across = QtWidgets.QHBoxLayout(self)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(scrolled_side(self.settings))
        across.addWidget(self.middle, 1)
        across.addWidget(self.models)

    def _build_models(self) -> None:
        self.models = side = Side("right", 236)
        side.body.setContentsMargins(10, 16, 10, 12)
        title = heading("Models")
        title.setContentsMargins(6, 0, 0, 0)
        self.list = list_view("model_list", "Models", self.lines, ModelLine(), "Choose a model to see its results")
        self.list.clicked.connect(lambda at: self._choose(at.data(ITEM)))
        self.list.activated.connect(lambda at: self._choose(at.data(ITEM)))
        self.none = label("Models that you train appear here.", "small", wrap=True)
        self.none.setContentsMargins(6, 0, 6, 0)
        for widget in (title, self.none, self.list):
            side.body.addWidget(widget, 1 if widget is self.list else 0)

    def toolbar(self) -> list[QtWidgets.QWidget]:
        return [self.show_search, self.start]

    def crumb(self) -> str:
        return f"›  {self.shell.session.state.model}" if self.shell.session.state.model else "›  Train"

    # --- the session ---------------------------------------------------------------------

    def changed(self, old: State, new: State) -> None:
        if old.project is not new.project or old.model != new.model:
            self._show_models(new)
        self._show_buttons()
        if old.decisions != new.decisions:
            self._show_models(new)
            self._show_model(new.model)
        elif self.job is None and (old.project is not new.project or old.model != new.model):
            self._show_model(new.model)
        elif self.middle.currentWidget() in (self.empty, self.unlabelled):
            self._view(self._nothing())

    def _nothing(self) -> QtWidgets.QWidget:
        return self.empty if tally_all(self.shell.session.state.recordings).n else self.unlabelled

    def _view(self, widget: QtWidgets.QWidget) -> None:
        self.middle.setCurrentWidget(widget)

    def _show_buttons(self) -> None:
        state = self.shell.session.state
        ready = state.project is not None and tally_all(state.recordings).n > 0
        self.start.setEnabled(ready and self.job is None and self.settings.any_family)
        self.show_search.setVisible(self.searching.seen)

    def _show_models(self, state: State) -> None:
        found = models_of(state.project)
        self.lines.show(found)
        self.none.setVisible(not found)
        ids = [m.id for m in found]
        if state.model in ids:
            self.list.setCurrentIndex(self.lines.index(ids.index(state.model)))

    def _choose(self, shown: Shown | None) -> None:
        if shown is None:
            return
        state = self.shell.session.state
        if state.model != shown.id:
            self.shell.session.show(replace(state, model=shown.id))
        self._show_model(shown.id)

    def _show_model(self, model: str) -> None:
        found = next((m for m in self.lines.values if m.id == model), None)
        if found is None:
            self._view(self._nothing())
            return
        board = self.boards.get(found.document.get("lock", {}).get("board", ""))
        self.result.show_model(found, board.title if board else "no board", self._limits(found, board))
        self.middle.setCurrentIndex(3)

    @staticmethod
    def _limits(shown: Shown, board: Any) -> dict[str, float]:
        """What the model may need: as it was searched with, else what the board has."""
        asked = shown.document.get("lock", {}).get("settings", {})
        return {
            "flash_bytes": 1024 * asked.get("max_flash_kb", 0) or (board.app_bytes if board else 0),
            "ram_bytes": 1024 * asked.get("max_ram_kb", 0) or (board.ram_bytes if board else 0),
            "latency_ms": asked.get("max_latency_ms", 0) or 1000 * shown.stride_s,
            "stride_ms": 1000 * shown.stride_s,
        }

    # --- a search ------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a search in a process of its own."""
        project = self.shell.session.state.project
        if project is None or self.job is not None:
            return
        try:
            settings = self.settings.value()
        except StudioError as e:
            self.shell.show_error(e)
            return
        self.shell.clear_error()
        board = self.boards.get(settings.board)
        limit = 1024 * settings.max_flash_kb or (board.app_bytes if board else 0)
        self.searching.begin("Starting the training process", limit)
        self._view(self.searching)
        self.settings.lock(True)
        self.job = self.make_job("train", TARGET, (Path(project.path), settings))
        self._show_buttons()
        self.shell.run(
            self.job, step=self._step, done=self._done, failed=self._failed, stopped=lambda: self._over("Cancelled")
        )

    def cancel(self) -> None:
        """Stop the search; models kept before stay."""
        if self.job is not None:
            self.searching.job.stop.setEnabled(False)
            self.job.stop()

    def finish(self) -> None:
        """End the search with what it has: the best so far is judged, kept and tested."""
        project = self.shell.session.state.project
        if self.job is not None and project is not None:
            self.searching.finish.setEnabled(False)
            path = stop_file(Path(project.path))
            path.parent.mkdir(exist_ok=True)
            path.touch()

    def _step(self, progress: Progress) -> None:
        self.searching.step(progress)

    def _done(self, found: dict[str, Any]) -> None:
        told = sentence(found["test"]) or f"{found['test']['accuracy']:.1%} of test windows right"
        self._over(f"Kept {found['model']}: {told}", found["model"])
        state = self.shell.session.state
        self.shell.session.show(replace(state, model=found["model"]))
        self._show_models(self.shell.session.state)
        self._show_model(found["model"])

    def _failed(self, error: BaseException) -> None:
        self._over("The search failed")
        self.shell.show_error(error)

    def _over(self, text: str, model: str = "") -> None:
        self.job = None
        self.settings.lock(False)
        self.searching.end(text, model)
        self._show_buttons()
        self.shell.say(text)

    def open_windows(self, recording: str, start: int) -> None:
        """The window that begins at sample `start`, on the Label page: its label is selected."""
        state = self.shell.session.state
        found = next((r for r in state.recordings if r.id == recording), None)
        model = next((m for m in self.lines.values if m.id == state.model), None)
        if found is None or model is None:
            self.shell.say(f"Recording {recording} is not in the project any more")
            return
        at = (start / model.document["stream"]["rate_hz"]) + model.window_s / 2
        segments = found.labels.get("labels", Labels()).segments
        near = min(range(len(segments)), key=lambda i: _away(segments[i], at), default=None)
        self.shell.session.show(replace(state, recording=recording, track="labels", selected=near, also=()))
        self.shell.go("label")

    # --- how a model decides, and why -----------------------------------------------------

    @property
    def _model(self) -> Shown | None:
        """The chosen one."""
        return next((m for m in self.lines.values if m.id == self.shell.session.state.model), None)

    def _recording(self, name: str) -> Recording | None:
        return next((r for r in self.shell.session.state.recordings if r.id == name), None)

    def _run(self, name: str, work: Callable[[Path, str], Work[Any]], then: Callable[[Any], None]) -> None:
        """Work about the chosen model on a thread: compiled C and arrays, no heavy library."""
        project, model = self.shell.session.state.project, self.shell.session.state.model
        if project is not None and model:
            self.shell.run(self.make_work(name, work(Path(project.path), model)), done=then)

    def _judge(self, decide: Decide, then: Callable[[Any], None]) -> None:
        from studio.app.actions.deciding import stand

        self._run("judge", lambda path, model: stand(path, model, decide), then)

    def _explain(self, recording: str, start: int, then: Callable[[Any], None]) -> None:
        from studio.app.actions.explain import explain

        self._run("explain", lambda path, model: explain(path, model, recording, start), then)

    def _decide(self, wanted: dict[str, Any] | None) -> None:
        """Another decision: one step of undo."""
        session, shown = self.shell.session, self._model
        if shown is None:
            return
        known = replace(session.state, decisions={**session.state.decisions, shown.id: shown.decision})
        session.show(known)
        try:
            after = replace(known, decisions={**known.decisions, shown.id: wanted})
            session.commit(f"Change how {shown.id} decides", after)
        except StudioError as e:
            self.shell.show_error(e)
            return
        self.shell.say(f"{shown.id} decides so from now on; build and flash it again to bring it to a board")

    def _test_again(self) -> None:
        """The test part with the decision as it is now, in a process of its own."""
        project, model = self.shell.session.state.project, self.shell.session.state.model
        if project is None or not model:
            return
        again = self.result.deciding.again
        again.setEnabled(False)

        def over(text: str) -> None:
            again.setEnabled(True)
            self.shell.say(text)
            self._show_models(self.shell.session.state)
            self._show_model(self.shell.session.state.model)

        def failed(error: BaseException) -> None:
            over("The test failed")
            self.shell.show_error(error)

        job = self.make_job("test again", TEST_AGAIN, (Path(project.path), model))
        self.shell.run(job, done=lambda _: over(f"{model} was tested again"), failed=failed)

    def tick(self) -> None:
        self.searching.tick()
        self.result.cells.tick()

    def leave(self) -> None:
        self.result.cells.head.pause()


def _away(segment: Segment, at_s: float) -> float:
    """Seconds from a time to the nearest of a segment; 0 inside."""
    return max(segment.start_s - at_s, at_s - segment.stop_s, 0.0)
