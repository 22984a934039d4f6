"""Somebody else's network becomes a model of the project."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.app import models
from studio.data.project import Project, open_project, recordings
from studio.data.stream import Stream
from studio.graph.graph import Graph
from studio.graph.importing import import_graph
from studio.progress import Progress, Work

FAMILY = "imported"


def import_model(project_path: Path, file: Path) -> Work[dict[str, Any]]:
    """The network in a .tflite or .onnx file as a model of family "imported".

    It listens to the project's first stream with as many channels as its input has, or to a stream of its own. Its
    classes get the project's names when there are as many, else numbers.
    """
    project = open_project(project_path)
    yield Progress(0, 2, f"reading {file.name}")
    graph = import_graph(file)
    stream = stream_for(project, graph)
    names = tuple(c.name for c in project.classes)
    classes = names if len(names) == len(graph.classes) else graph.classes
    graph = replace(graph, channels=stream.channels, rate_hz=stream.rate_hz, classes=classes)
    yield Progress(1, 2, f"{len(graph.nodes)} stages")
    model = models.Model(models.new_id(project, FAMILY), FAMILY, graph, stream, lock={"file": file.name})
    models.save(project, model)
    return {
        "model": model.id,
        "stages": len(graph.nodes),
        "window": list(graph.window_shape()),
        "classes": list(graph.classes),
        "stream": stream.name,
    }


def stream_for(project: Project, graph: Graph) -> Stream:
    """The first recorded stream with the right number of channels, or one in float that fits."""
    for recording in recordings(project):
        for stream in recording.streams:
            if len(stream.channels) == len(graph.channels):
                return stream
    return Stream("input", graph.rate_hz, graph.channels, "", "f32", 1.0, "input")
