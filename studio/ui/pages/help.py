"""Help: the pages of resources/help, and the keys."""

from pathlib import Path

from PySide6 import QtCore, QtGui, QtWidgets

from studio.paths import RESOURCES
from studio.ui.pages.base import Page, Shell
from studio.ui.theme import theme
from studio.ui.widgets import Side, columns, heading, named

WIDTH = 760


class HelpPage(Page):
    """Topics at the left, the text beside them."""

    def __init__(self, shell: Shell) -> None:
        super().__init__(shell)
        self.topics = named(QtWidgets.QListWidget(), "help_topics", "Topics", "Up and down choose a topic")
        self.text = named(QtWidgets.QTextBrowser(), "help_text", "Help text", "Page up and page down scroll")
        self.text.setOpenLinks(False)
        self.text.anchorClicked.connect(self._follow)
        self.text.document().setDocumentMargin(4)
        self.topics.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        side = Side("left", 280)
        side.body.addWidget(heading("Help"))
        side.body.addWidget(self.topics, 1)
        holder = QtWidgets.QHBoxLayout()
        holder.setContentsMargins(32, 20, 32, 12)
        self.text.setMaximumWidth(WIDTH)
        holder.addWidget(self.text, 1)
        holder.addStretch()
        across = columns(side, spacing=0)
        across.addLayout(holder, 1)
        self.setLayout(across)
        for path in sorted((RESOURCES / "help").glob("*.md")):
            item = QtWidgets.QListWidgetItem(title_of(path), self.topics)
            item.setData(QtCore.Qt.ItemDataRole.UserRole, str(path))
            item.setSizeHint(QtCore.QSize(0, 34))
        self.topics.currentItemChanged.connect(lambda item: self._show(item))
        theme().changed.connect(self._again)

    def enter(self) -> None:
        """Begin at the first topic. Not before it is visible: rows laid out unstyled keep their wrong height."""
        if self.topics.currentRow() < 0:
            self.topics.setCurrentRow(0)

    def _again(self) -> None:
        self._show(self.topics.currentItem())

    def _show(self, item: QtWidgets.QListWidgetItem | None) -> None:
        if item is None:
            return
        path = Path(item.data(QtCore.Qt.ItemDataRole.UserRole))
        self.text.document().setBaseUrl(QtCore.QUrl.fromLocalFile(str(path)))
        self.text.setMarkdown(path.read_text(encoding="utf-8"))
        typeset(self.text.document())
        self.text.moveCursor(QtGui.QTextCursor.MoveOperation.Start)

    def _follow(self, link: QtCore.QUrl) -> None:
        """Links between pages change the topic; others open in the browser."""
        for row in range(self.topics.count()):
            if Path(self.topics.item(row).data(QtCore.Qt.ItemDataRole.UserRole)).name == link.fileName():
                self.topics.setCurrentRow(row)
                return
        QtGui.QDesktopServices.openUrl(link)


def title_of(path: Path) -> str:
    """The first heading of a help page."""
    for row in path.read_text(encoding="utf-8").splitlines():
        if row.startswith("# "):
            return row[2:].strip()
    return path.stem.replace("-", " ").capitalize()


def typeset(document: QtGui.QTextDocument) -> None:
    """Airy lines, headings and code in the theme's colours: Qt's Markdown has no style of its own."""
    block, t = document.begin(), theme().tokens
    while block.isValid():
        cursor, shape = QtGui.QTextCursor(block), block.blockFormat()
        shape.setLineHeight(138, QtGui.QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        level = shape.headingLevel()
        shape.setTopMargin((0 if block.blockNumber() == 0 else 18) if level else 4)
        shape.setBottomMargin(6)
        cursor.setBlockFormat(shape)
        if level:
            words = QtGui.QTextCharFormat()  # a fresh one: Markdown's own size adjustment would win over ours
            words.setProperty(QtGui.QTextFormat.Property.FontPixelSize, {1: 22, 2: 16}.get(level, 14))
            words.setFontWeight(QtGui.QFont.Weight.DemiBold)
            cursor.movePosition(QtGui.QTextCursor.MoveOperation.EndOfBlock, QtGui.QTextCursor.MoveMode.KeepAnchor)
            cursor.setCharFormat(words)
        _colour_code(block, t.neutral)
        block = block.next()


def _colour_code(block: QtGui.QTextBlock, paper: str) -> None:
    spans = []
    at = block.begin()
    while not at.atEnd():
        piece = at.fragment()
        if piece.charFormat().fontFixedPitch():
            spans.append((piece.position(), piece.length()))
        at += 1
    for start, length in spans:
        cursor = QtGui.QTextCursor(block)
        cursor.setPosition(start)
        cursor.setPosition(start + length, QtGui.QTextCursor.MoveMode.KeepAnchor)
        words = QtGui.QTextCharFormat()
        words.setBackground(QtGui.QColor(paper))
        words.setProperty(QtGui.QTextFormat.Property.FontPixelSize, 12)
        cursor.mergeCharFormat(words)
