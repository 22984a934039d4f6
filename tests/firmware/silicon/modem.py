"""A model behind RFC 2217: what a pseudo terminal cannot carry, which is baud rate, parity, DTR and RTS.

The model may have `on_dtr`, `on_rts`, `on_baudrate`, `on_parity`; they are called when a line changes.
"""

import contextlib
import socket
import threading
from typing import Any

import serial.rfc2217

NAMES = ("baudrate", "parity", "dtr", "rts")


class Lines:
    """What pyserial's PortManager takes for an open port."""

    def __init__(self, model: Any) -> None:
        self.__dict__ |= {"model": model, "log": [], "baudrate": 115_200, "parity": "N", "dtr": False, "rts": False}
        self.__dict__ |= {"bytesize": 8, "stopbits": 1, "xonxoff": False, "rtscts": False, "dsrdtr": False}
        self.__dict__ |= {"break_condition": False, "cts": True, "dsr": True, "ri": False, "cd": True}

    def __setattr__(self, name: str, value: Any) -> None:
        changed = self.__dict__.get(name) != value
        self.__dict__[name] = value
        if changed and name in NAMES:
            self.log.append((name, value))
            getattr(self.model, f"on_{name}", lambda value: None)(value)

    def get_settings(self) -> dict[str, Any]:
        """As pyserial has it."""
        return {name: getattr(self, name) for name in ("baudrate", "bytesize", "parity", "stopbits")}

    def apply_settings(self, settings: dict[str, Any]) -> None:
        """Nothing to do."""

    def reset_input_buffer(self) -> None:
        """Nothing to do."""

    def reset_output_buffer(self) -> None:
        """Nothing to do."""


class Modem:
    """`with Modem(model) as modem:` serves it at `modem.place`, one client after the other."""

    def __init__(self, model: Any) -> None:
        self.model, self.lines = model, Lines(model)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.place = f"rfc2217://127.0.0.1:{self._door.getsockname()[1]}"
        self._peer: socket.socket | None = None
        self._writing = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Modem":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        for end in (self._peer, self._door):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        self._thread.join(5.0)

    def write(self, data: bytes) -> None:
        """To whoever is there; PortManager answers through it, too."""
        with self._writing, contextlib.suppress(OSError):
            if self._peer is not None:
                self._peer.sendall(bytes(data))

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._peer, _ = self._door.accept()
                self._peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._peer, contextlib.suppress(OSError):
                    self._serve(self._peer)

    def _serve(self, peer: socket.socket) -> None:
        port = serial.rfc2217.PortManager(self.lines, self)
        self.model.out = lambda data: self.write(b"".join(port.escape(bytes(data))))
        while data := peer.recv(4096):
            plain = b"".join(port.filter(data))
            if plain:
                self.model.feed(plain)
