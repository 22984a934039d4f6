"""Deploy: a model becomes firmware, gets onto a board, and the board proves that it computes the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6 import QtGui, QtWidgets

from studio.app import models
from studio.app.jobs import Job, ProcessJob
from studio.app.models import Model
from studio.app.session import State
from studio.errors import StudioError, VerifyError
from studio.firmware.board import Board, boards
from studio.firmware.optimise import folder_name
from studio.progress import Progress, Work
from studio.ui.pages.base import Page, Shell
from studio.ui.parts.facts import Facts
from studio.ui.parts.layers import Layers
from studio.ui.parts.steps import Step
from studio.ui.parts.weight import Weight
from studio.ui.widgets import Banner, Card, EmptyState, button, bytes_text, caption, columns, combo, rule, scrolled

N_WINDOWS = 200
#: Files of a build that can be flashed or examined.
IMAGES = (".bin", ".hex", ".elf", ".uf2", ".lib")
ORDER = ("build", "flash", "verify")
HOW = {"size": "Small", "speed": "Fast"}


class DeployPage(Page):
    """Choices on top, the steps below, the weight at the right."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.model = combo("deploy_model", "Model", "What to put on the board")
        self._suggested: str | None = None
        self.board = combo("deploy_board", "Board", "Which board the image is for")
        self.optimise = combo("deploy_optimise", "Optimise for", "Small code or fast code: the same answers")
        self.target = combo("flash_url", "Address of the board", "Where the board is connected", editable=True)
        self.weight, self.banner, self.facts = Weight(), Banner("deploy_error"), Facts()
        self.layers = Layers()
        self.all = button(
            "deploy_start", "Build, flash, verify", lambda: self._begin(*ORDER), icon="bolt", kind="primary",
            shortcut="Ctrl+Shift+D", tip="All three steps, one after the other",
        )  # fmt: skip
        self.cancel = button("deploy_stop", "Cancel", self._stop, icon="x", shortcut="Ctrl+.", tip="Stop this step")
        self.see = button("deploy_live", "See it live", self._see, icon="broadcast", shortcut="Ctrl+L")
        self.steps = self._make_steps()
        self._todo: list[str] = []
        self._running = ""
        self._job: Any = None
        self._image: Path | None = None
        self._model: Model | None = None
        self._build_page()
        self._fill_boards()
        for how, words in HOW.items():
            self.optimise.addItem(words, how)
        self.optimise.currentIndexChanged.connect(self._chosen)
        self.model.currentIndexChanged.connect(self._chosen)
        self.board.currentIndexChanged.connect(self._board_chosen)

    def _make_steps(self) -> dict[str, Step]:
        texts = {
            "build": ("Build", "Generates C, compiles it for the board and links it.", "hammer", "Ctrl+B"),
            "flash": (
                "Flash",
                "Writes the image beside the one that runs, and keeps it when the board answers its test.",
                "bolt",
                "Ctrl+F",
            ),
            "verify": (
                "Verify",
                f"Sends {N_WINDOWS} stored windows through the board and compares every stage bit for bit.",
                "shield-check",
                "Ctrl+Y",
            ),
            "first_light": (
                "Check board",
                "Measures its clock, sensors, link and rates in ten seconds, and copies a report.",
                "activity",
                "",
            ),
            "rollback": (
                "Go back",
                "Brings back the image that ran before this one, if the board has kept it.",
                "arrow-back-up",
                "",
            ),
        }
        return {
            key: Step(
                title, hint, button(f"{key}_start", title, self._starter(key), icon=icon, shortcut=keys, tip=hint)
            )
            for key, (title, hint, icon, keys) in texts.items()
        }

    def _starter(self, key: str) -> Callable[[], None]:
        return lambda: self._begin(key)

    def _build_page(self) -> None:
        go = button(
            "go_train_from_deploy", "Train a model", lambda: self.shell.go("train"), icon="brain", kind="primary"
        )
        sentence = "A board runs what was trained. Train a model first, then bring it onto a board here."
        self._empty = EmptyState("cpu", "No model yet", sentence, go)
        inner = QtWidgets.QWidget()
        inside = QtWidgets.QVBoxLayout(inner)
        inside.setContentsMargins(24, 22, 24, 22)
        inside.setSpacing(16)
        for widget in (self._choices(), self._list(), self.banner, self.layers):
            inside.addWidget(widget)
        inside.addStretch()
        self._work = QtWidgets.QWidget()
        beside = columns(scrolled(inner), self.weight, spacing=0)
        beside.setStretch(0, 1)
        self._work.setLayout(beside)
        self._view = QtWidgets.QStackedWidget()
        self._view.addWidget(self._empty)
        self._view.addWidget(self._work)
        self.setLayout(columns(self._view))

    def _choices(self) -> Card:
        card = Card("What goes where")
        across = columns(spacing=14)
        named_fields = (("Model", self.model), ("Board", self.board), ("Code", self.optimise), ("Address", self.target))
        for name, field in named_fields:
            across.addLayout(caption(name, field), 1)
        card.body.addLayout(across)
        card.body.addSpacing(4)
        card.body.addWidget(self.facts)
        return card

    def _list(self) -> Card:
        card = Card("Steps", spacing=0)
        for i, step in enumerate(self.steps.values()):
            if i:
                card.body.addWidget(rule())
            card.body.addWidget(step)
        return card

    # Choices -------------------------------------------------------------------------------------------------

    def toolbar(self) -> list[QtWidgets.QWidget]:
        """The whole way in one press."""
        return [self.see, self.cancel, self.all]

    def enter(self) -> None:
        """Models may have been trained meanwhile."""
        self._fill_models()
        self._fill_targets()
        self._show_buttons()

    def changed(self, old: State, new: State) -> None:
        """Another project, or another model chosen elsewhere."""
        self._fill_models()

    def _fill_boards(self) -> None:
        for board in boards().values():
            self.board.addItem(board.title, board.id)
        hello = self.shell.device.connection.hello if self.shell.device.connection is not None else None
        chosen = self.board.findData(hello.board) if hello is not None else -1
        self.board.setCurrentIndex(chosen if chosen >= 0 else 0)

    def _fill_models(self) -> None:
        project = self.shell.session.state.project
        found = models.ids(project) if project is not None else []
        chosen = self.shell.session.state.model
        if found != [self.model.itemData(i) for i in range(self.model.count())]:
            self.model.blockSignals(True)
            self.model.clear()
            for model_id in reversed(found):
                self.model.addItem(model_id, model_id)
            self.model.blockSignals(False)
        if chosen in found:
            self.model.setCurrentIndex(self.model.findData(chosen))
        self._suggest_board()
        self._view.setCurrentWidget(self._work if found else self._empty)
        self._chosen()

    def _suggest_board(self) -> None:
        """The board the model was trained for, once per model and unless another one is connected."""
        model_id = self.model.currentData()
        if model_id == self._suggested or self.shell.device.connection is not None or self._running:
            return
        self._suggested = model_id
        model = self._load()
        at = self.board.findData(model.lock.get("board", "")) if model is not None else -1
        if at >= 0:
            self.board.setCurrentIndex(at)

    def _fill_targets(self) -> None:
        """A virtual board is at its own address; another one where the device in hand is."""
        board, device = self._board(), self.shell.device
        found = [f"virtual:{board.id}"] if board.virtual else []
        if device.url and device.url not in found and not device.url.startswith("replay:"):
            found.append(device.url)
        typed = self.target.currentText()
        self.target.clear()
        self.target.addItems(found)
        if typed and typed not in found and not board.virtual and not typed.startswith("virtual:"):
            self.target.setCurrentText(typed)

    def _board(self) -> Board:
        return boards()[self.board.currentData()]

    def _board_chosen(self) -> None:
        self._fill_targets()
        self._chosen()

    def _chosen(self) -> None:
        """Another model or board: what was done for the last one does not count."""
        if not self._running:
            self._model = self._load()
            self.facts.show_model(self._model)
            self._image = self._built()
            self._weigh()
            self.layers.show_layers([])
            for key, step in self.steps.items():
                step.become("waiting", "Built before." if key == "build" and self._image else "")
            self._show_buttons()

    def _weigh(self) -> None:
        """What is known without building: training has weighed the model for its own board."""
        model = self._model
        if model is not None and model.cost and model.lock.get("board") == self.board.currentData():
            files = (
                sorted(str(p) for p in self._image.parent.glob("firmware.*") if p.suffix in IMAGES)
                if self._image is not None
                else []
            )
            self.weight.show_build(model.cost | {"files": files}, self._board(), self._period_ms())
        else:
            self.weight.clear()

    def _load(self) -> Model | None:
        """The chosen model; what is wrong with it goes to the banner of the steps."""
        project = self.shell.session.state.project
        if project is None or self.model.currentData() is None:
            return None
        try:
            return models.load(project, self.model.currentData())
        except StudioError as e:
            self.banner.show_error(e)
            return None

    def _built(self) -> Path | None:
        """The image of this model for this board, if it was built before."""
        project = self.shell.session.state.project
        if project is None or self.model.currentData() is None:
            return None
        how = self.optimise.currentData() or "size"
        name = folder_name(self.model.currentData(), self.board.currentData(), how)
        found = sorted((project.path / "builds" / name).glob("*.bin"))
        return found[0] if found else None

    # Work ----------------------------------------------------------------------------------------------------

    def _begin(self, *steps: str) -> None:
        if self._running or self._todo:
            return
        self.banner.clear()
        self._todo = list(steps)
        for key in steps:
            self.steps[key].become("waiting")
        if self.shell.device.url and any(s != "build" for s in steps):
            self.shell.device.lend("Lent to Deploy")
        self._show_buttons()

    def tick(self) -> None:
        """Start the next step once the port is free."""
        if self._todo and not self._running and (self._todo[0] == "build" or self.shell.device.released):
            self._start(self._todo.pop(0))

    def _start(self, key: str) -> None:
        self._running = key
        step = self.steps[key]
        step.become("running", "Starting")
        project, model = self.shell.session.state.project, self.model.currentData()
        url = self.target.currentText().strip()
        if key == "build":
            arguments = (project.path, model, self.board.currentData(), None, self.optimise.currentData(), True)
            self._job = ProcessJob("build", "studio.app.actions.build:build", arguments)
        elif key == "flash":
            self._job = Job("flash", _flash(self._image, url))
        elif key == "rollback":
            self._job = Job("rollback", _roll_back(url))
        elif key == "first_light":
            self._job = Job("first light", _first_light(url))
        else:
            self._job = Job("verify", _verify(project.path, model, url))
        self.shell.run(self._job, step=step.step, done=self._done, failed=self._failed, stopped=self._stopped)
        self._show_buttons()

    def _done(self, result: dict[str, Any]) -> None:
        key, self._running = self._running, ""
        try:
            self.steps[key].become("done", SAY[key](result))
        except VerifyError as e:
            self._running = key
            self._failed(e)
            return
        if key == "first_light":
            QtGui.QGuiApplication.clipboard().setText(result["report"])
        if key == "build":
            self._image = next((Path(f) for f in result["files"] if f.endswith(".bin")), None)
            self.weight.show_build(result, self._board(), self._period_ms())
            self.layers.show_layers(result.get("layers", []), result.get("memory"))
        self._rest()

    def _failed(self, error: BaseException) -> None:
        key, self._running = self._running, ""
        self._todo.clear()
        self.steps[key].become("failed", "It did not work. The reason is below.")
        self.banner.show_error(error)
        self._rest()

    def _stopped(self) -> None:
        key, self._running = self._running, ""
        self._todo.clear()
        self.steps[key].become("stopped", "Cancelled.")
        self._rest()

    def _rest(self) -> None:
        """Between steps, or after the last one: then the device comes back."""
        self._job = None
        if not self._todo and "done" in (self.steps["flash"].state, self.steps["rollback"].state):
            self.shell.device.connect(self.target.currentText().strip())  # with its new firmware
        elif not self._todo:
            self.shell.device.take_back()
        self._show_buttons()

    def _stop(self) -> None:
        self._todo.clear()
        if self._job is not None:
            self._job.stop()

    def _period_ms(self) -> float:
        """Time between two answers of the chosen model."""
        return 1000.0 * self._model.graph.stride / self._model.graph.rate_hz if self._model is not None else 0.0

    def _see(self) -> None:
        if not self.shell.device.streaming:
            self.shell.device.connect(self.target.currentText().strip())
        self.shell.go("live")

    def _show_buttons(self) -> None:
        busy, ready = bool(self._running or self._todo), self.model.count() > 0
        self.all.setEnabled(ready and not busy)
        self.cancel.setVisible(busy)
        self.see.setVisible(not busy and self.steps["flash"].state == "done")
        can = {"build": ready, "flash": self._image is not None, "verify": ready, "rollback": True, "first_light": True}
        for key, step in self.steps.items():
            step.action.setEnabled(can[key] and not busy)
        for field in (self.model, self.board, self.optimise, self.target):
            field.setEnabled(not busy)


def _flash(image: Path | None, url: str) -> Work[dict[str, Any]]:
    from studio.app.actions.flash import flash

    yield Progress(0, 0, f"opening {url}")
    return (yield from flash(image or Path(), url))


def _roll_back(url: str) -> Work[dict[str, Any]]:
    from studio.app.actions.flash import roll_back

    yield Progress(0, 0, f"opening {url}")
    return (yield from roll_back(url))


def _first_light(url: str) -> Work[dict[str, Any]]:
    from studio.app.actions.flash import first_light

    yield Progress(0, 0, f"opening {url}")
    return (yield from first_light(url))


def _verify(project: Path, model: str, url: str) -> Work[dict[str, Any]]:
    from studio.app.actions.flash import verify

    yield Progress(0, 0, "cutting stored windows")
    return (yield from verify(project, model, url, N_WINDOWS))


def _say_build(result: dict[str, Any]) -> str:
    return f"{bytes_text(result['flash_bytes'])} of flash, {bytes_text(result['ram_bytes'])} of RAM. It fits."


def _say_flash(result: dict[str, Any]) -> str:
    size, seconds = bytes_text(result["bytes"]), result["seconds"]
    board = boards()[result["board"]].title if result["board"] in boards() else result["board"]
    if result.get("parameters"):
        size += f" of {bytes_text(result['whole_bytes'])} (only the model's numbers changed)"
    kept = " What was there before is kept." if result["previous_kept"] else ""
    return f"{size} in {seconds:.2f} s. {board} answers with build {result['build_hash'][:8]}.{kept}"


def _say_first_light(result: dict[str, Any]) -> str:
    wrong = [f"{c['name']} ({c['seen']})" for c in result["checks"] if c["ok"] is False]
    said = "; ".join(wrong) if wrong else f"{result['passed']} checks passed"
    return f"{said}. The report is on the clipboard."


def _say_rollback(result: dict[str, Any]) -> str:
    return f"Build {result['build_hash'][:8]} runs again, in place of {result['was'][:8]}."


def _say_verify(result: dict[str, Any]) -> str:
    first = result["first_difference"]
    if first is not None:
        seen = f"differs in window {first['window']}: {first['host']} here, {first['board']} on the board"
        raise VerifyError(f"Stage {first['stage']!r}", seen, "Build and flash again; if it stays, report it.")
    return f"{result['equal']} of {result['windows']} windows are equal bit for bit in every stage."


#: What a finished step says; VerifyError when board and computer disagree.
SAY: dict[str, Callable[[dict[str, Any]], str]] = {
    "build": _say_build,
    "flash": _say_flash,
    "verify": _say_verify,
    "rollback": _say_rollback,
    "first_light": _say_first_light,
}
