"""MCUboot's second slot by the Simple Management Protocol, over serial or Bluetooth, with `smpclient`.

A program: `python -m studio.firmware.flashers.mcuboot`. The image is uploaded beside the one that runs, started on
trial, asked for its hash after the restart, and only then confirmed; without that MCUboot goes back by itself.

References: Zephyr, "SMP Groups: image management" (doc/services/device_mgmt/smp_groups/smp_group_1.rst); MCUboot,
docs/design.md (image header, TLVs, trial and revert).
"""

import asyncio
import hashlib
import logging
import struct
import time
from dataclasses import dataclass
from typing import Any

from studio.errors import FlashError, InputError
from studio.firmware.flashers.program import opener, run, tell_bytes
from studio.firmware.worker import tell

MAGIC, TLV_MAGIC, PROTECTED_MAGIC, TLV_SHA256 = 0x96F3B83D, 0x6907, 0x6908, 0x10
ANSWER_S, ERASE_S, CONNECT_S, SWAP_S, LOOK_S = 2.5, 40.0, 8.0, 60.0, 0.5
TRIES = 3
BLE = "ble:"
THING = "The board"


@dataclass(frozen=True)
class Image:
    """Version and SHA-256 of a file that MCUboot can start."""

    version: str
    sha: bytes
    content: bytes


def parse(content: bytes, name: str) -> Image:
    """InputError for what is no signed image, or a damaged one."""
    wrong = "is no image for MCUboot (no header)"
    step = "Name the signed image of your build: `zephyr.signed.bin`."
    if len(content) < 32 or struct.unpack_from("<I", content)[0] != MAGIC:
        raise InputError(name, wrong, step)
    _, _, head, protected, body, _, major, minor, revision, _ = struct.unpack_from("<IIHHIIBBHI", content)
    end = head + body + protected
    found = _tlvs(content, end)
    if found is None or TLV_SHA256 not in found:
        raise InputError(name, "is no image for MCUboot (no hash behind it)", step)
    sha = found[TLV_SHA256]
    if hashlib.sha256(content[:end]).digest() != sha:
        raise InputError(name, "is damaged: its hash does not fit", "Build it again.")
    return Image(f"{major}.{minor}.{revision}", sha, content)


def _tlvs(content: bytes, at: int) -> dict[int, bytes] | None:
    if len(content) < at + 4:
        return None
    magic, n = struct.unpack_from("<HH", content, at)
    if magic != TLV_MAGIC or len(content) < at + n:
        return None
    found, here = {}, at + 4
    while here + 4 <= at + n:
        kind, length = struct.unpack_from("<HH", content, here)
        found[kind] = content[here + 4 : here + 4 + length]
        here += 4 + length
    return found


class Board:
    """The conversation; it outlives restarts of the board."""

    def __init__(self, place: str, baud: int, answer_s: float = ANSWER_S, swap_s: float = SWAP_S) -> None:
        self.place, self.baud, self.answer_s, self.swap_s = place, baud, answer_s, swap_s
        self.client: Any = None

    async def connect(self, patience_s: float) -> None:
        """FlashError when nobody answers within `patience_s`."""
        deadline, said = time.monotonic() + patience_s, ""
        while True:
            self.client = self._client()
            try:
                await self.client.connect(CONNECT_S)
                await self.states()
                return
            except Exception as e:  # of pyserial, bleak, smpclient: all mean that it is not there yet
                said = _words(e)
                await self.close()
            tell(text="waiting for the board")
            if time.monotonic() > deadline and patience_s:
                seen = "does not come up with the new image"
                raise FlashError(THING, seen, "Restart it: its boot loader goes back to the image before.")
            if time.monotonic() > deadline:
                seen = f"does not answer on {self.place} ({said})"
                raise FlashError(THING, seen, "Check the port, and that its firmware has MCUmgr's SMP server.")
            await asyncio.sleep(LOOK_S)

    def _client(self) -> Any:
        from smpclient import SMPClient

        if self.place.startswith(BLE):
            from smpclient.transport.ble import SMPBLETransport

            return SMPClient(SMPBLETransport(), self.place.removeprefix(BLE), self.answer_s)
        from smpclient.transport.serial import SMPSerialTransport

        return SMPClient(SMPSerialTransport(baudrate=self.baud, exclusive=True), self.place, self.answer_s)

    async def close(self) -> None:
        try:
            await self.client.disconnect()
        except Exception:  # it may be gone already
            return

    async def ask(self, request: Any, what: str) -> Any:
        """FlashError when the board declines; a lost answer is asked for again."""
        from smpclient.generics import success

        for tried in range(1, TRIES + 1):
            try:
                answer = await self.client.request(request)
                break
            except TimeoutError:
                if tried == TRIES:
                    raise
        if not success(answer):
            raise FlashError(THING, f"declines {what} ({_declined(answer)})", "Flash again.")
        return answer

    async def states(self) -> list[Any]:
        """What its slots hold."""
        from smpclient.requests.image_management import ImageStatesRead

        return list((await self.ask(ImageStatesRead(), "to tell its images")).images)

    async def mark(self, sha: bytes, confirm: bool) -> list[Any]:
        """Start it on trial at the next restart; with `confirm`, keep it."""
        from smpclient.requests.image_management import ImageStatesWrite

        what = "to keep the image" if confirm else "the image"
        return list((await self.ask(ImageStatesWrite(hash=sha, confirm=confirm), what)).images)

    async def restart(self) -> None:
        """The answer may get lost on the way down."""
        from smpclient.requests.os_management import ResetWrite

        try:
            await self.client.request(ResetWrite())
        except Exception:
            await asyncio.sleep(LOOK_S)
        await self.close()
        await asyncio.sleep(LOOK_S)

    async def upload(self, content: bytes) -> None:
        """In the place of what the second slot held. A lost answer is no end: the board tells where it stands."""
        from smpclient.exceptions import SMPUploadError

        for tried in range(1, TRIES + 1):
            try:
                async for done in self.client.upload(
                    content, first_timeout_s=ERASE_S, subsequent_timeout_s=self.answer_s
                ):
                    tell_bytes("sending", done, len(content))
                return
            except SMPUploadError as e:
                raise FlashError(THING, f"declines the image ({_words(e)})", "Flash again.") from e
            except TimeoutError:
                if tried == TRIES:
                    raise


async def put(board: Board, image: Image) -> dict[str, Any]:
    """Upload, try, confirm. FlashError tells which image runs."""
    before = await board.states()
    running = next((s for s in before if s.active), None)
    if running is not None and bytes(running.hash or b"") == image.sha:
        if not running.confirmed:
            await board.mark(image.sha, confirm=True)
        return _told(image, before)
    await board.upload(image.content)
    there = await board.states()
    if not any(bytes(s.hash or b"") == image.sha for s in there if not s.active):
        raise FlashError(THING, "does not hold the image that was sent", "The image before still runs. Flash again.")
    await board.mark(image.sha, confirm=False)
    tell(text="restarting into the new image, on trial")
    await board.restart()
    await board.connect(board.swap_s)
    await _insist(board, image)
    tell(text="keeping the new image")
    after = await board.mark(image.sha, confirm=True)
    if not any(s.active and s.confirmed and bytes(s.hash or b"") == image.sha for s in after):
        raise FlashError(
            THING, "runs the new image but does not keep it", "It goes back at its next start. Flash again."
        )
    return _told(image, after)


async def _insist(board: Board, image: Image) -> None:
    running = next((s for s in await board.states() if s.active), None)
    if running is None or bytes(running.hash or b"") != image.sha:
        seen = f"did not start the new image: its boot loader runs {running.version if running else 'none'}"
        step = "The image before is back. Sign it with the key of this board's boot loader, for this board."
        raise FlashError(THING, seen, step)


async def revert(board: Board) -> dict[str, Any]:
    """The image in the other slot, tried and confirmed."""
    states = await board.states()
    other = next((s for s in states if not s.active and s.hash), None)
    if other is None:
        raise FlashError(THING, "keeps no other image", "Flash the image that you want.")
    await board.mark(bytes(other.hash), confirm=False)
    await board.restart()
    await board.connect(board.swap_s)
    image = Image(other.version, bytes(other.hash), b"")
    await _insist(board, image)
    return _told(image, await board.mark(image.sha, confirm=True))


def _told(image: Image, states: list[Any]) -> dict[str, Any]:
    kept = any(not s.active and s.hash for s in states)
    return {"bytes": len(image.content), "version": image.version, "sha256": image.sha.hex(), "previous_kept": kept}


def program(request: dict[str, Any]) -> dict[str, Any]:
    """{"place", "baud", "parts": [[0, image]] or "revert"} -> {"bytes", "version", "sha256", "previous_kept"}."""
    logging.getLogger("smpclient").setLevel(logging.CRITICAL)
    return asyncio.run(_program(request))


async def _program(request: dict[str, Any]) -> dict[str, Any]:
    image = None if "revert" in request else parse(bytes.fromhex(request["parts"][0][1]), "The file")
    if not request["place"].startswith(BLE):
        opener(request).open_line(request["place"]).close()  # says better than smpclient what is wrong with a port
    times = request.get("patience_s", ANSWER_S), request.get("swap_s", SWAP_S)
    board = Board(request["place"], request.get("baud", 115_200), *times)
    tell(text="asking the board for its images")
    await board.connect(0.0)
    try:
        return await (revert(board) if image is None else put(board, image))
    except (InputError, FlashError):
        raise
    except Exception as e:
        seen = f"fell silent ({_words(e)})"
        raise FlashError(THING, seen, "What ran before still runs, or is back at its next start. Flash again.") from e
    finally:
        await board.close()


def _words(e: Exception) -> str:
    if isinstance(e, TimeoutError):
        return "no answer in time"
    if "mismatched SHA256" in str(e):
        return "what arrived is not what was sent"
    return " ".join((str(e) or type(e).__name__).split())[:160]


def _declined(answer: Any) -> str:
    error = getattr(answer, "err", None)
    code = getattr(error, "rc", None) if error is not None else getattr(answer, "rc", None)
    return f"{getattr(code, 'name', code)}{': ' + answer.rsn if getattr(answer, 'rsn', None) else ''}"


if __name__ == "__main__":
    run(program)
