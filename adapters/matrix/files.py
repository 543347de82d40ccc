"""Small encrypted files, readable by their owner only and replaced atomically."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from adapters.base import CipherError, TextCipher

_SEALED: Final = "sealed"


class SecretFolder(NamedTuple):
    """The channel's folder for encrypted files."""

    path: Path
    cipher: TextCipher

    def prepare(self) -> None:
        """Creates the folder, readable by its owner only, and encrypts files that earlier versions stored as plain
        text. Raises OSError and CipherError.
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for file in self.path.glob("*.json"):
            content = _json_of(file)
            if content and _SEALED not in content:
                self.write(file.name, content)

    def reencrypt(self) -> None:
        """Re-encrypts the files with the newest key. Raises OSError and CipherError."""
        for file in sorted(self.path.glob("*.json")):
            content = self.read(file.name)
            if content is not None:
                self.write(file.name, content)

    def hide(self) -> None:
        """Removes the access rights of other users from the files. Raises OSError."""
        for file in self.path.iterdir():
            file.chmod(0o600)

    def read(self, name: str) -> dict[str, Any] | None:
        """Returns the decrypted content; None if there is no file or an empty one. Raises CipherError, naming the file,
        if it was encrypted with another key.
        """
        content = _json_of(self.path / name)
        if content is None or _SEALED not in content:
            return content
        try:
            unsealed: dict[str, Any] = json.loads(self.cipher.decrypt(str(content[_SEALED])))
        except CipherError as error:
            raise CipherError(f"{self.path / name}: {error}") from error
        return unsealed

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Encrypts the content, replaces the file atomically and durably. Raises OSError and CipherError."""
        sealed = {_SEALED: self.cipher.encrypt(json.dumps(content))}
        file = self.path / name
        new = self.path / f"{name}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(sealed, stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(file)
        folder = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _json_of(file: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found if isinstance(found, dict) else None
