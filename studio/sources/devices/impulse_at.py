"""A device with Edge Impulse's AT firmware: it samples into memory and hands over a signed CBOR file."""

import base64
import hashlib
import hmac

import cbor2

from studio.data.stream import Floats
from studio.sources.devices.device import Device
from studio.sources.fault import Frame

KEY = "fed53116f20684c067774ebf9e7bcbdc"
PROMPT = b"\r\n> "


class ImpulseAtDevice(Device):
    """One sensor, named by its stream."""

    _heard = b""
    _interval_ms, _length_ms = 10.0, 1000.0
    _done_s: float | None = None
    _first_index = 0
    _file = b""

    def hear(self, data: bytes, now_s: float) -> None:
        *lines, self._heard = (self._heard + data)[-4096:].split(b"\r")
        for line in lines:
            self._command(line.strip().decode("ascii", "replace"), now_s)

    def _command(self, line: str, now_s: float) -> None:
        name, _, text = line.partition("=")
        if line.endswith("AT+CONFIG?"):
            self._reply(self._config())
        elif name == "AT+SAMPLESETTINGS":
            _, interval, length = text.split(",")[:3]
            self._interval_ms, self._length_ms = float(interval), float(length)
            self._reply("OK")
        elif name == "AT+SAMPLESTART":
            self.answer(b"Starting in 0 ms... (or until all flash was erased)\r\nSampling...\r\n")
            self._first_index = round(now_s * self.stream.rate_hz)
            self._done_s = now_s + self._length_ms / 1000
        elif name == "AT+READBUFFER":
            self._send_file()
        else:
            self._reply("" if line in ("", "b") else "Not a valid AT command (see AT+HELP)")

    def _reply(self, text: str) -> None:
        self.answer(text.encode() + PROMPT)

    def _send_file(self) -> None:
        n = round(self._length_ms / self._interval_ms)
        self.answers.append(Frame(base64.b64encode(self._file) + b"\r\n", self._first_index, n, self.noise))
        self._reply("OK")

    def due(self, now_s: float) -> list[Frame]:
        if self._done_s is not None and now_s >= self._done_s:
            self._done_s, self._file = None, self._sampled()
            end = f"Done sampling\r\nProcessing...\r\nFile name: /fs/s\r\nUsed buffer, from=0, to={len(self._file)}."
            self._reply(end)
        return super().due(now_s)

    def _sampled(self) -> bytes:
        rows = self.in_unit(self.at(self._first_index, round(self._length_ms / self._interval_ms)))
        return signed_file(self.stream.channels, self.stream.unit, 1000 / self.told_hz, rows)

    def _config(self) -> str:
        most_s = 60
        sensor = f"Name: {self.stream.name}, Max sample length: {most_s}s, Frequencies: [{self.told_hz:.2f}Hz]"
        parts = ["===== Device info =====", "ID: 00:11", "Type: SIMULATED", "AT Version: 1.8.0", ""]
        parts += ["===== Sensors =====", sensor, "", "===== Sampling parameters =====", f"HMAC key: {KEY}"]
        return "\r\n".join(parts)


def signed_file(names: tuple[str, ...], unit: str, interval_ms: float, rows: Floats) -> bytes:
    """Their CBOR file, as their firmware writes it."""
    head = cbor2.dumps({"ver": "v1", "alg": "HS256"})
    sensors = cbor2.dumps([{"name": n, "units": unit} for n in names])
    zeros = b"0" * 64
    file = b"\xa3" + cbor2.dumps("protected") + head + cbor2.dumps("signature") + b"\x78\x40" + zeros
    file += cbor2.dumps("payload") + b"\xa4" + cbor2.dumps("device_type") + cbor2.dumps("SIMULATED")
    file += cbor2.dumps("interval_ms") + cbor2.dumps(float(interval_ms)) + cbor2.dumps("sensors") + sensors
    file += cbor2.dumps("values") + b"\x9f" + b"".join(cbor2.dumps([float(v) for v in row]) for row in rows) + b"\xff"
    signature = hmac.new(KEY.encode(), file, hashlib.sha256).hexdigest().encode()
    return file.replace(zeros, signature, 1)
