"""Images of real boards on an emulated core with modelled registers: start, stream, take an image, answer as here."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from studio.data.talk import Talk
from studio.data.wire import Type, Verb, parse_stats
from studio.firmware.board import boards
from studio.firmware.build import build
from studio.firmware.flash import flash
from studio.firmware.verify import verify
from studio.firmware.virtual import emulator_installed, flash_with
from studio.graph.graph import WINDOW, Graph, Node
from studio.graph.ops.forest import pack
from studio.graph.ops.statistics import Statistics
from studio.graph.ops.vector import Normalize
from studio.progress import finish
from tests.firmware.firmwares import graph, image, raw_windows
from tests.firmware.silicon.bosch import Bmi270
from tests.firmware.silicon.chip import Silicon
from tests.firmware.silicon.nrf52 import Nrf52
from tests.firmware.silicon.nrf52_saadc import PERIOD
from tests.firmware.silicon.psoc62 import Psoc62
from tests.firmware.silicon.rp2040 import Rp2040, Rp2350
from tests.firmware.silicon.sensors import Lsm6dsl, Lsm9ds1, Lsm303agr, Slave
from tests.firmware.silicon.stm32l4 import Stm32l4
from tests.graph.nets import random_tree

pytestmark = pytest.mark.skipif(not emulator_installed(), reason="needs the emulator: pip install unicorn==2.1.4")

CHIPS: dict[str, tuple[Callable[..., Silicon], Callable[[], Slave]]] = {
    "b-l475e-iot01a": (Stm32l4, Lsm6dsl),
    "microbit-v2": (Nrf52, Lsm303agr),
    "xiao-nrf52840-sense": (Nrf52, Lsm6dsl),
    "nano-33-ble-sense": (Nrf52, Lsm9ds1),
    "nano-33-ble-sense-rev2": (Nrf52, Bmi270),
    "cy8ckit-062s2-ai": (Psoc62, Bmi270),
    "pico": (Rp2040, Lsm6dsl),
    "pico-2": (Rp2350, Lsm6dsl),
}


@pytest.fixture(params=CHIPS)
def silicon(request: pytest.FixtureRequest) -> Silicon:
    """A board as shipped: boot loader and streaming firmware."""
    board = boards()[request.param]
    chip, sensor = CHIPS[request.param]
    return chip(board, flash_with(board, image(board.id).bin.read_bytes()), (sensor(),))


def awake(silicon: Silicon) -> Talk:
    """A link to a board that has started."""
    talk = Talk(silicon)
    talk.hello()
    return talk


def test_it_starts_and_says_who_it_is(silicon: Silicon) -> None:
    hello = Talk(silicon).hello()
    assert (hello.board, hello.mode, hello.clock_hz) == (silicon.board.id, "app", silicon.board.clock_hz)
    assert silicon.core_hz() == silicon.board.clock_hz
    if silicon.port is None:
        assert silicon.baud() == pytest.approx(silicon.board.baud, rel=0.01)
    assert not silicon.wrongs


def streamed(talk: Talk, n: int) -> list[tuple[int, int]]:
    """(index as the board counts, x as the sensor counts) of at least `n` rows."""
    rows: list[tuple[int, int]] = []
    while len(rows) < n:
        for packet in talk.pump():
            if packet.type == Type.SAMPLES and packet.channel == 0:
                content = packet.payload
                assert content[2:6] == b"\xfe\xff\x00\x10"
                x = [int.from_bytes(content[i : i + 2], "little") for i in range(0, len(content), 6)]
                rows += zip(range(packet.seq, packet.seq + packet.count), x, strict=True)
    return rows


def test_its_sensor_streams_without_a_hole(silicon: Silicon) -> None:
    talk = awake(silicon)
    talk.request(Verb.START, {1: [0]})
    rows = streamed(talk, 200)
    assert rows == [(i, rows[0][1] + i) for i in range(len(rows))]
    assert max(s.rate_hz() for s in silicon.sensors.values()) == silicon.board.streams[0].rate_hz
    assert not silicon.wrongs


def test_what_a_full_fifo_loses_is_counted(silicon: Silicon) -> None:
    """Ten seconds in which nobody reads: the board's index goes on as the sensor's own count does."""
    talk = awake(silicon)
    talk.request(Verb.START, {1: [0]})
    rows = streamed(talk, 20)
    (sensor,) = silicon.sensors.values()
    silicon.us += 10_000_000
    sensor.measured(round(10 * sensor.rate_hz()))
    rows += streamed(talk, 200)
    (jump,) = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(rows) if b[0] - a[0] > 1]
    assert jump[1] > 9 * sensor.rate_hz() and abs(jump[0] - jump[1]) <= 2
    stats = parse_stats(talk.request(Verb.STATS))
    assert stats.dropped[0] == jump[0] - 1


ONE_OF_A_KIND = list({kind[0]: id for id, kind in CHIPS.items()}.values())


@pytest.mark.parametrize("trouble", ["stuck", "refuses"])
@pytest.mark.parametrize("silicon", ONE_OF_A_KIND, indirect=True)
def test_a_bus_in_trouble_leaves_the_board_alive_and_is_counted(silicon: Silicon, trouble: str) -> None:
    """Nothing happens on the bus, or a byte in the middle is not acknowledged: told, and better when that is over."""
    talk = awake(silicon)
    talk.request(Verb.START, {1: [0]})
    before = streamed(talk, 30)
    silicon.trouble = trouble
    for _ in range(5):
        talk.pump()
    assert talk.request(Verb.PING, {1: b"alive"}, 5.0) == b"alive"
    assert talk.request(Verb.PARTS, {}, 5.0)[0][0] == 3
    silicon.trouble = ""
    after = streamed(talk, 30)
    assert talk.request(Verb.PARTS, {}, 5.0)[0][0] == 1
    index = [i for i, _ in before + after]
    assert index == sorted(set(index)) and not silicon.wrongs


Rows = list[tuple[int, tuple[float, ...]]]
WITH_MOTION = [b.id for b in boards().values() if any(s.name == "motion" for s in b.streams)]


def heard(talk: Talk, silicon: Silicon, until: Callable[[dict[str, Rows]], bool]) -> dict[str, Rows]:
    """{stream: [(index as the board counts, row in the stream's unit)]} of what comes until that is enough."""
    streams = silicon.board.streams
    rows: dict[str, Rows] = {s.name: [] for s in streams}
    while not until(rows):
        for packet in talk.pump():
            if packet.type == Type.SAMPLES:
                stream = streams[packet.channel]
                raw = np.frombuffer(packet.payload, stream.numpy_dtype).reshape(packet.count, -1)
                unit = stream.to_unit(raw).tolist()
                rows[stream.name] += [(packet.seq + i, tuple(row)) for i, row in enumerate(unit)]
    return rows


@pytest.mark.parametrize("silicon", WITH_MOTION, indirect=True)
def test_accelerometer_and_motion_come_from_one_fifo_at_once(silicon: Silicon) -> None:
    talk = awake(silicon)
    names = [s.name for s in silicon.board.streams]
    wanted = [names.index("accelerometer"), names.index("motion")]
    talk.request(Verb.START, {1: wanted})
    rows = heard(talk, silicon, lambda r: min(len(r["accelerometer"]), len(r["motion"])) >= 150)
    (dps,) = {s.DPS for s in silicon.sensors.values()}
    for index, (x, y, z, gx, gy, gz) in rows["motion"]:
        count = round(x * 4096)
        assert (y, z) == (-2 / 4096, 1.0)
        assert (gx, gy, gz) == pytest.approx((-dps * count, 5 * dps, -7 * dps), abs=1e-4)
        assert index == count - round(rows["motion"][0][1][0] * 4096)
    n = min(len(rows["accelerometer"]), len(rows["motion"]))
    assert [(i, row[:3]) for i, row in rows["motion"][:n]] == rows["accelerometer"][:n]
    assert parse_stats(talk.request(Verb.STATS)).dropped == dict.fromkeys(range(len(names)), 0)
    assert not silicon.wrongs


@pytest.mark.parametrize("silicon", WITH_MOTION[:1], indirect=True)
def test_a_loss_of_the_shared_fifo_is_counted_in_both_streams(silicon: Silicon) -> None:
    talk = awake(silicon)
    talk.request(Verb.START, {1: [0, 1]})
    before = heard(talk, silicon, lambda r: len(r["motion"]) >= 20)
    (sensor,) = silicon.sensors.values()
    silicon.us += 10_000_000
    sensor.measured(round(10 * sensor.rate_hz()))
    after = heard(talk, silicon, lambda r: min(len(r["accelerometer"]), len(r["motion"])) >= 150)
    rows = {name: before[name] + after[name] for name in ("accelerometer", "motion")}
    jumps = {name: max(b[0] - a[0] for a, b in itertools.pairwise(found)) for name, found in rows.items()}
    assert jumps["accelerometer"] == jumps["motion"] > 9 * sensor.rate_hz()
    dropped = parse_stats(talk.request(Verb.STATS)).dropped
    assert dropped[0] == dropped[1] == jumps["motion"] - 1


REAL = [b for b in boards().values() if not b.virtual]
WITH_MICROPHONE = [b.id for b in REAL if {"microphone", "motion"} <= {s.name for s in b.streams}]
ANALOGUE = [b.id for b in REAL if any(part.driver == "pdm_analogue" for part in b.sensors)]


def counts(rows: Rows, silicon: Silicon) -> list[tuple[int, int]]:
    """(index as the board counts, as the microphone counts) of sound."""
    scale = next(s.scale for s in silicon.board.streams if s.name == "microphone")
    return [(i, round(value / scale)) for i, (value,) in rows]


@pytest.mark.parametrize("silicon", WITH_MICROPHONE, indirect=True)
def test_its_microphone_streams_beside_the_other_sensors(silicon: Silicon) -> None:
    assert isinstance(silicon, Nrf52 | Psoc62 | Stm32l4)
    talk = awake(silicon)
    for _ in range(2):  # and again after a stop
        talk.request(Verb.START)
        rows = heard(talk, silicon, lambda r: len(r["microphone"]) >= 10_000 and len(r["motion"]) >= 50)
        sound = counts(rows["microphone"], silicon)
        first = sound[0][1]
        assert all(heard == (i, (first + i) % 30_000) for i, heard in enumerate(sound))
        assert silicon.pdm.rate_hz() == pytest.approx(16_000)
        assert not any(parse_stats(talk.request(Verb.STATS)).dropped.values())
        talk.request(Verb.STOP)
        talk.pump()  # the last, short frames
        assert not silicon.pdm.running
    assert not silicon.wrongs


#: One of each kind of chip: a filter that fills blocks, and rings that a DMA fills.
LOSING = [
    next(b for b in WITH_MICROPHONE if CHIPS[b][0] is chip)
    for chip in dict.fromkeys(CHIPS[b][0] for b in WITH_MICROPHONE)
]


@pytest.mark.parametrize("silicon", LOSING, indirect=True)
def test_sound_that_nobody_fetched_in_time_is_counted_to_the_sample(silicon: Silicon) -> None:
    talk = awake(silicon)
    id = [s.name for s in silicon.board.streams].index("microphone")
    talk.request(Verb.START, {1: [id]})
    sound = counts(heard(talk, silicon, lambda r: len(r["microphone"]) >= 3000)["microphone"], silicon)
    for pause_us in (50_000, 70_000, 300_000, 900_000):
        silicon.us += pause_us
        sound += counts(heard(talk, silicon, lambda r: len(r["microphone"]) >= 3000)["microphone"], silicon)
    first = sound[0][1]
    assert all(value == (first + i) % 30_000 for i, value in sound)
    jumps = [b[0] - a[0] - 1 for a, b in itertools.pairwise(sound) if b[0] - a[0] > 1]
    assert len(jumps) >= 2 and sum(jumps) > 0.25 * 16_000
    assert parse_stats(talk.request(Verb.STATS)).dropped[id] == sum(jumps)
    assert not silicon.wrongs


def teeth(rows: Rows) -> list[int]:
    """Where a saw-tooth falls, by the board's count; its level is not kept."""
    return [b[0] for a, b in itertools.pairwise(rows) if b[1][0] < a[1][0] - PERIOD * 4 / 32768 / 2]


@pytest.mark.parametrize("rate_hz", [4000.0, 16000.0])
@pytest.mark.parametrize("silicon", ANALOGUE, indirect=True)
def test_its_analogue_microphone_streams_around_zero_and_counts_what_it_loses(
    silicon: Silicon, rate_hz: float, tmp_path: Path
) -> None:
    board = silicon.board
    stream = replace(next(s for s in board.streams if s.name == "microphone"), rate_hz=rate_hz)
    built = finish(build(None, stream, board, tmp_path))
    silicon = Nrf52(board, flash_with(board, built.bin.read_bytes()), (Lsm303agr(),))
    talk = awake(silicon)
    id = [s.name for s in board.streams].index("microphone")
    talk.request(Verb.START, {1: [id, 0]})
    rows = heard(talk, silicon, lambda r: len(r["microphone"]) >= 6000)["microphone"]
    assert silicon.saadc.rate_hz() == rate_hz
    assert abs(np.mean([v for _, (v,) in rows[-2000:]])) < PERIOD * 4 / 32768 / 20  # of a tooth's height
    silicon.us += round(3000 * 1e6 / rate_hz)
    rows += heard(talk, silicon, lambda r: len(r["microphone"]) >= 3000)["microphone"]
    assert len(teeth(rows)) >= 8 and not any((b - a) % PERIOD for a, b in itertools.pairwise(teeth(rows)))
    lost = sum(b[0] - a[0] - 1 for a, b in itertools.pairwise(rows))
    assert 1000 < lost == parse_stats(talk.request(Verb.STATS)).dropped[id]
    talk.request(Verb.STOP)
    assert not silicon.saadc.running and not silicon.wrongs


WITH_RADAR = [b.id for b in boards().values() if any(s.kind == "radar" for s in b.streams)]


@pytest.mark.parametrize("silicon", WITH_RADAR, indirect=True)
def test_its_radar_streams_whole_frames_and_counts_those_it_loses(silicon: Silicon) -> None:
    """Frame k begins with k and goes on from there, so a chirp or a byte out of its place would show."""
    assert isinstance(silicon, Psoc62)
    radar, talk = silicon.radar, awake(silicon)
    id = [s.name for s in silicon.board.streams].index("radar")
    talk.request(Verb.START, {1: [id]})
    rows = heard(talk, silicon, lambda r: len(r["radar"]) >= 30)["radar"]
    silicon.us += 5_000_000
    rows += heard(talk, silicon, lambda r: len(r["radar"]) >= 30)["radar"]
    for _, frame in rows:
        counted = [round(v * 2048) + 2048 for v in frame]
        assert counted == [(counted[0] + i) % 4096 for i in range(512)]
    slips = [(b[0] - a[0], round((b[1][0] - a[1][0]) * 2048)) for a, b in itertools.pairwise(rows)]
    (jump,) = [pair for pair in slips if pair != (1, 1)]
    assert 95 <= jump[1] <= 115 and abs(jump[0] - jump[1]) <= 3  # by the clock, as it ran over nobody knows when
    assert parse_stats(talk.request(Verb.STATS)).dropped[id] == jump[0] - 1
    assert radar.rate_hz() == pytest.approx(silicon.board.streams[id].rate_hz, rel=0.003)
    assert not silicon.wrongs
    talk.request(Verb.STOP)
    assert not radar.running


def test_it_takes_a_model_over_its_link_and_answers_as_this_computer(silicon: Silicon) -> None:
    stream = silicon.board.streams[0]
    talk = awake(silicon)
    done = finish(flash(talk, image(silicon.board.id, "cnn", stream).bin))
    assert done["verified"]
    windows = raw_windows(3)
    assert finish(verify(talk, graph("cnn"), stream, windows))["equal"] == 3
    assert not silicon.wrongs


def six_axis_graph() -> Graph:
    """Statistics of six channels and a few random trees."""
    n_features = Statistics().shape((64, 6))[0]
    rng = np.random.default_rng(3)
    trees = pack([random_tree(rng, n_features, 3, depth) for depth in (3, 4)])
    nodes = (Node(Statistics(), (WINDOW,), "features"), Node(trees, (0,), "logits"), Node(Normalize(), (1,), "scores"))
    return Graph(("x", "y", "z", "gx", "gy", "gz"), 104.0, 64, 32, nodes, ("a", "b", "c"))


@pytest.fixture
def listening(tmp_path: Path) -> tuple[Silicon, Talk]:
    """A board whose model listens to six axes."""
    board = boards()["xiao-nrf52840-sense"]
    stream = next(s for s in board.streams if s.name == "motion")
    built = finish(build(six_axis_graph(), stream, board, tmp_path))
    silicon = Nrf52(board, flash_with(board, built.bin.read_bytes()), (Lsm6dsl(),))
    return silicon, awake(silicon)


def test_a_model_on_six_axes_answers_as_this_computer(listening: tuple[Silicon, Talk]) -> None:
    """On stored windows; and on its sensor, also while only its answers are asked for."""
    silicon, talk = listening
    stream = next(s for s in silicon.board.streams if s.name == "motion")
    windows = np.random.default_rng(1).normal(0, [1, 1, 1, 90, 90, 90], (3, 64, 6)).astype("<f4")
    assert finish(verify(talk, six_axis_graph(), stream, windows))["equal"] == 3
    hello = talk.hello()
    assert hello.model is not None
    talk.request(Verb.START, {1: [hello.model.decision_id]})
    answers: list[int] = []
    while len(answers) < 3:
        answers += [p.seq for p in talk.pump() if p.type == Type.SAMPLES]
    assert answers[:3] == [0, 1, 2]
    assert not silicon.wrongs


def test_the_accelerometer_goes_on_when_motion_begins_and_ends_beside_it(listening: tuple[Silicon, Talk]) -> None:
    """The part changes over with every turn; what that costs is counted, give or take the row under way."""
    silicon, talk = listening
    hello = talk.hello()
    assert hello.model is not None
    talk.request(Verb.START, {1: [0, hello.model.decision_id]})
    (sensor,) = silicon.sensors.values()
    rows: list[tuple[int, int]] = []
    for source, gyroscope in ((0, True), (1, False), (0, True), (1, False)):
        talk.request(Verb.SET, {1: "source", 2: source})
        assert bool(sensor.registers[0x11]) == gyroscope
        rows += streamed(talk, 60)
    assert all(b[0] > a[0] for a, b in itertools.pairwise(rows))
    slips = [(b[1] - a[1]) - (b[0] - a[0]) for a, b in itertools.pairwise(rows)]
    assert all(abs(slip) <= 1 for slip in slips) and sum(map(abs, slips)) <= 4
    assert not silicon.wrongs


def test_every_real_board_is_modelled() -> None:
    assert {b.id for b in boards().values() if not b.virtual} == set(CHIPS)
