# SPDX-License-Identifier: MIT OR Apache-2.0
"""The board's end of the link: a TCP port on this computer that one host at a time may open."""

import contextlib
import select
import socket
import time

#: Bytes that may wait in the board for the host; a link that is full is how the firmware learns of back-pressure.
ROOM = 16384


class Port:
    """`rx` came from the host, `tx` goes to it. With nobody there, what is sent is lost, as on a real UART."""

    def __init__(self) -> None:
        self.rx, self.tx = bytearray(), bytearray()
        self._host: socket.socket | None = None
        self._door = socket.create_server(("127.0.0.1", 0))
        self._door.setblocking(False)
        self.url = f"socket://127.0.0.1:{self._door.getsockname()[1]}"

    @property
    def connected(self) -> bool:
        """Whether a host has opened the port."""
        return self._host is not None

    @property
    def room(self) -> int:
        """How many bytes `send` may take now."""
        return ROOM - len(self.tx) if self._host else ROOM

    def send(self, data: bytes) -> None:
        """Queue bytes for the host; at most `room`."""
        if self._host:
            self.tx += data

    def take(self, n: int) -> bytes:
        """At most `n` bytes from the host."""
        data = bytes(self.rx[:n])
        del self.rx[:n]
        return data

    def pump(self, wait_s: float = 0.0) -> None:
        """Move bytes; wait up to `wait_s` for some to come or, when the port is full, to go."""
        reads = [self._host] if self._host and len(self.rx) < ROOM else [] if self._host else [self._door]
        writes = [self._host] if self._host and self.tx else []
        if not reads and not writes:  # which select refuses on Windows
            time.sleep(wait_s)
            return
        readable, writable, _ = select.select(reads, writes, [], wait_s)
        if not self._host:
            if readable:
                self._accept()
            return
        try:
            self._move(bool(readable), bool(writable))
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()

    def _accept(self) -> None:
        host, _ = self._door.accept()
        host.setblocking(False)
        host.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # Short, so that a host that does not read is felt by the firmware and not hidden in the system's buffers.
        host.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        self._host = host

    def _move(self, readable: bool, writable: bool) -> None:
        assert self._host is not None
        if writable:
            del self.tx[: self._host.send(self.tx)]
        if readable:
            data = self._host.recv(65536)
            if not data:
                raise ConnectionResetError
            self.rx += data

    def _hang_up(self) -> None:
        if self._host:
            with contextlib.suppress(OSError):
                self._host.close()
        self._host = None
        self.rx.clear()
        self.tx.clear()
