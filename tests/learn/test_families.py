"""The contract of every family, and what each promises besides."""

import dataclasses
import multiprocessing
import threading
from dataclasses import fields
from importlib.util import find_spec
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from studio.data.stream import Stream
from studio.errors import DataError, ParamError
from studio.graph.graph import Graph
from studio.graph.ops.tree import pack_votes
from studio.learn import FAMILIES
from studio.learn.cost import estimate
from studio.learn.dataset import Dataset, balance
from studio.learn.families.augment import Disturbance, disturbed, dropped, masked, mixed, moved, turned
from studio.learn.families.boosting import GradientBoosting, XgBoost
from studio.learn.families.cnn import Cnn, ResNet, Separable, Tcn
from studio.learn.families.family import Family
from studio.learn.families.forest import DecisionTree, ExtraTrees, RandomForest
from studio.learn.families.front import features, front, ranged, run
from studio.learn.families.heard import BcResNet, Heard, LeNet, SoundCnn, SoundResNet, SoundSeparable, fitting
from studio.learn.families.layers import Layer, Stack, Weights
from studio.learn.families.layout import layout
from studio.learn.families.linear import LinearSvm, LogisticRegression, NaiveBayes, Ridge
from studio.learn.families.losses import LOSSES
from studio.learn.families.mlp import Mlp
from studio.learn.families.modules import Net
from studio.learn.families.net import float_graph, spread, standard
from studio.learn.families.network import Course, Lessons, _Task, train
from studio.learn.families.points import Neighbours, RadialSvm
from studio.learn.families.rocket import Rocket, kernels
from studio.learn.families.sequence import Crnn, DeepSense, Gru, Lstm, Rnn, Transformer
from studio.learn.space import Space
from studio.progress import Progress, finish
from tests.learn.toys import STREAM, toy

#: A spectrogram for motion: a frame of 0.32 s every 0.16 s.
SLOW: dict[str, Any] = {"hop_ms": 160.0, "mels": 8, "mix": 0.0, "augment": 0.3, "rate": 0.01, "least_steps": 0}
MOVING: dict[str, Any] = {"augment": 0.3, "rate": 0.01, "least_steps": 400}
EXAMPLES: dict[str, Family] = {
    "forest": RandomForest(trees=6),
    "cnn": Cnn(width=6, depth=2, epochs=12, batch=16),
    "extra_trees": ExtraTrees(trees=6),
    "tree": DecisionTree(leaf=2),
    "boosting": GradientBoosting(rounds=9, leaf=4),
    "xgboost": XgBoost(rounds=9),
    "logistic": LogisticRegression(),
    "ridge": Ridge(),
    "linear_svm": LinearSvm(),
    "svm": RadialSvm(points=24),
    "neighbours": Neighbours(points=24),
    "naive_bayes": NaiveBayes(),
    "mlp": Mlp(width=8, epochs=12),
    "rocket": Rocket(kernels=42, dilations=2),
    "resnet": ResNet(width=6, depth=2, epochs=12, batch=16),
    "tcn": Tcn(width=8, depth=3, epochs=12, batch=16),
    "separable": Separable(width=12, depth=2, epochs=14, batch=16, rate=0.01),
    "sound_cnn": SoundCnn(width=6, depth=3, epochs=12, batch=16, **SLOW),
    "ds_cnn": SoundSeparable(width=12, depth=2, epochs=14, batch=16, **SLOW),
    "sound_resnet": SoundResNet(width=6, depth=2, epochs=12, batch=16, **SLOW),
    "bc_resnet": BcResNet(width=8, depth=1, epochs=14, batch=16, **SLOW),
    "gru": Gru(units=12, epochs=20, batch=16, **{**MOVING, "least_steps": 700}),
    "lstm": Lstm(units=8, epochs=14, batch=16, **MOVING),
    "rnn": Rnn(units=12, epochs=14, batch=16, **MOVING),
    "crnn": Crnn(width=6, units=8, epochs=12, batch=16, **MOVING),
    "deepsense": DeepSense(width=8, units=12, epochs=14, batch=16, **MOVING),
    "transformer": Transformer(width=8, epochs=14, batch=16, **MOVING),
    "lenet": LeNet(units=40, epochs=12, batch=16, **SLOW),
}
#: Families in which nothing is drawn by chance, or so little that small data tells no difference.
CERTAIN = {"tree", "boosting", "logistic", "ridge", "linear_svm", "naive_bayes"}
#: What needs a package that not everybody has.
NAMES = [n for n in FAMILIES if n != "xgboost" or (find_spec("xgboost") and find_spec("treelite"))]


@pytest.fixture(scope="module")
def sides() -> tuple[Dataset, Dataset]:
    """Four people to learn from and a fifth to judge by."""
    data = toy(5)
    told = data.subject == "p4"
    return data.take(np.flatnonzero(~told)), data.take(np.flatnonzero(told))


@pytest.fixture(scope="module")
def graphs(sides: tuple[Dataset, Dataset]) -> dict[str, Graph]:
    return {name: finish(family.fit(sides[0], 1)) for name, family in EXAMPLES.items() if name in NAMES}


def same(a: Graph, b: Graph) -> bool:
    """Bit for bit the same computation."""
    if [(n.name, n.inputs, type(n.op)) for n in a.nodes] != [(n.name, n.inputs, type(n.op)) for n in b.nodes]:
        return False
    pairs = zip(a.nodes, b.nodes, strict=True)
    return all(np.array_equal(getattr(m.op, f.name), getattr(n.op, f.name)) for m, n in pairs for f in fields(m.op))


def test_every_family_has_an_example() -> None:
    assert set(EXAMPLES) == set(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
class TestContract:
    def test_learns_what_a_stranger_does(self, name: str, graphs: dict[str, Graph], sides) -> None:
        told, graph = sides[1], graphs[name]
        assert (graph.decide(graph.scores(told.x)) == told.y).mean() >= 0.95

    def test_stages_and_shapes(self, name: str, graphs: dict[str, Graph], sides) -> None:
        graph = graphs[name]
        names = [node.name for node in graph.nodes]
        assert names[-1] == "scores" and {"features", "logits"} < set(names) and len(set(names)) == len(names)
        assert graph.shapes()[-1] == (3,) and graph.classes == ("rest", "shake", "swing")
        assert (graph.channels, graph.rate_hz, graph.length, graph.stride) == (("x", "y", "z"), 50.0, 64, 32)
        assert graph.scores(sides[1].x).sum(axis=1) == pytest.approx(1.0, abs=1e-5)

    def test_same_seed_same_graph_whatever_else_draws(self, name: str, graphs: dict[str, Graph], sides) -> None:
        np.random.seed(5)
        torch.manual_seed(7)
        work = EXAMPLES[name].fit(sides[0], 1)
        again = finish(work, lambda step: torch.rand(3) if step else None)
        assert same(graphs[name], again)

    def test_another_seed_another_graph(self, name: str, graphs: dict[str, Graph], sides) -> None:
        other = finish(EXAMPLES[name].fit(sides[0], 2))
        assert name in CERTAIN or not same(graphs[name], other)

    def test_stops_when_told_and_leaves_nothing_behind(self, name: str, sides) -> None:
        torch.set_num_threads(2)
        seed = torch.initial_seed()
        work = EXAMPLES[name].fit(sides[0], 1)
        before = set(threading.enumerate())
        assert isinstance(next(work), Progress) and isinstance(next(work), Progress)
        work.close()
        assert set(threading.enumerate()) == before and not multiprocessing.active_children()
        assert torch.get_num_threads() == 2 and torch.initial_seed() == seed
        with pytest.raises(StopIteration):
            next(work)

    def test_progress_reaches_its_total(self, name: str, sides) -> None:
        steps: list[Progress] = []
        finish(EXAMPLES[name].fit(sides[0], 1), steps.append)
        assert len(steps) > 2 and steps[-1].done <= steps[-1].total
        assert all(a.done <= b.done for a, b in pairwise(steps))

    def test_guesses_are_members_that_the_search_can_draw(self, name: str) -> None:
        space = Space({name: FAMILIES[name]}, {})
        knobs = space.knobs(name)
        assert knobs and all(values == tuple(sorted(values)) for values in knobs.values())
        for guess in FAMILIES[name].guesses():
            assert space.member(name, space.indices(name, guess)) == guess
        for end in (0, -1):
            space.member(name, {k: (len(v) - 1 if end else 0) for k, v in knobs.items()})

    def test_a_single_channel_and_an_odd_length(self, name: str) -> None:
        stream = Stream("microphone", 400.0, ("sound",), dtype="i16", scale=1e-3)
        data = toy(4, length=101, stride=50, stream=stream, seconds=4.0)
        graph = finish(EXAMPLES[name].fit(data, 0))
        assert (graph.decide(graph.scores(data.x)) == data.y).mean() > 0.8

    def test_one_class_is_refused(self, name: str, sides) -> None:
        data = sides[0]
        only = dataclasses.replace(data.take(np.flatnonzero(data.y == 0)), classes=("rest",))
        with pytest.raises(DataError, match="only one class"):
            finish(EXAMPLES[name].fit(only, 0))

    def test_bad_parameters_are_refused(self, name: str) -> None:
        for field in dataclasses.fields(EXAMPLES[name]):
            if field.metadata.get("low") is not None:
                with pytest.raises(ParamError, match=field.name):
                    dataclasses.replace(EXAMPLES[name], **{field.name: field.metadata["low"] - 1})


def test_the_forest_in_c_votes_as_scikit_learn_does(sides) -> None:
    from sklearn.ensemble import RandomForestClassifier

    data, family = sides[0], RandomForest(trees=5, leaf=3)
    graph = finish(family.fit(data, 9))
    grid = ranged(front(data, family.bands), data.y)
    told = run(grid.nodes, sides[1].x)
    theirs = RandomForestClassifier(5, max_depth=16, min_samples_leaf=3, max_features="sqrt", random_state=9)
    theirs.fit(grid.x.astype(np.float32), data.y, sample_weight=balance(data.y)[data.y])
    stages = dict(graph.stages(sides[1].x))
    expected = theirs.predict_proba(told.astype(np.float32))
    assert np.array_equal(stages["features"], run(features(data, family.bands), sides[1].x))
    assert stages["logits"] / 255 / 5 == pytest.approx(expected, abs=0.51 / 255)


def test_few_kinds_of_leaves_make_a_smaller_forest_that_decides_alike(sides) -> None:
    told = sides[1].x
    noise = np.random.default_rng(0).normal(0, 0.6, sides[0].x.shape).astype(np.float32)
    noisy = dataclasses.replace(sides[0], x=sides[0].x + noise)
    whole, small = (finish(RandomForest(trees=16, leaf=2, kinds=k).fit(noisy, 3)) for k in (0, 6))
    ops = [next(n.op for n in g.nodes if n.name == "logits") for g in (whole, small)]
    assert len(ops[1].rows) <= 6 < len(ops[0].rows) and len(ops[1].leaves) < len(ops[0].leaves)
    agree = whole.decide(whole.scores(told)) == small.decide(small.scores(told))
    assert agree.mean() > 0.9


def test_a_class_without_windows_gets_no_votes(sides) -> None:
    data, forest = sides[0], RandomForest(trees=2)
    grid = ranged(front(data, forest.bands), data.y)
    leaves = pack_votes(finish(forest.grow(grid.x, data.y + (data.y > 0), 4, 0))).rows
    assert leaves.shape[1] == 4 and not leaves[:, 1].any() and leaves[:, [0, 2, 3]].any(axis=0).all()


def test_the_float_network_in_c_equals_torch(sides) -> None:
    data = sides[0]
    mean, std = spread(data.x)
    for family in (Cnn(width=5), ResNet(width=4), Tcn(width=5), Separable(width=6)):
        layers = family._layers((64, 1, 3), data)
        net = shaken((64, 1, 3), layers)
        z = torch.from_numpy((data.x - mean) / std).permute(0, 2, 1)[..., None]
        graph = float_graph(data, (standard((), mean, std),), (64, 1, 3), layers, net.weights())
        stages = dict(graph.stages(data.x))
        assert stages["logits"] == pytest.approx(net(z).detach().numpy(), abs=1e-3, rel=1e-4), family.name


def test_the_float_network_on_a_spectrogram_in_c_equals_torch(sides) -> None:
    data = sides[0].take(np.arange(20))
    families: tuple[Heard, ...] = (SoundCnn(**SLOW), SoundSeparable(**SLOW), SoundResNet(**SLOW), LeNet(**SLOW))
    for family in families:
        nodes, x = family.front(data, np.arange(20))
        plane = x.shape[1], x.shape[2], x.shape[3]
        mean, std = spread(x.reshape(20, plane[0], -1))
        layers = family._layers(plane, data)
        net = shaken(plane, layers)
        z = (x.reshape(20, plane[0], -1) - mean) / std
        expected = net(torch.from_numpy(z.reshape(x.shape)).permute(0, 3, 1, 2)).detach().numpy()
        graph = float_graph(data, (*nodes, standard(nodes, mean, std)), plane, layers, net.weights())
        assert dict(graph.stages(data.x))["logits"] == pytest.approx(expected, abs=1e-3, rel=1e-4), family.name


def shaken(plane: tuple[int, int, int], layers: tuple[Layer, ...]) -> Net:
    """A network with nothing at its neutral value, as after learning."""
    torch.manual_seed(0)
    net = Net(torch, plane, 3, layers, 0.0)
    for norm in net.norms.values():  # as after learning: nothing is at its neutral value
        for value, low in ((norm.weight, 0.5), (norm.bias, -0.5), (norm.running_mean, -0.5), (norm.running_var, 0.5)):
            torch.nn.init.uniform_(value, low, low + 1)
    net.all.eval()
    return net


@pytest.mark.parametrize("channels", [1, 3, 12])
@pytest.mark.parametrize("length", [32, 33, 64, 100, 128, 500, 1000, 4000, 16000])
@pytest.mark.parametrize("depth", [1, 3, 5])
def test_a_window_of_any_length_ends_in_few_steps_at_a_sane_cost(channels: int, length: int, depth: int) -> None:
    stream = dataclasses.replace(STREAM, channels=tuple(map(str, range(channels))))
    data = toy(1, length=length, stride=length, stream=stream, seconds=max(1, 2 * length / 50)).take(np.arange(3))
    graph = Cnn(depth=depth).draft(data)
    assert graph is not None
    (pooled,) = next(node.inputs for node in graph.nodes if node.name == "features")
    steps, c = graph.shapes()[pooled]
    assert c == (16 if depth == 1 else 32)
    if depth >= 3:
        assert steps <= 20 and (estimate(graph).instructions_per_inference or 0) < 16e6 + 600 * length * channels


def test_layout_counts_as_the_graph_does() -> None:
    blocks = layout(128, 12, 3, 5)
    assert [(b.c_out, b.stride, b.pool, b.pad_before + b.pad_after) for b in blocks] == [
        (12, 1, 2, 4),
        (24, 1, 2, 4),
        (24, 1, 2, 4),
    ]
    assert layout(16000, 8, 3, 5)[0].stride == 32 and layout(16000, 8, 3, 5)[0].taps == 65


@pytest.mark.parametrize("name", NAMES)
def test_the_draft_weighs_what_the_trained_model_weighs(name: str, graphs: dict[str, Graph], sides) -> None:
    draft = EXAMPLES[name].draft(sides[0])
    assert (draft is None) == (name in {"forest", "extra_trees", "tree", "boosting", "xgboost"})
    if draft is not None:  # channels without effect are taken out of either, and chance has a few of them
        ours, theirs = estimate(draft), estimate(graphs[name])
        assert theirs.flash_bytes == pytest.approx(ours.flash_bytes, rel=0.01)
        assert theirs.ram_bytes == pytest.approx(ours.ram_bytes, rel=0.01)


def test_int8_loses_hardly_anything(sides) -> None:
    data, family = sides[0], EXAMPLES["cnn"]
    assert isinstance(family, Cnn)
    kept: list[Graph] = []
    from studio.learn.families import net

    original = net.quantize
    try:
        net.quantize = lambda graph, *more: kept.append(graph) or original(graph, *more)  # type: ignore[func-returns-value]
        small = finish(family.fit(data, 1))
    finally:
        net.quantize = original
    x = sides[1].x
    agree = kept[0].decide(kept[0].scores(x)) == small.decide(small.scores(x))
    assert agree.mean() > 0.98 and any(node.op.gives is np.int8 for node in small.nodes)


def test_a_channel_that_never_moves_does_no_harm() -> None:
    data = toy(4)
    still = dataclasses.replace(data, x=np.where(np.arange(3) == 1, np.float32(0.5), data.x))
    assert spread(still.x)[1][1] == 1.0
    for name in NAMES:
        graph = finish(EXAMPLES[name].fit(still, 0))
        assert np.isfinite(graph.scores(still.x)).all()


def test_disturbances_keep_the_shape_and_nothing_is_done_at_strength_0() -> None:
    x = torch.arange(2 * 3 * 40, dtype=torch.float32).reshape(2, 3, 40, 1)
    torch.manual_seed(0)
    assert disturbed(torch, x, 0) is x and turned(torch, x, 0) is x
    for heard in (False, True):
        other = disturbed(torch, x, 1.0, heard)
        assert other.shape == x.shape and not torch.equal(other, x)


def test_a_turned_frame_keeps_lengths_and_turns_every_three_channels_alike() -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 6, 30, 1)
    same_twice = torch.cat([x[:, :3], x[:, :3]], 1)
    y = turned(torch, same_twice, 30.0)
    assert torch.allclose(y[:, :3].norm(dim=1), x[:, :3].norm(dim=1), atol=1e-5)
    assert torch.allclose(y[:, :3], y[:, 3:], atol=1e-6) and not torch.allclose(y, same_twice, atol=0.05)
    dots = (torch.nn.functional.normalize(y[:, :3], dim=1) * torch.nn.functional.normalize(x[:, :3], dim=1)).sum(1)
    assert (dots > np.cos(np.radians(30.0)) - 1e-5).all()
    assert torch.equal(turned(torch, x[:, :4], 30.0), x[:, :4])


def test_a_moved_window_shows_the_same_things_a_little_off() -> None:
    torch.manual_seed(0)
    ramp = torch.arange(100.0).reshape(1, 1, 100, 1).repeat(50, 1, 1, 1)
    y = moved(torch, ramp, 1.0)
    assert y.min() >= 0 and y.max() <= 99 and (y[:, :, 1:] - y[:, :, :-1] >= -1e-4).all()
    assert (y - ramp).abs().max() <= 0.1 * 100 + 0.1 * 50 + 1e-3 and (y - ramp).abs().mean() > 1


def test_lost_samples_are_held_and_no_more_are_lost_than_asked() -> None:
    torch.manual_seed(0)
    x = torch.arange(200.0).reshape(1, 1, 200, 1).expand(50, 2, 200, 1)
    y = dropped(torch, x, 0.4)
    step = y[:, 0, 1:, 0] - y[:, 0, :-1, 0]
    held = (step == 0).float().mean(dim=1)
    assert (y <= x).all() and (step >= 0).all() and torch.equal(y[:, 0], y[:, 1])
    assert held.max() < 0.5 and held.mean() == pytest.approx(0.2, abs=0.06)
    assert dropped(torch, x, 0.0) is x


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_falls_toward_the_truth_and_its_gradient_is_the_numeric_one(name: str) -> None:
    torch.manual_seed(1)
    weight, y = torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64), torch.tensor([0, 2, 1, 1])
    loss = LOSSES[name](torch, weight)
    logits = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: loss(v, y), logits, atol=1e-4)
    parts = torch.nn.functional.one_hot(y, 3).double()
    if name != "cross_entropy":  # torch's own divides by the windows' weights only where classes are numbers
        assert torch.allclose(loss(logits, y), loss(logits, parts))
    assert float(loss(4 * parts, y)) < float(loss(torch.zeros(4, 3).double(), y)) < float(loss(-4 * parts, y))


@pytest.mark.parametrize("change", [{"loss": "brier"}, {"loss": "focal"}, {"optimizer": "sgd"}, {"optimizer": "nadam"},
                                    {"optimizer": "rmsprop"}, {"batch": 8}, {"drop": 0.3}])  # fmt: skip
def test_every_way_of_learning_gives_another_model(change: dict[str, Any], sides) -> None:
    short = dataclasses.replace(EXAMPLES["cnn"], epochs=2)
    one, other = (finish(f.fit(sides[0], 1)) for f in (short, dataclasses.replace(short, **change)))
    assert not np.array_equal(one.scores(sides[1].x), other.scores(sides[1].x))


def test_masks_hide_one_stretch_and_mixing_keeps_the_share_of_the_labels() -> None:
    torch.manual_seed(0)
    x = torch.ones(200, 2, 50, 10)
    y = masked(torch, x, 2, 0.2)
    hidden = (y == 0).all(dim=3).all(dim=1)
    assert (hidden.sum(1) <= 10).all() and 0.2 < (hidden.sum(1) > 0).float().mean() < 0.7
    runs = (hidden[:, 1:] & ~hidden[:, :-1]).sum(1) + hidden[:, 0]
    assert (runs <= 1).all()
    labels = torch.eye(2)[torch.arange(200) % 2]
    laid, parts = mixed(torch, labels[:, :, None, None].expand(200, 2, 4, 4), labels, 1.0)
    assert torch.allclose(laid[:, :, 0, 0], parts) and torch.allclose(parts.sum(1), torch.ones(200))
    assert (parts.max(1).values >= 0.5).all() and (parts.max(1).values < 1).any()
    assert mixed(torch, x, labels, 0.0)[0] is x


def lessons(data: Dataset) -> Lessons:
    mean, std = spread(data.x)
    z = data.x[:, :, None, :]
    return Lessons(z, data.y, np.array([1.0, 2.0, 0.5]), z[:9], data.y[:9], mean, std)


def small_layers() -> tuple[Layer, ...]:
    stack = Stack((64, 1, 3))
    stack.conv(4, (5, 1))
    stack.pool((4, 1))
    stack.conv(8, (5, 1))
    return tuple(stack.layers)


def test_the_best_epoch_is_kept_and_patience_ends_the_rest(sides, monkeypatch) -> None:
    def learn(patience: int) -> tuple[Weights, int]:
        scores = iter([0.5, 0.9, *[0.1] * 50])
        monkeypatch.setattr(_Task, "judge", lambda task: (next(scores), 0.0))
        steps: list[Progress] = []
        course = Course(epochs=12, batch=32, rate=0.01, dropout=0.0, patience=patience)
        return finish(train(lessons(sides[0]), small_layers(), course, 0), steps.append), len(steps)

    (early, n_early), (late, n_late) = learn(1), learn(4)
    assert (n_early, n_late) == (4, 7)  # the best is the second; one, or four, are forgiven
    assert np.array_equal(early.dense[0], late.dense[0])
    assert all(np.array_equal(a[0], late.layers[i][0]) for i, a in early.layers.items())


def test_the_loss_weighs_the_classes_as_told(sides) -> None:
    told = lessons(sides[0])
    course = Course(epochs=1, batch=32, rate=0.01, dropout=0.0, patience=1, disturbance=Disturbance(mix=1.0))
    task = _Task(torch, Net(torch, (64, 1, 3), 3, small_layers(), 0.0), told, course, 0)
    assert task.loss.weight.tolist() == [1.0, 2.0, 0.5]
    assert task._batch(torch.arange(8))[1].shape == (8, 3)


def test_the_last_fit_holds_nothing_back(sides, monkeypatch) -> None:
    from studio.learn.families import net

    seen: list[Lessons] = []

    def record(told: Lessons, *rest: object):
        seen.append(told)
        return train(told, *rest)

    monkeypatch.setattr(net, "train", record)
    data, family = sides[0], Cnn(width=2, depth=1, epochs=1)
    finish(family.fit(data, 0))
    finish(family.final().fit(data, 0))
    assert 0 < len(seen[0].held_y) < len(seen[0].y) < len(data) == len(seen[1].y) and not len(seen[1].held_y)


def test_balance_gives_every_class_the_same_say() -> None:
    y = np.array([0, 0, 0, 2])
    weight = balance(y)
    assert weight.tolist() == pytest.approx([2 / 3, 0.0, 2.0]) and weight[y].sum() == pytest.approx(4)


def test_detail_adds_what_turning_the_sensor_does_not_change(sides) -> None:
    data = sides[0]
    plain, rich = features(data, 12), features(data, 12, 1)
    names = {n.name for n in rich}
    assert {"with lengths", "statistics of steps", "quantiles"} <= names and len(rich) > len(plain)
    lengths = dataclasses.replace(data, x=data.x[:, :, [2, 0, 1]])  # turned by axes: the lengths stay
    at = [n.name for n in rich].index("with lengths")
    a, b = run(rich[: at + 1], data.x), run(rich[: at + 1], lengths.x)
    assert a.shape[2] == 4 and a[..., 3] == pytest.approx(b[..., 3], rel=1e-5)
    graph = finish(LinearSvm(detail=1).fit(data, 0))
    assert (graph.decide(graph.scores(sides[1].x)) == sides[1].y).mean() >= 0.95


def test_features_are_worked_out_once_for_one_data_set(sides, monkeypatch) -> None:
    from studio.learn.families import front as module

    calls: list[int] = []
    original = module.run
    monkeypatch.setattr(module, "run", lambda nodes, x: calls.append(len(x)) or original(nodes, x))
    data = sides[0].take(np.arange(40))
    assert front(data, 6) is front(data, 6) and front(data, 6) is not front(data, 8)
    assert calls == [40, 40]


def test_rocket_s_features_are_the_shares_of_time_above_the_biases(sides) -> None:
    data, family = sides[0], Rocket(kernels=20, dilations=2)
    nodes = family.nodes(data, 3)
    shares = run(nodes, data.x)
    assert shares.shape[1] == 40 and len(np.unique(shares[:, 0])) > 10
    at = {n.name: i for i, n in enumerate(nodes)}
    for dilation, first in ((1, 0), (2, 20)):
        conv = nodes[at[f"kernels {dilation}"]].op
        before = run(nodes[: at[f"kernels {dilation}"] + 1], data.x).astype(int)
        above = (before > conv.y_zero).mean(axis=1)
        own = shares[:, first : first + 20]
        scale = own.max() / above.max()
        assert own == pytest.approx(above * scale, abs=float(1.01 / 127 * own.max()))
    weight = kernels(84, 6, np.random.default_rng(0))
    used = np.abs(weight).sum(axis=1) > 0
    assert weight.shape == (84, 9, 6) and set(np.unique(weight)) == {-1, 0, 2} and (used.sum(axis=1) <= 3).all()
    assert (weight.sum(axis=1) == 0).all(), "three of 2 and six of -1"


def test_the_hop_divides_the_stride_where_it_can() -> None:
    assert fitting(384, 40_000) == 400 and fitting(80, 2640) == 80 and fitting(7, 32) == 8
    assert fitting(500, 2647) == 500, "a prime has no divisor near"
