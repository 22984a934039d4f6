"""What can go wrong. Every message has three parts: the thing, the value seen, the next step."""


class StudioError(Exception):
    """Something a person can act on; shown as a message, never as a traceback.

    `exit_code` is the command line's: 1 the work was tried and failed, 2 the request or its input is wrong.
    """

    exit_code = 1

    def __init__(self, thing: str, seen: str, next_step: str) -> None:
        super().__init__(f"{thing}: {seen}. {next_step}")
        self.thing, self.seen, self.next_step = thing, seen, next_step

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        """Errors travel between processes whole."""
        return type(self), (self.thing, self.seen, self.next_step)


class InputError(StudioError):
    """The request or its input is wrong; nothing was changed."""

    exit_code = 2


class ParamError(InputError):
    """A parameter lies outside its declared range."""


class DataError(InputError):
    """A file, recording or label cannot be used as it is."""


class ProjectError(InputError):
    """A project folder cannot be opened or written."""


class GraphError(StudioError):
    """Ops that do not fit together."""


class LinkError(StudioError):
    """A device cannot be reached, or went away."""


class ProtocolError(StudioError):
    """A device speaks, but not what we understand."""


class TrainError(StudioError):
    """No model could be found."""


class BuildError(StudioError):
    """Generated C did not become an image, or the image does not fit the board."""


class FlashError(StudioError):
    """An image did not reach the board whole."""


class VerifyError(StudioError):
    """The board and this computer disagree."""
