"""What each protocol's bytes mean: golden bytes where there are some, and the traps that each format sets."""

import base64
import json
from pathlib import Path
from typing import Any

import cbor2
import numpy as np
import pytest

from studio.errors import InputError
from studio.sources.clients import CLIENTS
from studio.sources.clients.acconeer import Acconeer, command
from studio.sources.clients.imagimob import Imagimob
from studio.sources.clients.impulse_at import ImpulseAt
from studio.sources.clients.nordic import Nordic, crc16, unwrap
from studio.sources.clients.numbers import EdgeImpulse, Numbers, Pace
from studio.sources.clients.protobuf import Message, field, fields, read_varint, unzigzag, varint, zigzag
from studio.sources.clients.raw import Raw
from studio.sources.clients.sensiml import SensimlV1, SensimlV2
from studio.sources.clients.tensor import Tensor
from studio.sources.devices.acconeer import recorded
from studio.sources.devices.impulse_at import KEY, signed_file
from studio.sources.devices.nordic import wrapped
from studio.sources.devices.sensiml import packet
from studio.sources.devices.tensor import delimited


@pytest.fixture(scope="session")
def vectors(shared: Path) -> dict[str, Any]:
    """Golden bytes of other people's protocols."""
    found: dict[str, Any] = json.loads((shared / "formats/vectors/vectors.json").read_text())
    return found


def offer(version: int, columns: int, per_packet: int) -> bytes:
    places = {f"c{i}": i for i in range(columns)}
    m = {"sample_rate": 100, "version": version, "samples_per_packet": per_packet, "column_location": places}
    return json.dumps(m).encode() + b"\r\n"


def values(chunks: list[Any]) -> list[list[float]]:
    return [row for c in chunks for row in c.values.tolist()]


# SensiML


def started(client: Any, description: bytes) -> Any:
    client.feed(description, 0)
    assert client.ready
    client.take()
    client.start(())
    return client


def test_sensiml_2_golden(vectors: dict[str, Any]) -> None:
    golden = vectors["ssi_v2"]
    data = bytes.fromhex(golden["hex"])
    client = started(SensimlV2(), offer(2, golden["columns"], golden["samples_per_packet"]))
    assert client.take() == b"connect"
    (chunk,) = client.feed(data, 5)
    assert chunk.values.tolist() == [[-10, -8, -2], [1003, 1020, 1300 + 3]] or chunk.values.shape == (2, 3)
    assert chunk.start == golden["seq"] * 2 and chunk.host_ns == 5 and client.bad == 0
    assert packet(0, golden["seq"], data[9:-1]) == data
    damaged = bytearray(data)
    damaged[12] ^= 4
    assert client.feed(bytes(damaged) + data, 6)[0].start == 14 and client.bad == 1


def test_sensiml_offers_that_were_on_their_way_are_no_samples() -> None:
    late = offer(1, 2, 6)
    client = started(SensimlV1(), late)
    for cut in (1, 5, len(late) - 1, len(late)):
        client.start(())
        assert client.feed(late[:cut], 0) == []
        assert values(client.feed(late[cut:] + b"\x01\x00\x02\x00", 0)) == [[1, 2]]
    client.stop()
    assert client.take().endswith(b"disconnect")


def test_sensiml_takes_the_newest_sequence_and_other_channels_are_left_out() -> None:
    client = started(SensimlV2(), offer(2, 1, 3))
    data = packet(0, 9, bytes(6)) + packet(1, 3, bytes(6)) + packet(0, 11, bytes(6))
    assert [c.start for c in client.feed(data, 0)] == [27, 33]


# Nordic


def test_nordic_golden(vectors: dict[str, Any]) -> None:
    assert crc16(b"123456789") == int(vectors["nordic_crc_check_123456789"], 16) == 0x6F91
    si, sd = (bytes.fromhex(vectors[k]["frame_hex"]) for k in ("nordic_si", "nordic_sd"))
    assert unwrap(si[:-1]) == vectors["nordic_si"]["decoded"] and unwrap(sd[:-1]) == vectors["nordic_sd"]["decoded"]
    client = Nordic()
    assert client.feed(sd, 0) == []  # not described yet
    (chunk,) = client.feed(si + sd, 7)
    stream = client.streams[0]
    assert (stream.rate_hz, stream.channels, client.board) == (100.0, ("ax", "ay", "az"), "demo")
    assert (chunk.start, chunk.device_us, chunk.values.tolist()) == (42, 420_000, [[0.5, -1.0, 9.75]])
    assert Nordic.detect(sd, b"") > 0.9 and client.bad == 0


def test_nordic_integers_are_millionths_and_the_producers_drops_are_told() -> None:
    client = Nordic()
    client.feed(wrapped("si", {"sid": 1, "hz": 50, "ch": 1, "ch_n": ["t"], "st": 0, "dr": 7, "name": "n"}), 0)
    (chunk,) = client.feed(wrapped("sd", {"seq": 2**32 - 1, "ts": 0, "val": [1_500_000]}), 0)
    assert chunk.values.tolist() == [[1.5]] and chunk.start == 2**32 - 1 and client.dropped == {"sensor": 7}
    assert client.feed(wrapped("sd", {"seq": 1, "ts": 0, "val": [1, 2]}), 0) == [] and client.bad == 1


# Imagimob


def imagimob(channels: str = "s16", shape: tuple[int, int] = (3, 1)) -> Imagimob:
    sensor = {"channel": 2, "type": "accelerometer", "datatype": channels, "shape": shape, "rates": [50, 100, 200]}
    about = {"device_name": "kit", "protocol_version": 1, "heartbeat_timeout": 6, "sensors": [sensor]}
    client = Imagimob({"rate": "100"})
    client.feed(json.dumps(about).encode() + b"\r\n", 0)
    return client


def test_imagimob_golden(vectors: dict[str, Any]) -> None:
    golden, client = vectors["imagimob_v1"], imagimob()
    client.start(())
    assert client.take() == golden["subscribe"].encode().replace(b"\n", b"").replace(b"\r", b"") + b"\r\n"
    one, trap = (bytes.fromhex(golden[k]) for k in ("packet_hex", "packet_with_embedded_crlf_hex"))
    found = client.feed(one + trap + one, 0)
    assert values(found) == [[-16], [255], [8], [13 + 256 * 0], [0], [1]][:0] + [
        [v] for p in (one, trap, one) for v in np.frombuffer(p[2:-2], "<i2").tolist()
    ]
    assert [c.start for c in found] == [0, 3, 6] and client.bad == 0
    assert client.choices[0].choices == ("50", "100", "200") and client.streams[0].rate_hz == 100


def test_imagimob_beats_its_heart_and_reads_errors() -> None:
    client = imagimob()
    client.tick(0.0)
    assert client.take() == b""
    client.start(())
    client.take()
    client.tick(100.0)
    client.tick(101.0)
    assert client.take() == b"heartbeat\r\n"
    client.tick(102.5)
    assert client.take() == b"heartbeat\r\n"
    assert client.feed(b"ERROR:no such rate\r\n", 0) == [] and client.log == ["ERROR:no such rate"]


def test_imagimob_finds_back_after_damage() -> None:
    client = imagimob(shape=(1, 2))
    client.start(())
    good = b"B2" + np.array([7, 8], "<i2").tobytes() + b"\r\n"
    assert values(client.feed(good[3:] + good + b"\x00\xff" + good, 0)) == [[7, 8], [7, 8]] and client.bad == 2


# Tensor streaming


def test_tensor_golden(vectors: dict[str, Any]) -> None:
    golden, client = {k: bytes.fromhex(v) for k, v in vectors["tsp_v2"].items()}, Tensor()
    assert Tensor.probe == golden["capabilities_all_tag5"]
    shape = field(2, 3) + field(3, b"x") + field(3, b"y") + field(3, b"z")
    stream = field(1, b"acc") + field(2, 2) + field(3, 4) + field(4, shape) + field(5, 100.0)
    device = field(1, 1) + field(4, 1) + field(6, stream)
    client.feed(delimited(1, field(1, field(2, b"kit") + field(5, 3000) + field(6, device))), 0)
    assert client.streams[0].channels == ("x", "y", "z") and client.board == "kit"
    client.start(())
    client.tick(50.0)
    client.stop()
    asked = client.take()
    assert asked == golden["start_dev1"] + golden["watchdog_reset"] + golden["stop_all"]
    (chunk,) = client.feed(golden["datachunk_dev1_stream0_2frames_frame1000_6xs16"], 0)
    assert chunk.values.tolist() == [[1, 2, 3], [4, 5, 6]] and chunk.start == 1000


def test_tensor_scales() -> None:
    shape = field(2, 1)
    q15 = field(1, b"a") + field(2, 2) + field(3, 10) + field(4, shape) + field(5, 10.0) + field(12, 3)
    d16 = field(1, b"b") + field(2, 2) + field(3, 13) + field(4, shape) + field(5, 10.0) + field(10, 0.5)
    d16_offset = d16.replace(b"b", b"c") + field(11, zigzag(-4))
    into = field(1, b"in") + field(2, 1) + field(3, 13) + field(4, shape) + field(5, 10.0)
    device = field(1, 3) + field(4, 1) + b"".join(field(6, s) for s in (q15, d16, d16_offset, into))
    client = Tensor()
    client.feed(delimited(1, field(1, field(6, device))), 0)
    a, b, c = client.streams
    assert a.scale == 8 / 32768 and a.dtype == "i16" and b.scale == 0.5 and c.dtype == "f32"
    (chunk,) = client.feed(delimited(4, field(1, 3) + field(2, 2) + field(3, 1) + field(5, b"\x06\x00")), 0)
    assert c.to_unit(chunk.values).tolist() == [[5.0]]  # (6 - -4) / 2


def test_tensor_options_are_shown_and_set_by_the_url() -> None:
    choice = field(1, 0) + field(2, 1) + field(3, b"2 g") + field(3, b"4 g")
    option = field(1, 8) + field(2, b"Range") + field(7, choice)
    stream = field(1, b"a") + field(2, 2) + field(3, 4) + field(4, field(2, 1)) + field(5, 10.0)
    device = field(1, 2) + field(4, 1) + field(5, option) + field(6, stream)
    client = Tensor({"2.8": "0"})
    client.feed(delimited(1, field(1, field(6, device))), 0)
    (shown,) = client.choices
    assert (shown.name, shown.title, shown.value, shown.choices) == ("2.8", "Range", "2 g", ("2 g", "4 g"))
    assert client.options.range == "2 g" and client.setting("range", "4 g") == ("2.8", "1")
    asked = Message(client.take()[1:]).messages(2)[0]
    value = asked.messages(2)[0]
    assert (asked.number(1), value.number(1), value.number(5)) == (2, 8, 0)


def test_protobuf() -> None:
    for value in (0, 1, 127, 128, 300, 2**32, 2**63):
        assert read_varint(varint(value)) == (value, len(varint(value)))
    assert [unzigzag(zigzag(v)) for v in (-(2**31), -1, 0, 1, 77)] == [-(2**31), -1, 0, 1, 77]
    assert Message(field(3, -5)).number(3) == -5 and Message(field(4, 1.5)).decimal(4) == 1.5
    for broken in (b"\x0a\x05ab", b"\x0b", b"\x80" * 11, b"\x00\x01"):
        with pytest.raises((ValueError, IndexError)):
            list(fields(broken))


# Acconeer


def radar(period: int = 100) -> Acconeer:
    client = Acconeer()
    client.begin()
    client.feed(b'{"status":"ok","system_info":{"rss_version":"v1","ticks_per_second":1000,"hw":"x"}}\n', 0)
    setup = {"tick_period": period, "metadata": [[{"frame_data_length": 2, "sweep_data_length": 2}]]}
    client.feed(json.dumps(setup).encode() + b"\n", 0)
    return client


def radar_frame(tick: int) -> bytes:
    body = np.array([tick & 0x7FFF, 2, 3, 4], "<i2").tobytes()
    return json.dumps({"result_info": [[{"tick": tick}]], "payload_size": 8}).encode() + b"\n" + body


def test_acconeer_golden(vectors: dict[str, Any]) -> None:
    golden, client = vectors["acconeer_a121"], radar()
    names = ("get_system_info", "get_sensor_info", "start_streaming", "stop_streaming")
    assert [command(n).decode() for n in names] == golden["cmds"][:4]
    message = bytes.fromhex(golden["result_message_hex"])
    assert (
        client.feed(message, 0) == []
        and client.feed(radar_frame(1334) + radar_frame(1434) + radar_frame(1534), 0) == []
    )
    chunks = client.feed(radar_frame(1634), 0)
    assert np.array_equal(chunks[0].values.reshape(-1, 2), golden["frame_IQ"])
    assert [c.start for c in chunks] == [0, 1, 2, 3, 4] and client.streams[0].kind == "radar"


def test_acconeer_ticks_wrap_and_tell_of_loss() -> None:
    client, start = radar(), 2**32 - 250
    ticks = [start + 100 * i for i in range(8) if i != 6]
    chunks = [c for t in ticks for c in client.feed(radar_frame(t % 2**32), 10**9)]
    assert [c.start for c in chunks] == [0, 1, 2, 3, 4, 5, 7] and client.bad == 0


def test_acconeer_reads_logs_and_errors_between_frames() -> None:
    client = radar()
    client.feed(b'{"status":"log","message":"hot"}\n{"status":"error","message":"no sensor"}\nnonsense\n', 0)
    assert client.log == ["hot", "no sensor"] and client.bad == 1


def test_acconeers_own_recordings_replay_bit_for_bit(shared: Path) -> None:
    import h5py

    path = shared / "data/radar_acconeer_samples/hand-motion-no-presence.h5"
    stream, rows = recorded(path)
    with h5py.File(path) as file:
        frames = file["sessions/session_0/group_0/entry_0/result/frame"][:]
    assert rows.shape == (130, 64 * 3 * 2) and stream.rate_hz == pytest.approx(10.0, abs=0.05)
    assert np.array_equal(rows[:, 0::2].reshape(frames.shape), frames["real"])
    assert np.array_equal(rows[:, 1::2].reshape(frames.shape), frames["imag"])


# Edge Impulse firmware


def test_impulse_at_golden_file(shared: Path, vectors: dict[str, Any]) -> None:
    file = (shared / "formats/vectors/ei_acquisition.cbor").read_bytes()
    client = ImpulseAt()
    client._key = vectors["ei_cbor"].get("hmac_key", vectors["ei_json"]["hmac_key"])
    assert client._signed(file) and client._take_file(file) and client.ready
    assert client.streams[0].channels == tuple(s["name"] for s in cbor2.loads(file)["payload"]["sensors"])
    damaged = bytearray(file)
    damaged[-3] ^= 1
    assert not client._signed(bytes(damaged))


def test_impulse_at_asks_again_for_a_damaged_file() -> None:
    client = ImpulseAt()
    client.begin()
    file = signed_file(("accX",), "m/s2", 10.0, np.array([[1.0], [2.0]], np.float32))
    config = "===== Sensors =====\r\nName: Acc, Max sample length: 60s, Frequencies: [50.00Hz, 100.00Hz]\r\n"
    used = f"Done sampling\r\nUsed buffer, from=0, to={len(file)}."
    text = base64.b64encode(file).decode()
    asked = [client.take()]
    for reply in ("", config + f"HMAC key: {KEY}", "OK", used, text[:-8], text.replace("A", "B", 1), text):
        client.feed(reply.encode() + b"\r\n> ", 0)
        asked.append(client.take())
    assert asked[:3] == [b"b\r", b"AT+CONFIG?\r", b"AT+SAMPLESETTINGS=studio,10,200\r"]
    assert asked[3] == b"AT+SAMPLESTART=Acc\r" and len(set(asked[4:7])) == 1 and client.bad == 2
    assert client.ready and client.streams[0].unit == "m/s2" and client.streams[0].rate_hz == 100


# Numbers


def numbers(client: Numbers, lines: str, each_s: float = 0.01) -> list[Any]:
    """Feed line by line, at a hundred a second."""
    found = []
    for i, line in enumerate(lines.splitlines(keepends=True)):
        found += client.feed(line.encode("latin-1"), round(i * each_s * 1e9))
    return found


@pytest.mark.parametrize(
    ("line", "expected", "names"),
    [
        ("1;-2.5;3e2", [1, -2.5, 300], None),
        ("1,5;2,5", [1.5, 2.5], None),
        ("ax: 0.5 ay: -1 az: 2", [0.5, -1, 2], ("ax", "ay", "az")),
        ("x=1,y=2", [1, 2], ("x", "y")),
        ("[1, 2, 3]", [1, 2, 3], None),
        ("  7\t8  ", [7, 8], None),
        (".5 | 5. | nan", [0.5, 5.0, np.nan], None),
    ],
)
def test_numbers_with_any_separator(line: str, expected: list[float], names: tuple[str, ...] | None) -> None:
    client = Numbers()
    found = numbers(client, f"{line}\n" * 130)
    assert np.array_equal(found[0].values[0], np.float32(expected), equal_nan=True)
    assert client.streams[0].channels == (names or tuple(f"c{i}" for i in range(len(expected))))
    assert client.streams[0].rate_hz == 100


def test_a_header_line_names_the_columns() -> None:
    client = Numbers()
    numbers(client, "1,2\ntime, temp\n" + "1,2\n" * 120)
    assert client.streams[0].channels == ("time", "temp")


def test_damaged_lines_keep_their_place_and_messages_have_none() -> None:
    client = EdgeImpulse({"channels": "accX,accY"})
    numbers(client, "1,2\n" * 110)
    client.start(())
    found = numbers(client, "9,9\n1,2\n3,\x80\n5\nERR: sensor is asleep\n7,8\n")
    assert [(c.start - found[0].start, c.values.tolist()) for c in found] == [(0, [[1, 2]]), (3, [[7, 8]])]
    assert client.bad == 2 and client.log == ["ERR: sensor is asleep"]
    assert client.streams[0].unit == "m/s2" and client.streams[0].kind == "accelerometer"


def test_the_pace_is_a_slope_not_a_count() -> None:
    pace = Pace()
    for i in range(40):
        pace.add(0 if i % 4 else 4, round(i * 1.02e9 / 20))  # bursts of four lines, at 19.6 a second
    assert pace.rate_hz == 20.0
    assert Numbers({"rate": "37"}).number("rate", 0.0) == 37.0
    with pytest.raises(InputError, match="rate"):
        Numbers({"rate": "fast"}).number("rate", 0.0)


# Raw


def test_raw_layouts() -> None:
    client = Raw({"layout": "<2hf", "rate": "10"})
    row = np.array([1, -2], "<i2").tobytes() + np.array([2.5], "<f4").tobytes()
    assert client.feed(row[:5], 0) == [] and values(client.feed(row[5:] + row, 0)) == [[1, -2, 2.5]] * 2
    big = Raw({"layout": ">hB", "rate": "10", "channels": "a,b"})
    assert values(big.feed(b"\x01\x02\x03", 0)) == [[258, 3]] and big.streams[0].channels == ("a", "b")
    assert Raw({"layout": "3h", "rate": "10"}).streams[0].dtype == "i16"
    for wrong in ({}, {"layout": "3h"}, {"layout": "3h", "rate": "0"}, {"layout": "3s", "rate": "1"}, {"rate": "1"}):
        with pytest.raises(InputError):
            Raw(wrong)
    with pytest.raises(InputError, match="bytes a sample"):
        Raw({"layout": "9999d", "rate": "1"})


def test_the_table() -> None:
    for name, client in CLIENTS.items():
        assert client.title and client.bauds and client.__doc__ and name.islower()
