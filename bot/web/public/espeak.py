"""Speech synthesis with espeak-ng, where it is installed and a text has no recording."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import signal
from collections import OrderedDict
from contextlib import suppress
from typing import Final

from adapters.web.errors import RequestError

PROGRAM: Final = "espeak-ng"
VOICES: Final = {tag: tag for tag in ("de", "en", "tr", "ar", "ru", "uk", "pl")} | {"de-simple": "de"}
"""Language → the voice that reads it."""
WORDS_A_MINUTE: Final = 150
SLOW: Final = {"de-simple": 120}
AT_ONCE: Final = 2
MOST_WAITING: Final = 8
SECONDS: Final = 10.0
LONGEST: Final = 2_000
"""The maximum number of characters that are read; about two minutes."""
LARGEST_SOUND: Final = 16 * 1024**2
LARGEST_MEMORY: Final = 32 * 1024**2


class Espeak:
    """Synthesises texts: a few at a time, with a time limit and a cache.

    >>> sound = await Espeak("/usr/bin/espeak-ng").read("Guten Tag.", "de")                  # doctest: +SKIP
    """

    def __init__(self, program: str) -> None:
        self._program = program
        self._free = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._sounds: OrderedDict[str, bytes] = OrderedDict()
        self._memory = 0

    @staticmethod
    def found() -> Espeak | None:
        """Returns the installed program, or None."""
        program = shutil.which(PROGRAM)
        return Espeak(program) if program else None

    def remembered(self, text: str, language: str) -> bytes | None:
        """Returns a cached sound."""
        key = _key(text, language)
        if key in self._sounds:
            self._sounds.move_to_end(key)
        return self._sounds.get(key)

    async def read(self, text: str, language: str) -> bytes:
        """Returns the text as a WAV file. Raises RequestError (`busy`: it failed; `too_many`: too many requests)."""
        if self._waiting >= MOST_WAITING:
            raise RequestError("too_many", SECONDS)
        self._waiting += 1
        try:
            async with self._free:
                return self.remembered(text, language) or await self._made(text, language)
        finally:
            self._waiting -= 1

    async def _made(self, text: str, language: str) -> bytes:
        try:
            async with asyncio.timeout(SECONDS):
                sound = complete_wav(await self._run(_shortened(text), language))
        except (TimeoutError, OSError) as error:
            raise RequestError("busy") from error
        self._sounds[_key(text, language)] = sound
        self._memory += len(sound)
        while self._memory > LARGEST_MEMORY:
            self._memory -= len(self._sounds.popitem(last=False)[1])
        return sound

    async def _run(self, text: str, language: str) -> bytes:
        # The text contains user input: it is passed through a pipe, where it cannot be an option of the program, and
        # the program gets no environment variable and no folder.
        pace = str(SLOW.get(language, WORDS_A_MINUTE))
        process = await asyncio.create_subprocess_exec(
            *(self._program, "-b", "1", "-v", VOICES[language], "-s", pace, "--stdin", "--stdout"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
        try:
            assert process.stdin is not None  # noqa: S101 - for the type checker: both are pipes
            assert process.stdout is not None  # noqa: S101
            with suppress(ConnectionError):
                process.stdin.write(text.encode())
                await process.stdin.drain()
            process.stdin.close()
            sound = bytearray()
            while chunk := await process.stdout.read(64 * 1024):
                sound += chunk
                if len(sound) > LARGEST_SOUND:
                    raise RequestError("busy")
            if await process.wait():
                raise RequestError("busy")
            return bytes(sound)
        finally:
            # The whole process group: child processes of the program hold the pipe as well.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if process.returncode is None:
                await process.wait()


def complete_wav(sound: bytes) -> bytes:
    """Fills in the lengths of a WAV file, which are unknown to a program that writes into a pipe. Raises
    RequestError.
    """
    if sound[:4] != b"RIFF" or sound[36:40] != b"data" or len(sound) <= 44:
        raise RequestError("busy")
    riff, data = ((len(sound) - size).to_bytes(4, "little") for size in (8, 44))
    return b"".join((sound[:4], riff, sound[8:40], data, sound[44:]))


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST].rpartition(" ")[0] or text[:LONGEST]


def _key(text: str, language: str) -> str:
    return hashlib.sha256(f"{language}/{text}".encode()).hexdigest()
