"""Small or fast: what the compiler makes of a whole firmware. The same bits either way, only flash and time differ.

Which is better was measured, and differs from model to model: inner loops of int8 layers are assembly on the cores
that most boards have, so a network gains nothing from the fast form, while features in float gain some percent. So
a build shows both figures, and small is where it begins.
"""

from dataclasses import replace

from studio.errors import InputError
from studio.firmware.board import Board

OPTIMISE = {"size": "-Os", "speed": "-O2"}


def optimised(board: Board, how: str) -> Board:
    """`board` with the compiler told to make code small ("size") or fast ("speed"); InputError for another word."""
    if how not in OPTIMISE:
        raise InputError(f"Optimise {how!r}", "is not known", f"Choose one of {', '.join(OPTIMISE)}.")
    known = set(OPTIMISE.values())
    return replace(board, flags=tuple(OPTIMISE[how] if flag in known else flag for flag in board.flags))


def folder_name(model_id: str, board_id: str, how: str) -> str:
    """Of the images of a model for a board, within a project's builds."""
    return f"{model_id}-{board_id}" + ("" if how == "size" else f"-{how}")
