"""Beside the timeline: the selected label as fields, the classes, and how balanced they are."""

from collections.abc import Callable, Sequence

from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Qt

from studio.app.session import State
from studio.data.project import COLORS
from studio.errors import StudioError
from studio.ui.commands.action import Action
from studio.ui.icons import icon
from studio.ui.labels import classes
from studio.ui.labels.edit import Edit
from studio.ui.labels.group import Group
from studio.ui.labels.lists import Balance, ClassLine, ClassRow, Lines, class_text, list_view
from studio.ui.labels.panels import WIDTH_PX
from studio.ui.labels.tally import grouped, span_text, tally_all
from studio.ui.pages.base import Shell
from studio.ui.theme import font
from studio.ui.widgets import Side, button, columns, combo, heading, label, line, named, rows, swatch

NOTHING = "Nothing is selected. Drag over the plot to add a label, or click one to change it."
TABLE_PX = 34


class Inspector(Side):
    """Reads the session's state in `show_state`; changes it through `edit` and the session."""

    def __init__(self, shell: Shell, edit: Edit, group: Group) -> None:
        super().__init__("right", WIDTH_PX)
        self._shell, self._edit, self._group, self._busy = shell, edit, group, False
        self._named: tuple[int | None, str] = (None, "")
        self.title = heading("Selected label")
        self.body.addWidget(self.title)
        self._build_selected()
        self.body.addSpacing(6)
        self._build_classes()
        self.body.addSpacing(6)
        self.body.addWidget(heading("Balance"))
        self.balance, self.balance_text = Balance(), label("", "small", wrap=True)
        self.body.addWidget(self.balance)
        self.body.addWidget(self.balance_text)
        self.body.addStretch()
        self.train = button(
            "train_open", "Train model", lambda: shell.go("train"), icon="brain", kind="primary",
            tip="Search for a model of these labels",
        )  # fmt: skip
        self.body.addWidget(self.train)

    # --- the selected label --------------------------------------------------------------

    def _build_selected(self) -> None:
        self.name = combo("label_class", "Class of the selected label", "Choose a class, or type a new one", True)
        self.name.setInsertPolicy(QtWidgets.QComboBox.InsertPolicy.NoInsert)
        self.name.activated.connect(lambda _: self._assign())
        self.name.lineEdit().returnPressed.connect(self._assign)  # a new name activates nothing
        self.start = self._spin("label_start", "Start of the selected label", "Where the label starts")
        self.stop = self._spin("label_stop", "End of the selected label", "Where the label ends")
        self.length = label("", "small")
        self.length.setFont(font(12, figures=True))
        self._build_remarks()
        self.delete = button(
            "label_delete", "Delete", self._edit.delete, icon="trash", tip="Delete this label (Delete)"
        )
        form = QtWidgets.QGridLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setHorizontalSpacing(10)
        form.setVerticalSpacing(8)
        form.setColumnStretch(1, 1)
        lines: tuple[tuple[str, QtWidgets.QWidget], ...] = (
            ("Class", self.name), ("Start", self.start), ("End", self.stop), ("", self.length),
            ("Sure", self.sure), ("Remark", self.comment),
        )  # fmt: skip
        for row, (text, field) in enumerate(lines):
            name = label(text, "dim")
            name.setBuddy(field)
            form.addWidget(name, row, 0)
            form.addWidget(field, row, 1)
        self.fields = QtWidgets.QWidget()
        self.fields.setLayout(rows(spacing=8))
        self.fields.layout().addLayout(form)
        self.fields.layout().addWidget(self.delete)
        self.nothing = label(NOTHING, "dim", wrap=True)
        self.body.addWidget(self.nothing)
        self.body.addWidget(self.fields)

    def _build_remarks(self) -> None:
        """How sure, and a comment."""
        self.sure = QtWidgets.QSpinBox()
        self.sure.setRange(0, 100)
        self.sure.setSingleStep(5)
        self.sure.setSuffix(" %")
        self.sure.setKeyboardTracking(False)
        self.sure.lineEdit().setTextMargins(5, 0, 0, 0)
        self.sure.setFont(font(13, figures=True))
        self.sure.valueChanged.connect(self._say_sure)
        named(self.sure, "label_confidence", "Confidence", "How sure you are of this label (Q: unsure)")
        self.comment = line("label_comment", "Comment", "Comment", "A remark on this label (C)")
        self.comment.editingFinished.connect(self._say_comment)

    def _spin(self, name: str, accessible: str, tip: str) -> QtWidgets.QDoubleSpinBox:
        made = QtWidgets.QDoubleSpinBox()
        made.setSuffix(" s")
        made.setKeyboardTracking(False)
        made.lineEdit().setTextMargins(5, 0, 0, 0)
        made.setFont(font(13, figures=True))
        made.valueChanged.connect(self._place)
        return named(made, name, accessible, tip)

    def rename(self) -> None:
        """Put the cursor into the class field: the Enter key's way to another name."""
        if self._edit.selected is not None:
            self.show_edit()  # a hidden field takes no focus
            self.name.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.name.lineEdit().selectAll()

    def remark(self) -> None:
        """Put the cursor into the comment."""
        if self._edit.selected is not None:
            self.show_edit()
            self.comment.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.comment.selectAll()

    def _say_sure(self, percent: int) -> None:
        if not self._busy:
            self._group.confidence(percent / 100)

    def _say_comment(self) -> None:
        index = self._edit.selected
        if not self._busy and index is not None and self._edit.labels.segments[index].comment != self.comment.text():
            self._group.comment(self.comment.text())

    def _assign(self) -> None:
        text = self.name.currentText().strip()
        if text:
            self._edit.assign(text)

    def _place(self) -> None:
        if not self._busy:
            self._edit.place(self.start.value(), self.stop.value())

    # --- classes -------------------------------------------------------------------------

    def _build_classes(self) -> None:
        self.lines = Lines(class_text, self._rename_class)
        self.classes = list_view(
            "class_list", "Classes", self.lines, ClassRow(), "Click a class to use it; F2 renames it"
        )
        self.classes.setEditTriggers(
            QtWidgets.QAbstractItemView.EditTrigger.EditKeyPressed
            | QtWidgets.QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.classes.clicked.connect(lambda at: self._use(self.lines.values[at.row()].name))
        self.classes.activated.connect(lambda at: self._use(self.lines.values[at.row()].name))
        self._build_class_buttons()
        head = columns(heading("Classes"), spacing=0)
        head.addStretch()
        for one in (self.rename_button, self.color, self.remove, self.more):
            one.setFixedSize(30, 28)
            head.addWidget(one)
        self.body.addLayout(head)
        self.no_classes = label("None yet. Type a name below, or draw a label.", "small", wrap=True)
        self.body.addWidget(self.no_classes)
        self.body.addWidget(self.classes)
        self.body.addLayout(columns(self.new_name, self.add, spacing=6))

    def _build_class_buttons(self) -> None:
        self.new_name = line("class_name", "Name of a new class", "New class")
        self.new_name.returnPressed.connect(self._add_class)
        self.add = button("class_add", "", self._add_class, icon="plus", accessible="Add class", tip="Add this class")
        self.rename_button = button(
            "class_rename", "", self._begin_rename, icon="pencil", kind="ghost", accessible="Rename class",
            tip="Rename the chosen class, in all its labels (F2)",
        )  # fmt: skip
        self.color = button(
            "class_recolour", "", self._choose_color, icon="palette", kind="ghost", accessible="Colour of the class"
        )
        self.remove = button(
            "class_remove", "", self._remove_class, icon="trash", kind="ghost", accessible="Remove class",
            tip="Remove the chosen class; only one that no label uses",
        )  # fmt: skip
        self.class_menu = QtWidgets.QMenu(self)
        self.more = button(
            "class_menu", "", self._open_class_menu, icon="dots", kind="ghost", accessible="More for the class",
            tip="Move, merge, delete with its labels, or give a key to the chosen class",
        )  # fmt: skip

    def _open_class_menu(self) -> None:
        self.class_menu.popup(self.more.mapToGlobal(QtCore.QPoint(0, self.more.height())))

    def _use(self, name: str) -> None:
        """The marked stretch, or else the selected labels, become of this class; the next label will be."""
        if self._edit.range_s is not None:
            self._group.fill(name)
        else:
            self._edit.assign(name)

    def show_class_actions(self, actions: Sequence[Action]) -> None:
        """What the menu of the classes offers; the class in hand is meant."""
        for action in actions:
            self.class_menu.addAction(f"{action.title}\t{action.shown_keys}", action.do)

    def _chosen(self) -> str:
        at = self.classes.currentIndex().row()
        return self.lines.values[at].name if 0 <= at < len(self.lines.values) else ""

    def _add_class(self) -> None:
        if self._change(lambda s: classes.add(s, self.new_name.text())):
            self.new_name.clear()
            if self._edit.selected is None:
                self._edit.assign(self._edit.classes[-1])

    def _begin_rename(self) -> None:
        self.classes.setFocus()
        self.classes.edit(self.classes.currentIndex())

    def _rename_class(self, shown: ClassLine, name: str) -> None:
        current = self._edit.label == shown.name
        if self._change(lambda s: classes.rename(s, shown.name, name)) and current:
            self._edit.label = name.strip()

    def _remove_class(self) -> None:
        if name := self._chosen():
            self._change(lambda s: classes.remove(s, name))

    def _choose_color(self) -> None:
        """The palette as a menu, and the dialog for any other colour."""
        name = self._chosen()
        menu = QtWidgets.QMenu(self)
        for color in COLORS:
            menu.addAction(swatch(color), color, lambda c=color: self._recolour(name, c))
        menu.addSeparator()
        menu.addAction(icon("palette", "dim"), "Other colour…", lambda: self._other_color(name))
        menu.popup(self.color.mapToGlobal(QtCore.QPoint(0, self.color.height())))

    def _other_color(self, name: str) -> None:
        found = QtWidgets.QColorDialog.getColor(QtGui.QColor(self._edit_color(name)), self, f"Colour of {name}")
        if found.isValid():
            self._recolour(name, found.name())

    def _edit_color(self, name: str) -> str:
        return next((v.color for v in self.lines.values if v.name == name), "#888888")

    def _recolour(self, name: str, color: str) -> None:
        self._change(lambda s: classes.recolour(s, name, color))

    def _change(self, change: Callable[[State], classes.Change]) -> bool:
        """Commit a change of the classes; False when it was refused (the banner says why)."""
        try:
            self._shell.session.commit(*change(self._shell.session.state))
        except StudioError as e:
            self._shell.show_error(e)
            return False
        return True

    # --- drawing -------------------------------------------------------------------------

    def show_state(self, state: State) -> None:
        """Classes, counts and balance of the project."""
        found, counted = classes.classes_of(state), tally_all(state.recordings, state.track)
        self.lines.show(
            [
                ClassLine(c.name, c.color, c.key, counted.counts.get(c.name, 0), counted.seconds.get(c.name, 0.0))
                for c in found
            ]
        )
        self.no_classes.setVisible(not found)
        self.classes.setVisible(bool(found))
        self.classes.setFixedHeight(min(max(len(found), 1), 7) * TABLE_PX + 6)
        self.balance.show_tally(counted, {c.name: c.color for c in found})
        labelled = sum(1 for r in state.recordings if len(r.labels.get(state.track, ())))
        where = f"{labelled} of {len(state.recordings)} recordings"
        self.balance_text.setText(f"{grouped(counted.n)} labels · {span_text(counted.total_s)} in {where}")
        names = [c.name for c in found]
        if names != [self.name.itemText(i) for i in range(self.name.count())]:
            self._named = (None, "")
            self.name.clear()
            for c in found:
                self.name.addItem(swatch(c.color), c.name)
        self.train.setEnabled(counted.n > 0)
        self.show_edit()

    def show_edit(self) -> None:
        """The selected label (or the one in the hand) and the current class."""
        edit = self._edit
        shown = edit.chosen
        self.nothing.setVisible(shown is None)
        self.fields.setVisible(shown is not None)
        names = [v.name for v in self.lines.values]
        if edit.label in names and self._chosen() != edit.label:
            self.classes.setCurrentIndex(self.lines.index(names.index(edit.label)))
        for one in (self.rename_button, self.color, self.remove, self.more):
            one.setEnabled(bool(names))
        if shown is not None:
            self._fill(shown.label, shown.start_s, shown.stop_s)

    def _fill(self, name: str, start_s: float, stop_s: float) -> None:
        self._busy = True
        digits = 3 if self._edit.rate_hz <= 2000 else 5
        for spin, value in ((self.start, start_s), (self.stop, stop_s)):
            spin.setDecimals(digits)
            spin.setSingleStep(self._edit.sample_s)
            spin.setRange(0.0, max(self._edit.end_s, stop_s))
            if (
                not spin.hasFocus()
                or self._edit.draft is not None
                or abs(spin.value() - value) > self._edit.sample_s / 4
            ):
                spin.setValue(value)
        if (self._edit.selected, name) != self._named:  # else somebody may be typing there
            self._named = (self._edit.selected, name)
            self.name.setCurrentIndex(self.name.findText(name))
            self.name.setCurrentText(name)
        n = round((stop_s - start_s) * self._edit.rate_hz)
        self.length.setText(f"{stop_s - start_s:.{digits}f} s · {n} samples" if n else "a point in time")
        several = len(self._edit.chosen_indices) > 1
        self.start.setEnabled(not several)
        self.stop.setEnabled(n > 0 and not several)
        self._fill_rest()
        self._busy = False

    def _fill_rest(self) -> None:
        """Confidence and comment of the label in hand, and how many are selected with it."""
        chosen = self._edit.chosen_indices
        self.title.setText("SELECTED LABEL" if len(chosen) < 2 else f"{grouped(len(chosen))} LABELS SELECTED")
        for field in (self.sure, self.comment):
            field.setEnabled(bool(chosen))
        if self._edit.selected is not None:
            segment = self._edit.labels.segments[self._edit.selected]
            if not self.sure.hasFocus() or self.sure.value() != round(100 * segment.score):
                self.sure.setValue(round(100 * segment.score))
            if not self.comment.hasFocus():
                self.comment.setText(segment.comment)
