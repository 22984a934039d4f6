"""A model of a boot loader behind a pseudo terminal or a TCP port, with faults on the wire.

A pseudo terminal has no speed: `Wire.seconds_at` tells what the bytes would take at a baud rate.
"""

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from typing import Any, Protocol

CHUNK = 4096


class Model(Protocol):
    """Bytes in, bytes out."""

    out: Callable[[bytes], None]

    def feed(self, data: bytes) -> None: ...


class Wire:
    """`cut_after` bytes to the model the cable goes; `flip_at` is the byte to the model whose lowest bit is damaged.

    `flip_back_at` is the same for bytes from the model. `bytes_in` and `bytes_out` count both ways. `when` is what
    happens, once, after so many bytes to the model.
    """

    def __init__(
        self,
        model: Model,
        cut_after: int | None = None,
        flip_at: int | None = None,
        flip_back_at: int | None = None,
        silent: bool = False,
        when: tuple[int, Callable[[], None]] | None = None,
    ) -> None:
        self.when = when
        self.model, self.cut_after, self.flip_at, self.flip_back_at = model, cut_after, flip_at, flip_back_at
        self.silent = silent
        self.bytes_in = self.bytes_out = 0
        model.out = self._send
        self._thread = threading.Thread(target=self._run, daemon=True)

    place = ""

    def __enter__(self) -> "Wire":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.cut()
        self._thread.join(5.0)

    def seconds_at(self, baud: int, bits: int = 11) -> float:
        """What the bytes of both directions take on a wire, one after the other; 8E1 has 11 bits."""
        return (self.bytes_in + self.bytes_out) * bits / baud

    def cut(self) -> None:
        """The cable goes."""
        raise NotImplementedError

    def _read(self) -> bytes:
        raise NotImplementedError

    def _write(self, data: bytes) -> None:
        raise NotImplementedError

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._read():
                self._taken(bytearray(data))

    def _taken(self, data: bytearray) -> None:
        first = self.bytes_in
        self.bytes_in += len(data)
        if self.flip_at is not None and first <= self.flip_at < self.bytes_in:
            data[self.flip_at - first] ^= 1
        if self.when is not None and self.bytes_in >= self.when[0]:
            self.when[1]()
            self.when = None
        if self.cut_after is not None and self.bytes_in >= self.cut_after:
            self.model.feed(bytes(data[: max(self.cut_after - first, 0)]))
            self.cut()
        elif not self.silent:
            self.model.feed(bytes(data))

    def _send(self, data: bytes) -> None:
        if self.flip_back_at is not None and self.bytes_out <= self.flip_back_at < self.bytes_out + len(data):
            damaged = bytearray(data)
            damaged[self.flip_back_at - self.bytes_out] ^= 1
            data = bytes(damaged)
        self.bytes_out += len(data)
        with contextlib.suppress(OSError):
            self._write(data)


class Terminal(Wire):
    """A pseudo terminal: any program takes it for a serial port. Not on Windows."""

    def __init__(self, model: Model, **faults: Any) -> None:
        import tty

        super().__init__(model, **faults)
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.place = os.ttyname(self._theirs)
        self._lock = threading.Lock()

    def _read(self) -> bytes:
        import select

        while self._ours >= 0:
            if select.select([self._ours], [], [], 0.05)[0]:
                return os.read(self._ours, CHUNK)
        return b""

    def _write(self, data: bytes) -> None:
        while data and self._ours >= 0:
            data = data[os.write(self._ours, data) :]

    def cut(self) -> None:
        with self._lock:
            ours, theirs, self._ours, self._theirs = self._ours, self._theirs, -1, -1
        for end in (theirs, ours):
            if end >= 0:
                os.close(end)


class Tcp(Wire):
    """socket://: for systems without pseudo terminals."""

    def __init__(self, model: Model, **faults: Any) -> None:
        super().__init__(model, **faults)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.place = f"socket://127.0.0.1:{self._door.getsockname()[1]}"
        self._peer: socket.socket | None = None

    def _read(self) -> bytes:
        while True:
            if self._peer is None:
                self._peer, _ = self._door.accept()
                self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            data = self._peer.recv(CHUNK)
            if data:
                return data
            self._peer.close()
            self._peer = None  # the next program may come

    def _write(self, data: bytes) -> None:
        if self._peer is not None:
            self._peer.sendall(data)

    def cut(self) -> None:
        for end in (self._peer, self._door):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
