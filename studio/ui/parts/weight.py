"""What an image weighs on its board, from the linked ELF."""

from pathlib import Path
from typing import Any

from studio.firmware.board import Board
from studio.ui.parts.battery import Battery
from studio.ui.widgets import Meter, Side, Stat, bytes_text, columns, heading, label

SOURCES = {
    "elf+emulator": "Bytes from the linked ELF, instructions counted on the emulated core.",
    "elf+board": "Bytes from the linked ELF, time measured on the board.",
    "estimate": "Bytes from the linked image; the time is an estimate, this board has no exact count.",
}


class Weight(Side):
    """The right column of Deploy."""

    def __init__(self) -> None:
        super().__init__("right", 304)
        self.flash, self.ram = Meter("Flash"), Meter("RAM")
        self.latency, self.rate = Stat("per answer"), Stat("of the core's time")
        self.instructions, self.stack = Stat("instructions"), Stat("stack")
        self.other = label("", "small", wrap=True)
        self.source = label("", "small", wrap=True)
        self.files = label("", "small", wrap=True)
        self.battery = Battery()
        self._files_head = heading("Files")
        self._build()
        self.clear()

    def _build(self) -> None:
        self.body.addWidget(heading("What it weighs"))
        self.body.addSpacing(2)
        self.body.addWidget(self.flash)
        self.body.addSpacing(6)
        self.body.addWidget(self.ram)
        self.body.addSpacing(12)
        self.body.addWidget(heading("What it takes"))
        for pair in ((self.latency, self.rate), (self.instructions, self.stack)):
            across = columns(*pair, spacing=12)
            across.setStretch(0, 1)
            across.setStretch(1, 1)
            self.body.addLayout(across)
        self.body.addWidget(self.other)
        self.body.addWidget(self.source)
        self.body.addSpacing(12)
        self.body.addWidget(self.battery)
        self.body.addSpacing(12)
        self.body.addWidget(self._files_head)
        self.body.addWidget(self.files)
        self.body.addStretch()

    def clear(self) -> None:
        """Nothing is known yet."""
        self.flash.say(0, 1, "–")
        self.ram.say(0, 1, "–")
        for stat in (self.latency, self.rate, self.instructions, self.stack):
            stat.say("–")
        self.other.hide()
        self.source.setText("Build to see bytes from the linked image.")
        self.files.setText("")
        self._files_head.hide()
        self.battery.show_build(None, 0.0)

    def show_build(self, result: dict[str, Any], board: Board, period_ms: float) -> None:
        """The `build` result; `period_ms` is the time between two answers."""
        for meter, used, limit in (
            (self.flash, result["flash_bytes"], board.app_bytes),
            (self.ram, result["ram_bytes"], board.ram_bytes),
        ):
            meter.say(used, limit, f"{bytes_text(used)} of {bytes_text(limit)} · {used / limit:.0%}")
        latency_ms, count, stack = (result.get(k) for k in ("latency_ms", "instructions_per_inference", "stack_bytes"))
        self.latency.say(f"{latency_ms:.2f} ms" if latency_ms is not None else "–")
        self.rate.say(f"{latency_ms / period_ms:.1%}" if latency_ms is not None and period_ms else "–")
        self.battery.show_build(latency_ms, period_ms)
        self.instructions.say(f"{count:,}".replace(",", " ") if count else "–")
        self.stack.say(bytes_text(stack) if stack else "–")
        self.other.setText(_other_words(result))
        self.other.setVisible(bool(self.other.text()))
        self.source.setText(SOURCES.get(str(result.get("source")), ""))
        names = [Path(f) for f in result.get("files", [])]
        self.files.setText("\n".join(f.name for f in names))
        self.files.setToolTip(str(names[0].parent) if names else "")
        self._files_head.setVisible(bool(names))


def _other_words(result: dict[str, Any]) -> str:
    """Both figures of the choice between small and fast code; "" where only one is known."""
    other = result.get("other")
    if not other or not result.get("instructions_per_inference"):
        return ""
    pairs = {result["optimise"]: result, other["optimise"]: other}
    rows = (
        f"{name}: {bytes_text(pairs[how]['flash_bytes'])} of flash, {pairs[how]['latency_ms']:.2f} ms"
        for how, name in (("size", "Small"), ("speed", "Fast"))
    )
    return "\n".join(rows)
