"""The queue of frames in front of the link, with a link that opens and closes at will."""

import ctypes

import pytest

from studio.data.wire import Decoder, Packet
from studio.graph.host import EXPORT, compile_shared
from studio.paths import STUBS

ROOM = 1 << 16
DOOR = f"""#include "board.h"
#include "queue.h"
{EXPORT}
static uint8_t sent[{ROOM}];
static int32_t n_sent, room;
static uint64_t now_us;

int32_t board_write(const uint8_t *bytes, int32_t n)
{{
    if (n > room)
        n = room;
    for (int32_t i = 0; i < n; i++)
        sent[n_sent++] = bytes[i];
    room -= n;
    return n;
}}
uint64_t board_time_us(void) {{ return now_us++; }}
void board_idle(int32_t writing) {{ (void)writing; now_us += 10000; }}

API void open_link(int32_t bytes) {{ room = bytes; }}
API int32_t link_sent(uint8_t *to) {{
    const int32_t n = n_sent;
    for (int32_t i = 0; i < n; i++)
        to[i] = sent[i];
    n_sent = 0;
    return n;
}}
API void put_samples(int32_t stream, int32_t rows, uint32_t seq, const uint8_t *bytes, int32_t n)
{{
    queue_samples(&(struct wire_header){{WIRE_SAMPLES, (uint8_t)stream, (uint16_t)rows, seq, 0}}, bytes, n);
}}
API void put_control(uint32_t seq, const uint8_t *bytes, int32_t n)
{{
    queue_control(&(struct wire_header){{WIRE_REPLY, 0, 0, seq, 0}}, bytes, n);
}}
API int32_t pump(void) {{ return queue_pump(); }}
API int32_t takes_control(void) {{ return queue_takes_control(); }}
API uint32_t dropped(int32_t stream) {{ return queue_dropped(stream); }}
API void forget(void) {{ queue_forget(); }}
"""


class Queue:
    """A fresh queue with a closed link."""

    def __init__(self, name: str) -> None:
        files = [STUBS / "runtime" / f"{n}.c" for n in ("queue", "wire")] + [STUBS / "kernels" / "freestanding.c"]
        door = f"/* {name} */\n{DOOR}"  # a library of its own, and with it variables of its own
        self.c = ctypes.CDLL(str(compile_shared("queue", files, {"door.c": door}, [STUBS / "runtime"])))
        self.decoder = Decoder()

    def samples(self, stream: int, seq: int, n: int = 200, rows: int = 10) -> None:
        self.c.put_samples(stream, rows, seq, bytes([seq % 251 + 1]) * n, n)

    def arrived(self, room: int = ROOM) -> list[Packet]:
        """What comes once the link takes `room` bytes."""
        self.c.open_link(room)
        self.c.pump()
        self.c.open_link(0)
        buffer = ctypes.create_string_buffer(ROOM)
        n = self.c.link_sent(buffer)
        return self.decoder.feed(buffer.raw[:n])


@pytest.fixture
def queue(request: pytest.FixtureRequest) -> Queue:
    return Queue(request.node.name)


def test_frames_leave_in_the_order_they_came(queue: Queue) -> None:
    queue.samples(0, 1)
    queue.c.put_control(2, b"", 0)
    queue.samples(1, 3)
    queue.c.put_control(4, b"", 0)
    assert queue.c.pump() == 1
    assert [p.seq for p in queue.arrived()] == [1, 2, 3, 4]
    assert queue.c.pump() == 0


def test_the_oldest_samples_go_and_are_counted_by_stream(queue: Queue) -> None:
    for i in range(100):
        queue.samples(i % 2, i)
    packets = queue.arrived()
    kept = [p.seq for p in packets]
    assert kept[0] == 0  # already on its way when the others came
    assert kept[1:] == list(range(kept[1], 100)) and kept[1] > 40
    lost = set(range(100)) - set(kept)
    assert queue.c.dropped(0) == 10 * len([i for i in lost if i % 2 == 0])
    assert queue.c.dropped(1) == 10 * len([i for i in lost if i % 2 == 1])
    queue.c.forget()
    assert queue.c.dropped(0) == 0


def test_answers_are_not_dropped_for_samples(queue: Queue) -> None:
    queue.c.put_control(7, b"answer", 6)
    for i in range(200):
        queue.samples(0, i)
    packets = queue.arrived()
    assert (packets[0].seq, packets[0].payload) == (7, b"answer")


def test_a_frame_that_left_in_part_is_finished_whatever_happens(queue: Queue) -> None:
    """Bytes of every frame that begins are followed by its own rest, at any cut."""
    for i in range(60):
        queue.samples(0, i)
        queue.arrived(37)
    got = [queue.arrived(101) for _ in range(200)]
    seqs = [p.seq for packets in got for p in packets]
    assert queue.decoder.bad_packets == 0
    assert seqs == sorted(seqs) and seqs[-1] == 59


def test_without_room_for_an_answer_no_command_should_be_taken(queue: Queue) -> None:
    assert queue.c.takes_control()
    queue.c.put_control(0, b"x" * 900, 900)  # goes to the link's door
    queue.c.put_control(1, b"x" * 900, 900)
    assert queue.c.takes_control()
    queue.c.put_control(2, b"x" * 900, 900)
    assert not queue.c.takes_control()
    queue.c.put_control(3, b"x" * 900, 900)  # waits a second, then the oldest that still waits makes way
    assert [p.seq for p in queue.arrived()] == [0, 2, 3]


def test_forgetting_keeps_answers(queue: Queue) -> None:
    queue.c.put_control(1, b"", 0)
    queue.samples(0, 2)
    queue.c.put_control(3, b"", 0)
    queue.c.forget()
    assert [p.seq for p in queue.arrived()] == [1, 3]
