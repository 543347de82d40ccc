"""Signs the bot's device with cross-signing keys of its own account (Matrix specification, "Cross-signing").

Clients that exclude unsigned devices neither decrypt messages of an unsigned bot nor share keys with it. matrix-nio
does not support cross-signing, so this module has the required steps: three Ed25519 keys; the master key signs the
other two, the self-signing key signs the device. The seeds are stored encrypted. Without them the bot gets a new
identity, which clients show as a warning; with stolen ones an attacker can impersonate the bot.
"""

from __future__ import annotations

import base64
import os
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from nio.api import Api
from nio.client.async_client import AsyncClient

from adapters.matrix.api import MatrixRefusal, api_path, call_api
from adapters.matrix.files import SecretFolder

CROSS_SIGNING_FILE: Final = "cross_signing.json"
USAGES: Final = ("master", "self_signing", "user_signing")
_SEED_BYTES: Final = 32

Keys = dict[str, Ed25519PrivateKey]


class ForeignKeys(Exception):
    """The account has cross-signing keys of another client."""


def load_signing_keys(store: SecretFolder) -> Keys | None:
    """Loads the bot's own keys; returns None if there are none yet. Raises CipherError."""
    seeds = store.read(CROSS_SIGNING_FILE)
    if seeds is None:
        return None
    return {usage: Ed25519PrivateKey.from_private_bytes(base64.b64decode(seeds[usage])) for usage in USAGES}


def public_signing_keys(key: Ed25519PrivateKey) -> str:
    """Returns the public key in Matrix notation: base64 without padding."""
    return _base64(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))


def sign(thing: dict[str, Any], user: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """Returns the object with a signature of this key (Matrix specification, "Signing JSON")."""
    bare = {name: value for name, value in thing.items() if name not in {"signatures", "unsigned"}}
    signature = _base64(key.sign(Api.to_canonical_json(bare).encode()))
    signatures = {name: dict(by) for name, by in thing.get("signatures", {}).items()}
    signatures.setdefault(user, {})[f"ed25519:{public_signing_keys(key)}"] = signature
    return bare | {"signatures": signatures}


async def look_up_foreign_keys(client: AsyncClient) -> dict[str, Any]:
    """Returns the public keys of the account at the homeserver. Raises Refusal and NoAnswer."""
    body: dict[str, Any] = {"device_keys": {client.user_id: []}}
    return await call_api(client, "POST", api_path("keys", "query"), body)


def is_signed(known: dict[str, Any], user: str, device: str, keys: Keys) -> bool:
    """Whether the device carries the signature of the bot's own self-signing key."""
    signatures = device_of(known, user, device).get("signatures", {}).get(user, {})
    return f"ed25519:{public_signing_keys(keys['self_signing'])}" in signatures


def device_of(known: dict[str, Any], user: str, device: str) -> dict[str, Any]:
    """Returns the device keys at the homeserver; empty if there are none."""
    found = known.get("device_keys", {}).get(user, {}).get(device, {})
    return found if isinstance(found, dict) else {}


def master_of(known: dict[str, Any], user: str) -> str:
    """Returns the account's public master key; "" if there is none."""
    keys = known.get("master_keys", {}).get(user, {}).get("keys", {})
    return next(iter(keys.values()), "")


def check_foreign_keys(known: dict[str, Any], user: str, store: SecretFolder) -> None:
    """Raises ForeignKeys if the account has other keys than the store, CipherError if the store cannot be read."""
    keys, there = load_signing_keys(store), master_of(known, user)
    if there and (keys is None or public_signing_keys(keys["master"]) != there):
        raise ForeignKeys


async def ensure_cross_signing(client: AsyncClient, store: SecretFolder) -> None:
    """Creates, uploads and applies the keys, as far as that is not done yet. The keys of the device must be uploaded
    before. Raises ForeignKeys, CipherError, Refusal and NoAnswer.
    """
    user, device = client.user_id, str(client.device_id)
    known = await look_up_foreign_keys(client)
    check_foreign_keys(known, user, store)
    keys, there = load_signing_keys(store), master_of(known, user)
    if keys is None:
        seeds = {usage: base64.b64encode(os.urandom(_SEED_BYTES)).decode() for usage in USAGES}
        store.write(CROSS_SIGNING_FILE, seeds)  # stored before they are uploaded
        keys = {usage: Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed)) for usage, seed in seeds.items()}
    if not there:
        await call_api(client, "POST", api_path("keys", "device_signing", "upload"), _uploaded(user, keys))
    if not is_signed(known, user, device, keys):
        signed = sign(device_of(known, user, device), user, keys["self_signing"])
        answer = await call_api(client, "POST", api_path("keys", "signatures", "upload"), {user: {device: signed}})
        if answer.get("failures"):
            raise MatrixRefusal(400, "signature not taken")


def _uploaded(user: str, keys: Keys) -> dict[str, Any]:
    """Returns the three public keys, the second and third signed by the first.

    >>> key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    >>> uploaded = _uploaded("@b:x", dict.fromkeys(USAGES, key))
    >>> list(uploaded["master_key"]["keys"].values())
    ['O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik']
    """
    plain = {
        usage: {
            "user_id": user,
            "usage": [usage],
            "keys": {f"ed25519:{public_signing_keys(key)}": public_signing_keys(key)},
        }
        for usage, key in keys.items()
    }
    return {"master_key": plain["master"]} | {
        f"{usage}_key": sign(plain[usage], user, keys["master"]) for usage in USAGES[1:]
    }


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")
