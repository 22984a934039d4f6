"""Features can be chosen by name, change nothing unless chosen, and the set that fits the task is ranked first."""

from dataclasses import replace

import numpy as np
import pytest

from studio.data.stream import Stream
from studio.firmware.native import Native
from studio.graph.ops.spectrum import Spectrum
from studio.learn.dataset import Dataset
from studio.learn.explore import channels
from studio.learn.families.front import EXTRAS, features, front
from studio.learn.families.linear import LinearSvm
from studio.learn.featuresets import feature_sets, words
from studio.learn.space import Space, fixed_knobs
from studio.progress import finish
from tests.learn.toys import toy

NAMES = {
    "none": set(),
    "peaks": {"peaks"},
    "envelope": {"envelope's bands", "envelope's peaks"},
    "rhythm": {"rhythm"},
    "posture": {"posture"},
    "wavelets": {"wavelets"},
}


def read(data: Dataset, *asked: object) -> set[str]:
    """Which nodes end in "features", also over two Concats."""
    nodes = features(data, *asked)  # type: ignore[arg-type]
    found, waiting = set(), [len(nodes) - 1]
    while waiting:
        node = nodes[waiting.pop()]
        if node.name in ("features", "first features") and len(node.inputs) > 1:
            waiting += node.inputs
        else:
            found.add(node.name)
    return found


@pytest.mark.parametrize("extra", NAMES)
def test_every_extra_adds_what_it_is_called(extra: str) -> None:
    data = toy(1)
    plain = read(data, 12, 1)
    assert read(data, 12, 1, extra) == plain | NAMES[extra]
    assert np.isfinite(front(data, 12, 1, extra).x).all()


def test_all_is_all_and_small_windows_take_what_fits() -> None:
    data = toy(1)
    assert read(data, 12, 1, "all") == read(data, 12, 1).union(*NAMES.values())
    assert set(NAMES) | {"all"} == set(EXTRAS)
    short = toy(1, length=9, stride=9)
    assert read(short, 0, 0, "all") == {"statistics", "correlation", "peaks", "posture", "wavelets"}
    assert read(channels(short, [0]), 0, 0, "posture") == {"features"}


def test_the_taper_is_that_of_all_spectra() -> None:
    found = [n.op for n in features(toy(1), 6, 0, "envelope", "kaiser") if isinstance(n.op, Spectrum)]
    assert [op.taper for op in found] == ["kaiser", "kaiser"]
    assert {op.taper for n in features(toy(1), 6) if isinstance(op := n.op, Spectrum)} == {"hann"}


def test_a_person_fixes_them_and_the_search_draws_none_of_its_own() -> None:
    kinds = {"linear_svm": LinearSvm}
    assert not {"extra", "taper"} & set(Space(kinds, {}).knobs("linear_svm"))
    fixed = fixed_knobs(["extra=peaks", "linear_svm.taper=flat top"], kinds)
    member = Space(kinds, fixed).member("linear_svm", {k: 0 for k in Space(kinds, fixed).knobs("linear_svm")})
    assert (member.extra, member.taper) == ("peaks", "flat top")  # type: ignore[attr-defined]


def knocking() -> Dataset:
    """Noise that swells 4 or 9 times a second: the spectrum is flat for both."""
    data, rng = toy(6), np.random.default_rng(0)
    data = data.take(np.flatnonzero(data.y < 2)).renumbered(data.classes[:2])
    t = np.arange(64) / 64
    noise = rng.normal(size=(len(data), 64, 1))
    hz = np.array([4.0, 9.0])[data.y][:, None]
    x = noise[..., 0] * (1 + 0.9 * np.cos(2 * np.pi * hz * t + rng.uniform(0, 6, (len(data), 1))))
    stream = Stream("acceleration", 64.0, ("z",), "g", "f32", 1.0)
    made = x[..., None].astype(np.float32)
    return replace(data, x=made, raw=made, stream=stream)


def test_envelopes_come_first_where_they_tell_the_classes() -> None:
    found = finish(feature_sets(knocking(), 0))
    assert len(found) == 56 and len({s.as_dict()["fix"] for s in found}) == 56
    assert found[0].extra in ("envelope", "all")
    by = {(s.bands, s.detail, s.extra): s for s in found}
    assert by[12, 0, "envelope"].score > by[12, 0, "none"].score + 0.2
    assert by[12, 0, "envelope"].instructions > by[12, 0, "none"].instructions
    assert [round(s.score, 3) for s in found] == sorted((round(s.score, 3) for s in found), reverse=True)
    assert words(12, 1, "peaks") == "statistics, 12 bands, steps, peaks"


def test_the_generated_c_has_all_of_them() -> None:
    data = toy(2)
    graph = finish(LinearSvm(extra="all", taper="blackman", detail=1).fit(data, 0))
    np.testing.assert_array_equal(Native(graph, data.stream).scores(data.x[:20]), graph.scores(data.x[:20]))
