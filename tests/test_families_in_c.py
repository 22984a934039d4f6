"""The generated C of every family and detector gives the bits that the graph gives."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from studio.firmware.native import Native
from studio.graph.graph import Graph
from studio.graph.store import load, save
from studio.learn.dataset import Dataset
from studio.progress import finish
from tests.learn import test_detectors, test_families
from tests.learn.toys import toy

RECIPES: dict[str, Any] = {n: test_families.EXAMPLES[n] for n in test_families.NAMES} | test_detectors.EXAMPLES


@pytest.fixture(scope="module")
def data() -> Dataset:
    return toy(4)


@pytest.mark.parametrize("name", RECIPES)
def test_generated_c_scores_as_the_graph_also_after_a_save(name: str, data: Dataset, tmp_path: Any) -> None:
    short = {"epochs": 2} if hasattr(RECIPES[name], "epochs") else {}
    graph: Graph = finish(dataclasses.replace(RECIPES[name], **short).fit(data, 0))
    save(graph, tmp_path)
    expected = graph.scores(data.x)
    got = Native(load(tmp_path), data.stream).scores(data.x)
    np.testing.assert_array_equal(got.view(np.uint32), expected.view(np.uint32))
