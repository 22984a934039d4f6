"""What an export says about the model besides the graph, and how a person's names become names of code."""

import re
import unicodedata
from dataclasses import dataclass, field

import studio
from studio.firmware.c_text import comment

LICENSE = "Apache-2.0"
MAINTAINER = "Sensorsmith"


@dataclass(frozen=True)
class Facts:
    """Where the model comes from. `created` is an ISO date, `rows` what is worth telling of its test."""

    project: str
    model: str
    created: str = ""
    rows: tuple[str, ...] = field(default=())
    version: str = "1.0.0"

    @property
    def name(self) -> str:
        """The project as a C identifier: the prefix of everything that the export defines."""
        return c_name(self.project)

    @property
    def stem(self) -> str:
        """Of the files, and of the library's name: never that of a header of the C library."""
        return f"{self.name}_model"

    @property
    def title(self) -> str:
        """A line of plain ASCII."""
        return comment(ascii_of(f"{self.project}, model {self.model}"))

    @property
    def spdx(self) -> str:
        """The first line of files whose comments begin with a hash."""
        return f"# SPDX-License-Identifier: {LICENSE}\n"

    @property
    def banner(self) -> str:
        """What every C file begins with."""
        made = f"Written by Sensorsmith Studio {studio.__version__} for {self.title}."
        return f"/* SPDX-License-Identifier: {LICENSE}\n   {made} */\n"


def ascii_of(text: str) -> str:
    """`text` without accents; what has no plain letter becomes an underscore."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return re.sub(r"[^ -~]", "_", "".join(c for c in plain if not unicodedata.combining(c)))


def c_name(text: str) -> str:
    """A C identifier of 1 to 32 small letters, digits and single underscores; "sensor" when nothing is left."""
    name = re.sub(r"[^a-z0-9]+", "_", ascii_of(text).lower()).strip("_")[:32].strip("_") or "sensor"
    return name if name[0].isalpha() else f"m{name}"
