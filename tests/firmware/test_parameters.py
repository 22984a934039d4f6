"""Other numbers under the same code: laid out, written, tried, confirmed, taken back, and never lost half way."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from studio.data.talk import Refused, Talk
from studio.data.wire import Verb
from studio.errors import FlashError, VerifyError
from studio.firmware.board import boards
from studio.firmware.build import Image, build
from studio.firmware.flash import flash, roll_back
from studio.firmware.image import block_of, parse_header
from studio.firmware.parameters import find_block, movable, schema_of
from studio.firmware.render import render
from studio.firmware.swap import BUILT_IN, CONFIRMED, TRIAL, numbers_of, swap
from studio.firmware.verify import verify
from studio.graph.graph import Graph
from studio.graph.passes import quantize
from studio.paths import home
from studio.progress import Progress, Work, finish
from tests.firmware.conftest import Started
from tests.firmware.firmwares import ACCELEROMETER, graph, image, raw_windows
from tests.graph.nets import cnn_graph, motion

PLAYED = ("host", "cortex-m4f")


@cache
def again(family: str) -> Graph:
    """The same model, learned from something else: every float another, int8 scales and zero points too."""
    if family == "cnn":
        net = cnn_graph()
        nodes = tuple(replace(n, op=_moved(n.op)) for n in net.nodes)
        return quantize(replace(net, nodes=nodes, threshold=0.4), motion(50, seed=5))
    old = graph(family)
    return replace(old, nodes=tuple(replace(n, op=_moved(n.op)) for n in old.nodes), threshold=0.375)


def _moved(op: object) -> object:
    arrays = {k: v for k, v in vars(op).items() if isinstance(v, np.ndarray) and v.dtype == np.float32}
    return replace(op, **{k: (v * np.float32(1.125) + np.float32(0.03)) for k, v in arrays.items()})  # type: ignore[type-var]


@cache
def image_again(board_id: str, family: str) -> Image:
    return finish(
        build(again(family), ACCELEROMETER, boards()[board_id], home() / "images" / f"again-{board_id}-{family}")
    )


def state(talk: Talk) -> int:
    told = numbers_of(talk)
    assert told is not None
    return told.state


@pytest.mark.parametrize("family", ["forest", "cnn", "rows"])
def test_the_block_holds_every_constant_and_the_code_none(family: str) -> None:
    source = render(graph(family), ACCELEROMETER)["model.c"]
    moved = movable(source, bytes(16))
    assert "static const" not in moved.split("model_block_bytes")[1]
    first, second = (parse_header(i.bin.read_bytes()) for i in (image("host", family), image("cortex-m4f", family)))
    assert first.block_bytes == second.block_bytes > 24
    if family != "rows":
        a, b = (block_of(i.bin.read_bytes())[24:] for i in (image("host", family), image("cortex-m0plus", family)))
        assert len(a) == len(b)


@pytest.mark.parametrize("family", ["forest", "cnn"])
def test_the_schema_is_the_make_without_the_numbers(family: str) -> None:
    old, new = (render(g, ACCELEROMETER)["model.c"] for g in (graph(family), again(family)))
    assert old != new
    assert schema_of(graph(family), old, 0) == schema_of(again(family), new, 0)
    assert schema_of(graph(family), old, 0) != schema_of(graph(family), old, 1)
    longer = replace(graph(family), stride=graph(family).stride + 1)
    assert schema_of(graph(family), old, 0) != schema_of(longer, old, 0)
    renamed = replace(graph(family), classes=("u", "v", "w"))
    assert schema_of(graph(family), old, 0) != schema_of(renamed, render(renamed, ACCELEROMETER)["model.c"], 0)


def test_a_block_that_cannot_be_told_for_certain_is_none() -> None:
    schema = bytes(range(16))
    block = schema + (32).to_bytes(4, "little") + bytes(12)
    assert find_block(b"ab" + block, schema) is not None
    assert find_block(block + block, schema) is None and find_block(block[:20], schema) is None
    assert find_block(b"ab" + block[:-1], schema) is None


@pytest.mark.parametrize("family", ["forest", "cnn"])
@pytest.mark.parametrize("board_id", PLAYED)
def test_only_the_numbers_travel_and_the_answers_are_the_new_models(start: Started, board_id: str, family: str) -> None:
    old, new = image(board_id, family), image_again(board_id, family)
    with start(board_id) as talk:
        finish(flash(talk, old.bin))
        up_us = _uptime(talk)
        told = finish(flash(talk, new.bin))
        assert told["parameters"] and told["bytes"] < told["whole_bytes"] / 5 and told["seconds_saved"] > 0
        assert talk.hello().build_hash == new.build_hash == told["build_hash"]
        assert _uptime(talk) > up_us  # it did not restart
        assert finish(verify(talk, again(family), ACCELEROMETER, raw_windows(4)))["equal"] == 4
        for _ in range(2):
            talk.request(Verb.RESTART)
            assert talk.hello().build_hash == new.build_hash and state(talk) == CONFIRMED
        assert finish(flash(talk, old.bin))["parameters"]  # and back, by the other place
        assert finish(verify(talk, graph(family), ACCELEROMETER, raw_windows(4)))["equal"] == 4
        back = finish(roll_back(talk))
        assert (back["build_hash"], back["was"]) == (new.build_hash, old.build_hash)
        assert finish(roll_back(talk))["build_hash"] == old.build_hash and state(talk) == BUILT_IN


def _uptime(talk: Talk) -> int:
    return int(talk.request(Verb.STATS)[0])


def test_what_runs_already_is_not_written_again(start: Started) -> None:
    old, new = image("host", "forest"), image_again("host", "forest")
    with start("host") as talk:
        finish(flash(talk, old.bin))
        assert "parameters" not in finish(flash(talk, old.bin))
        finish(flash(talk, new.bin))
        back = finish(flash(talk, old.bin, only="whole"))  # the image is there, with other numbers in use
        assert "parameters" not in back and talk.hello().build_hash == old.build_hash and state(talk) == BUILT_IN
        finish(flash(talk, new.bin))
        told = finish(flash(talk, new.bin, only="whole"))
        assert "parameters" not in told and talk.hello().build_hash == new.build_hash and state(talk) == BUILT_IN


def refuse(_: Talk) -> Work[None]:
    yield Progress(0, 1, "testing")
    raise VerifyError("Window 3", "differs in stage dense", "Build again.")


@pytest.mark.parametrize("board_id", PLAYED)
def test_numbers_that_fail_their_test_do_not_stay(start: Started, board_id: str) -> None:
    old, new = image(board_id, "cnn"), image_again(board_id, "cnn")
    with start(board_id) as talk:
        finish(flash(talk, old.bin))
        for _ in range(2):
            with pytest.raises(FlashError, match=r"(?s)Window 3.*The numbers before are back"):
                finish(flash(talk, new.bin, refuse))
            assert talk.hello().build_hash == old.build_hash and state(talk) == BUILT_IN
        talk.request(Verb.RESTART)
        assert talk.hello().build_hash == old.build_hash
        assert finish(flash(talk, new.bin))["parameters"]


def test_a_studio_that_dies_before_it_confirms_leaves_the_numbers_before(start: Started) -> None:
    old, new = image("host", "cnn"), image_again("host", "cnn")

    def die(_: Talk) -> Work[None]:
        yield Progress(0, 1, "testing")
        raise KeyboardInterrupt

    with start("host") as talk:
        finish(flash(talk, old.bin))
        with pytest.raises(KeyboardInterrupt):
            finish(flash(talk, new.bin, die))
        assert talk.hello().build_hash == new.build_hash and state(talk) == TRIAL
        with pytest.raises(Refused, match="on trial"):
            talk.request(Verb.USE)
        talk.request(Verb.RESTART)
        assert talk.hello().build_hash == old.build_hash and state(talk) == BUILT_IN
        with pytest.raises(KeyboardInterrupt):
            finish(flash(talk, new.bin, die))
        assert finish(flash(talk, new.bin))["verified"]  # the next studio drops what is on trial


def test_another_layout_is_refused_in_plain_words_and_flashed_whole_unasked(start: Started) -> None:
    with start("host") as talk:
        finish(flash(talk, image("host", "forest").bin))
        other = image("host", "cnn")
        with pytest.raises(FlashError, match=r"(?s)laid out for other numbers.*leave out --parameters"):
            finish(flash(talk, other.bin, only="parameters"))
        assert talk.hello().build_hash == image("host", "forest").build_hash
        assert "parameters" not in finish(flash(talk, other.bin)) and talk.hello().build_hash == other.build_hash


def test_a_board_without_a_model_has_no_numbers(start: Started) -> None:
    with start("host") as talk:
        assert numbers_of(talk) is None
        with pytest.raises(FlashError, match="no model whose numbers"):
            finish(flash(talk, image("host", "forest").bin, only="parameters"))


def test_numbers_of_an_image_before_are_not_taken_by_the_next(start: Started) -> None:
    """They lie behind the image in its slot; written anew, the image has another counter."""
    old, new = image("host", "forest"), image_again("host", "forest")
    with start("host") as talk:
        finish(flash(talk, old.bin))
        finish(flash(talk, new.bin))
        for name in ("cnn", "rows"):
            finish(flash(talk, image("host", name).bin))
        finish(flash(talk, old.bin))
        assert talk.hello().build_hash == old.build_hash and state(talk) == BUILT_IN


def test_a_damaged_block_is_never_used(start: Started, tmp_path: Path) -> None:
    old, new = image("host", "forest"), image_again("host", "forest")
    content = new.bin.read_bytes()
    with start("host") as talk:
        finish(flash(talk, old.bin))
        told = numbers_of(talk)
        assert told is not None
        talk.request(Verb.ERASE, {1: told.offset, 2: told.page_bytes}, 3.0)
        with pytest.raises(Refused, match="no whole parameters"):
            talk.request(Verb.USE)
        for verb, args in ((Verb.ERASE, {1: told.offset - told.page_bytes, 2: 4}), (Verb.WRITE, {1: 0, 2: bytes(8)})):
            with pytest.raises(Refused, match="outside the room"):
                talk.request(verb, args)
        assert finish(swap(talk, content, parse_header(content), None))["verified"]
