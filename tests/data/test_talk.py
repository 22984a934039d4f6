"""Questions and answers: lost answers, other people's answers, refusals, silence."""

import pickle
import threading
import time

import numpy as np
import pytest

from studio.data.talk import Refused, Talk
from studio.data.wire import Packet, Status, Type, Verb, pack, unpack
from studio.errors import LinkError, ProtocolError
from tests.data.board import HELLO, ToyBoard, reply, until


def test_hello_and_a_request() -> None:
    talk = Talk(ToyBoard())
    assert talk.hello() == HELLO == talk.board
    assert talk.request(Verb.PING, {1: "echo"}) == "echo"


def test_a_board_that_never_answers() -> None:
    with pytest.raises(LinkError, match=r"toy:: it is open, but nothing answered for 0\.2 s\. Restart"):
        Talk(ToyBoard(lambda packet: [])).hello(0.2)


def test_a_device_that_speaks_something_else() -> None:
    board = ToyBoard(lambda packet: [])
    board.say(b"1,2,3\n\0")
    with pytest.raises(LinkError, match=r"none that the studio understands; it prints '1,2,3'"):
        Talk(board).hello(0.2)


def test_another_protocol_version() -> None:
    other = pack(unpack(HELLO.encode()) | {0: 9})
    with pytest.raises(ProtocolError, match="protocol version 9"):
        Talk(ToyBoard(lambda packet: [Packet(Type.HELLO, payload=other)])).hello()


def test_a_lost_answer_is_asked_for_again_only_when_harmless() -> None:
    def deaf_twice(packet: Packet) -> list[Packet]:
        return [reply(packet.seq, "third")] if len(board.asked) % 3 == 0 else []

    board = ToyBoard(deaf_twice)
    talk = Talk(board)
    assert talk.request(Verb.STATS, timeout_s=0.05) == "third"
    assert len({p.seq for p in board.asked}) == 1
    with pytest.raises(LinkError, match=r"no answer to WRITE in 0\.05 s"):
        talk.request(Verb.WRITE, {1: 0, 2: b""}, timeout_s=0.05)
    assert len(board.asked) == 4


def test_a_late_answer_goes_to_nobody() -> None:
    board = ToyBoard(lambda packet: [reply(packet.seq - 1, "old"), reply(packet.seq, "new")])
    talk = Talk(board)
    assert [talk.request(Verb.PING) for _ in range(3)] == ["new"] * 3
    board.say(Packet(Type.LOG, payload=b"only this"))
    assert [p.type for p in talk.pump()] == [Type.LOG] and talk.log[-1] == "only this"
    assert talk._answers == {}, "an answer that nobody waits for must not pile up"


def test_a_refusal_says_why_and_travels() -> None:
    talk = Talk(
        ToyBoard(lambda packet: [reply(packet.seq, None, Status.ADDRESS_NOT_ALLOWED, "the boot loader is there")])
    )
    with pytest.raises(Refused, match="refused ERASE: the boot loader is there") as caught:
        talk.request(Verb.ERASE, {1: 0, 2: 4096})
    assert pickle.loads(pickle.dumps(caught.value)).status == Status.ADDRESS_NOT_ALLOWED


@pytest.mark.parametrize("payload", [b"", b"\xff", pack({0: 99}), pack({}), pack({0: "no"})])
def test_an_answer_that_makes_no_sense(payload: bytes) -> None:
    talk = Talk(ToyBoard(lambda packet: [Packet(Type.REPLY, seq=packet.seq, payload=payload)]))
    with pytest.raises(Refused):
        talk.request(Verb.PING)


def test_samples_that_come_during_a_question_are_kept_in_order() -> None:
    samples = [Packet(Type.SAMPLES, 1, 1, i, 0, bytes(6)) for i in range(50)]
    board = ToyBoard(lambda packet: [*samples[:25], reply(packet.seq), *samples[25:]])
    talk, came = Talk(board), []
    talk.request(Verb.PING)
    while len(came) < 50:
        came += talk.pump()
    assert came == samples


def test_asking_while_another_thread_pumps() -> None:
    board = ToyBoard()
    talk, came, stop = Talk(board), [], threading.Event()

    def pump() -> None:
        while not stop.is_set():
            came.extend(talk.pump())

    reader = threading.Thread(target=pump)
    reader.start()
    for i in range(100):
        board.say(Packet(Type.SAMPLES, 1, 1, i, 0, bytes(6)))
        assert talk.request(Verb.PING, {1: i}) == i
    until(lambda: len(came) == 100)
    stop.set()
    reader.join()
    assert [p.seq for p in came] == list(range(100))


def test_a_link_that_breaks_ends_the_question_at_once() -> None:
    board = ToyBoard(lambda packet: [])
    talk = Talk(board)
    threading.Timer(0.05, board.close).start()
    with pytest.raises(LinkError, match="is closed"):
        talk.request(Verb.PING, timeout_s=60)


def test_inject_keeps_two_outstanding_and_sends_every_row() -> None:
    board, rows = ToyBoard(), np.arange(3000, dtype="<i2").reshape(-1, 3)
    talk = Talk(board)
    talk.hello()
    board.answer = lambda packet: []
    work = threading.Thread(target=talk.inject, args=(1, rows))
    work.start()
    for answered in range(-(-len(rows) // (1024 // 6))):
        until(lambda n=answered: len(board.asked) > n + 1)
        sent = board.asked[1:]
        time.sleep(0.01)  # a third one would come at once
        assert len(sent) <= len(board.asked[1:]) <= answered + 2
        board.say(reply(sent[answered].seq))
    work.join()
    sent = board.asked[1:]
    assert b"".join(p.payload for p in sent) == rows.tobytes()
    assert all(p.type == Type.INJECT and p.channel == 1 and len(p.payload) == p.count * 6 for p in sent)


def test_inject_that_is_not_taken() -> None:
    talk = Talk(ToyBoard(lambda packet: []))
    with pytest.raises(LinkError, match="were not taken"):
        talk.inject(1, np.zeros((4, 3), "<i2"), timeout_s=0.05)
