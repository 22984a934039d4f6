"""Prompted collection: who records follows the words on the screen, and the labels write themselves.

A session is a list of steps made beforehand, so that it can be shown, stopped, and taken up again where it stood. A
step is a rest, then a class to perform. People begin late and end late: the label begins a reaction time after the
prompt, and ends with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from studio.params import param


@dataclass(frozen=True)
class Plan:
    """How a prompted collection goes."""

    repetitions: int = param(5, "How many times each class is asked for", low=1, high=200)
    show_s: float = param(2.0, "How long each is performed", unit="s", low=0.3, high=120.0)
    rest_s: float = param(1.5, "Rest before each", unit="s", low=0.0, high=120.0)
    react_s: float = param(0.4, "Left out after each prompt: nobody begins at once", unit="s", low=0.0, high=5.0)
    shuffled: bool = param(True, "Classes in random order, each as often as the others")
    spoken: bool = param(True, "Say the words through this computer's voice, where it has one")


@dataclass(frozen=True)
class Cue:
    """What to show now. `kind`: "rest" (get ready for `label`), "show" (do it now), "done"."""

    kind: str
    label: str = ""
    left_s: float = 0.0
    share: float = 0.0
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class Performed:
    """A label that a step earned, in seconds of the clock that the prompter is looked at with."""

    label: str
    start_s: float
    stop_s: float


def order(labels: Sequence[str], plan: Plan, seed: int) -> tuple[str, ...]:
    """Every label `plan.repetitions` times: round by round, so that stopping early leaves them in balance."""
    luck, found = Random(seed), list[str]()
    for _ in range(plan.repetitions):
        turn = list(labels)
        if plan.shuffled:
            luck.shuffle(turn)
            if len(turn) > 1 and found and turn[0] == found[-1]:
                turn.append(turn.pop(0))  # not the same twice in a row
        found += turn
    return tuple(found)


class Prompter:
    """Goes through the steps by the clock of its caller, who looks at it on every beat."""

    def __init__(self, labels: Sequence[str], plan: Plan, seed: int = 0) -> None:
        self.plan, self.steps = plan, order(labels, plan, seed)
        self.at = 0
        self._began_s: float | None = None
        self._performed: list[Performed] = []

    @property
    def running(self) -> bool:
        """Between begin and stop or the last step."""
        return self._began_s is not None and not self.finished

    @property
    def finished(self) -> bool:
        """All steps are done."""
        return self.at >= len(self.steps)

    def begin(self, now_s: float) -> None:
        """Start, or go on after `stop` with the step that was cut short."""
        self._began_s = now_s

    def stop(self) -> None:
        """Hold; the step at hand is asked for again."""
        self._began_s = None

    def look(self, now_s: float) -> Cue:
        """What to show at `now_s`; steps that passed since the last look have earned their labels."""
        whole_s = self.plan.rest_s + self.plan.show_s
        while self._began_s is not None and not self.finished and now_s >= self._began_s + whole_s:
            self._earn(self._began_s + self.plan.rest_s)
            self._began_s += whole_s
        return self._cue(now_s)

    def _earn(self, shown_s: float) -> None:
        react_s = min(self.plan.react_s, 0.5 * self.plan.show_s)
        earned = Performed(self.steps[self.at], shown_s + react_s, shown_s + self.plan.show_s)
        self._performed.append(earned)
        self.at += 1

    def _cue(self, now_s: float) -> Cue:
        done, total = self.at, len(self.steps)
        if self.finished or self._began_s is None:
            return Cue("done", done=done, total=total)
        passed_s, rest_s, show_s = now_s - self._began_s, self.plan.rest_s, self.plan.show_s
        if passed_s < rest_s:
            return Cue("rest", self.steps[done], rest_s - passed_s, passed_s / rest_s, done, total)
        return Cue("show", self.steps[done], rest_s + show_s - passed_s, (passed_s - rest_s) / show_s, done, total)

    def take(self) -> list[Performed]:
        """Labels earned since the last call."""
        earned, self._performed = self._performed, []
        return earned
