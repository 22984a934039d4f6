"""Files that are broken, foreign, or ask for what is not there: always an error in three parts, never a crash."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.errors import DataError, GraphError, StudioError
from studio.graph.importing import import_graph
from studio.graph.importing.tflite_file import graph_of
from tests.graph.importing.write_tflite import File


def small() -> bytes:
    """A convolution, a dense layer, a softmax."""
    f, rng = File(), np.random.default_rng(0)
    x = f.tensor((1, 6, 5, 3), "int8", 0.1, -3)
    w = f.tensor((4, 3, 3, 3), "int8", np.full(4, 0.01), np.zeros(4), 0, rng.integers(-127, 128, (4, 3, 3, 3), np.int8))
    b = f.tensor((4,), "int32", np.full(4, 0.001), np.zeros(4), 0, np.arange(4, dtype=np.int32))
    y = f.tensor((1, 6, 5, 4), "int8", 0.2, 4)
    dense = f.tensor((2, 120), "int8", 0.01, 0, 0, rng.integers(-127, 128, (2, 120), np.int8))
    z, soft = f.tensor((1, 2), "int8", 0.3, 0), f.tensor((1, 2), "int8", 1 / 256, -128)
    f.layer("CONV_2D", [x, w, b], [y], "Conv2DOptions", StrideH=1, StrideW=1, Padding=0)
    f.layer("FULLY_CONNECTED", [y, dense, -1], [z], "FullyConnectedOptions")
    f.layer("SOFTMAX", [z], [soft], "SoftmaxOptions", Beta=1.0)
    return f.bytes([x], [soft])


SMALL = small()


def test_the_file_itself_is_good() -> None:
    graph = graph_of(SMALL, "small.tflite")
    assert graph.classes == ("0", "1") and graph.window_shape() == (6, 15)
    assert [n.name for n in graph.nodes][-1] == "scores" and {"features", "logits"} <= {n.name for n in graph.nodes}


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_changed_bytes_give_a_graph_or_an_error(changes: list[tuple[int, int]]) -> None:
    data = bytearray(SMALL)
    for at, value in changes:
        data[at] = value
    try:
        graph_of(bytes(data), "changed.tflite").shapes()
    except StudioError as e:
        assert e.thing and e.seen and e.next_step


@given(st.integers(0, len(SMALL)))
def test_a_file_that_ends_early_gives_an_error_or_a_graph(n: int) -> None:
    try:
        graph_of(SMALL[:n], "short.tflite").shapes()
    except StudioError as e:
        assert e.thing and e.seen and e.next_step


@given(st.binary(max_size=200))
def test_anything_else_is_no_model(data: bytes) -> None:
    with pytest.raises(DataError, match=r"x\.tflite"):
        graph_of(data[:4] + b"TFL3" + data[4:], "x.tflite")
    with pytest.raises(DataError, match=r"Choose a \.tflite file"):
        graph_of(data[:7], "x.tflite")


@pytest.mark.parametrize("path", sorted(Path(__file__).with_name("broken").iterdir()), ids=lambda p: p.stem)
def test_files_that_once_broke_the_reader(path: Path) -> None:
    """Found by fuzzing: an error in three parts, or a graph that runs."""
    try:
        graph = import_graph(path)
        graph.scores(np.zeros((1, *graph.window_shape()), np.float32))
    except StudioError as e:
        assert e.thing and e.seen and e.next_step


def test_an_unknown_op_is_named_with_its_layer_and_the_way_out() -> None:
    f = File()
    x, y = f.tensor((1, 4), "int8", 0.1, 0), f.tensor((1, 4), "int8", 0.1, 0)
    f.layer("COS", [x], [y])
    with pytest.raises(GraphError, match=r"Layer 0 \(COS\) of cos.tflite.*CONV_2D") as e:
        graph_of(f.bytes([x], [y]), "cos.tflite")
    assert "is not known here" in e.value.seen


def test_weights_that_are_not_symmetric_are_refused() -> None:
    f = File()
    x, y = f.tensor((1, 4), "int8", 0.1, 0), f.tensor((1, 1), "int8", 0.1, 0)
    w = f.tensor((1, 4), "int8", 0.1, 7, 0, np.ones((1, 4), np.int8))
    f.layer("FULLY_CONNECTED", [x, w, -1], [y], "FullyConnectedOptions")
    with pytest.raises(GraphError, match=r"Layer 0 \(FULLY_CONNECTED\).*not symmetric"):
        graph_of(f.bytes([x], [y]), "x.tflite")


def test_other_types_are_refused() -> None:
    f = File()
    x, y = f.tensor((1, 4), "int32"), f.tensor((1, 4), "int8", 0.1, 0)
    f.layer("QUANTIZE", [x], [y])
    with pytest.raises(GraphError, match="is int32"):
        graph_of(f.bytes([x], [y]), "x.tflite")


def test_files_of_other_kinds_and_missing_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\.tflite, \.onnx"):
        import_graph(tmp_path / "model.h5")
    with pytest.raises(DataError, match=r"gone\.tflite"):
        import_graph(tmp_path / "gone.tflite")
