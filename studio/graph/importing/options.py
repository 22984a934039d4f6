"""An operator's options in a TensorFlow Lite file."""

from typing import Any

from studio.graph.importing.build import Layer


def options(layer: Layer, kind: str) -> Any:
    """The operator's options as the schema's table `kind`; all at their defaults when the file has none."""
    import tflite

    found = getattr(tflite, kind)()
    if layer.options is None:
        return None
    found.Init(layer.options.Bytes, layer.options.Pos)
    return found
