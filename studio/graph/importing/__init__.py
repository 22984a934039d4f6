"""Other people's networks as our graphs: a file goes in, a Graph comes out, or an error that names the layer."""

from collections.abc import Callable
from pathlib import Path

from studio.errors import DataError
from studio.graph.graph import Graph
from studio.graph.importing.onnx_file import graph_of as graph_of_onnx
from studio.graph.importing.tflite_file import graph_of as graph_of_tflite
from studio.graph.lossless import improved

#: File name suffix -> what reads it.
IMPORTERS: dict[str, Callable[[bytes, str], Graph]] = {
    ".tflite": graph_of_tflite,
    ".onnx": graph_of_onnx,
}
LARGEST_FILE = 256 << 20


def import_graph(path: Path) -> Graph:
    """The network in `path`; DataError when it cannot be read, GraphError when it does what no op here does."""
    read = IMPORTERS.get(path.suffix.lower())
    if read is None:
        raise DataError(str(path), f"has the suffix {path.suffix!r}", f"Give it a file of {', '.join(IMPORTERS)}.")
    try:
        if path.stat().st_size > LARGEST_FILE:
            seen = f"{path.stat().st_size} bytes"
            raise DataError(str(path), seen, "No board takes that; give it a smaller network.")
        return improved(read(path.read_bytes(), path.name))
    except OSError as e:
        raise DataError(str(path), e.strerror or str(e), "Check the name and the rights of the file.") from e
