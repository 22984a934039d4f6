"""Evidence on disk: one file of arrays, so that decisions can be tuned again without running a model."""

import io
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np

from studio.errors import DataError
from studio.learn.matching import Evidence
from studio.paths import write_atomic


def save(evidence: Evidence, path: Path) -> None:
    """Write the file `path` (.npz)."""
    values = {f.name: np.asarray(getattr(evidence, f.name)) for f in fields(Evidence)}
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **values)
    write_atomic(path, packed.getvalue())


def load(path: Path) -> Evidence | None:
    """What was saved; None where there is nothing. DataError when the file is broken."""
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as found:
            values = {f.name: found[f.name] for f in fields(Evidence)}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as e:
        raise DataError(str(path), f"does not read: {type(e).__name__}: {e}", "Train the model again.") from e
    classes = tuple(str(name) for name in values.pop("classes"))
    return Evidence(classes, int(values.pop("background")), **values)
