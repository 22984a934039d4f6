"""This computer's voice, as the program that its system brings: prompts are heard where nobody looks at a screen."""

import shutil
import subprocess
import sys
from collections.abc import Callable

WAIT_S = 10.0
_SAPI = (
    "Add-Type -AssemblyName System.Speech; "
    "(New-Object System.Speech.Synthesis.SpeechSynthesizer).Speak([Console]::In.ReadToEnd())"
)
#: Program -> how it takes a text; "{}" stands for the text, without it the text goes to its input.
VOICES: dict[str, tuple[str, ...]] = {
    "say": ("--", "{}"),
    "spd-say": ("--wait", "--", "{}"),
    "espeak-ng": ("--", "{}"),
    "espeak": ("--", "{}"),
    "powershell": ("-NoProfile", "-Command", _SAPI),
}
#: Each system's own first.
ORDER = {"darwin": ("say",), "win32": ("powershell",)}


class Voice:
    """Speaks one text at a time, without anybody waiting for it; a newer text cuts the older short."""

    def __init__(self, find: Callable[[str], str | None] = shutil.which) -> None:
        names = ORDER.get(sys.platform, ("spd-say", "espeak-ng", "espeak"))
        self.program = next((path for name in names if (path := find(name))), "")
        self.name = next((name for name in names if find(name)), "")
        self._speaking: subprocess.Popen[bytes] | None = None

    @property
    def words(self) -> str:
        """What a person should know about the voice."""
        return f"Spoken by {self.name}" if self.program else "This computer has no voice: words on the screen only"

    def say(self, text: str) -> None:
        """Speak `text`; nothing happens where there is no voice."""
        self.stop()
        if not self.program:
            return
        arguments = VOICES[self.name]
        spoken = [a.replace("{}", text) for a in arguments]
        quiet = subprocess.DEVNULL
        try:
            self._speaking = subprocess.Popen(
                [self.program, *spoken], stdin=subprocess.PIPE, stdout=quiet, stderr=quiet
            )
            assert self._speaking.stdin is not None
            self._speaking.stdin.write(b"" if "{}" in arguments else text.encode())
            self._speaking.stdin.close()
        except OSError:
            self.program = self.name = ""  # it is there but cannot run: from now on silent, and said so

    def stop(self) -> None:
        """Be quiet."""
        speaking, self._speaking = self._speaking, None
        if speaking is not None and speaking.poll() is None:
            speaking.terminate()
            speaking.wait(WAIT_S)
