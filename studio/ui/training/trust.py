"""Whether a score may be believed: how sure it is, why this model, what a careless split would have shown."""

from typing import Any

from PySide6 import QtWidgets
from PySide6.QtCore import Qt

from studio.app.telling import worth_name
from studio.graph.ops.decide import decide_of
from studio.learn.confidence import most_rate
from studio.ui.theme import font
from studio.ui.widgets import Card, label, named

#: Groups that are listed, the worst first.
MOST_GROUPS = 40


class Trust(Card):
    """`show_model` with a model's lock and its test figures; hidden where nothing is known."""

    def __init__(self) -> None:
        super().__init__("Can it be trusted?", spacing=4)
        self.lines = label("", "small", wrap=True)
        self.lines.setObjectName("train_trust")
        self.lines.setTextFormat(Qt.TextFormat.PlainText)
        self.lines.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.body.addWidget(self.lines)

    def show_model(self, lock: dict[str, Any], test: dict[str, Any], decision: Any = None) -> None:
        """Sentences about this model, which decides along time as `decision` says."""
        found = trust_lines(lock, test, decision)
        self.lines.setText("\n".join(found))
        self.setVisible(bool(found))


def trust_lines(lock: dict[str, Any], test: dict[str, Any], decision: Any = None) -> list[str]:
    """What is known, a sentence a line, the reason first."""
    found = [lock["why"]] if lock.get("why") else []
    if sure := lock.get("confidence"):
        over = f"{sure['n_groups']} {sure['of']}"
        what = worth_name(lock.get("task", ""))
        found.append(f"{what} lies between {sure['low']:.3f} and {sure['high']:.3f} for 95 % of draws of {over}.")
    if leak := lock.get("leak"):
        shown, true = leak["random"], leak["group"]
        found.append(f"A split of windows at random would show {shown:.1%} where {true:.1%} is true (a simple model).")
    if (n := lock.get("test_looks")) and n > 1:
        found.append(f"The test part had been looked at {n} times: the more often, the less it proves.")
    if (segments := test.get("segments")) and segments["n"] != test.get("n_windows"):
        found.append(f"Of whole labels, {segments['accuracy']:.1%} of {segments['n']} are right.")
    found += event_lines(test, decision)
    if calibration := test.get("calibration"):
        found.append(f"Scores are off by {calibration['ece']:.1%} on average as probabilities.")
    return [*found, *lock.get("warnings", [])]


def event_lines(test: dict[str, Any], decision: Any) -> list[str]:
    """What the false alarms of the test are, and why they may look many beside windows that are right."""
    if test.get("decision") != decision:
        return ["The decision was changed after the test: its events are not known until you press Test again."]
    events, alone = test.get("events") or {}, test.get("events_alone")
    found = []
    if events.get("hours"):
        found.append(f"False alarms: {_counted(events)}.")
    if decision and alone and alone.get("hours"):
        words = decide_of(dict(decision), len(decision["on"])).words()
        found.append(f"Decided along time ({words}); each window alone would give {_counted(alone)}.")
    return found


def _counted(events: dict[str, Any]) -> str:
    n, borders = events["false_alarms"], events.get("false_at_borders", 0)
    when = f", {borders} of them while the label changed, where no whole window is judged" if borders else ""
    most = most_rate(n, events["hours"])
    return f"{n} in {60 * events['hours']:.1f} min (below {most:.0f} an hour with 95 % certainty){when}"


class GroupTable(QtWidgets.QTableWidget):
    """Accuracy of each person or recording, the worst first."""

    def __init__(self) -> None:
        super().__init__(0, 3)
        named(self, "group_results", "Results by person or recording")
        self.setShowGrid(False)
        self.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.setTabKeyNavigation(False)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(28)
        self.horizontalHeader().setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setHighlightSections(False)

    def show_groups(self, found: dict[str, Any]) -> None:
        """`found` as METRICS hold it under by_group."""
        groups = list((found.get("groups") or {}).items())[:MOST_GROUPS]
        self.setVisible(bool(groups))
        of = {"subject": "Person"}.get(found.get("of", ""), "Recording")
        self.setHorizontalHeaderLabels([of, "Accuracy", "Windows"])
        self.setRowCount(len(groups))
        for row, (name, one) in enumerate(groups):
            for column, text in enumerate((name, f"{one['accuracy']:.1%}", str(int(one["windows"])))):
                cell = QtWidgets.QTableWidgetItem(text)
                cell.setFont(font(13, figures=True))
                side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
                cell.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                self.setItem(row, column, cell)
        for column in range(3):
            side = Qt.AlignmentFlag.AlignRight if column else Qt.AlignmentFlag.AlignLeft
            self.horizontalHeaderItem(column).setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        self.setMinimumHeight(34 + 28 * min(len(groups), 4) + 6)
