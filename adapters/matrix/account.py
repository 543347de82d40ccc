"""Signs the bot in: creates the login once and restores it later, so that the bot stays one device with one set of
keys.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from nio import ErrorResponse, KeysClaimResponse, KeysQueryResponse, Response
from nio.client.async_client import AsyncClient, AsyncClientConfig

from adapters.matrix.api import TIMEOUT_SECONDS, MatrixRefusal, NoAnswer, api_path, call_api
from adapters.matrix.cross_signing import (
    CROSS_SIGNING_FILE,
    ForeignKeys,
    check_foreign_keys,
    device_of,
    ensure_cross_signing,
    look_up_foreign_keys,
)
from adapters.matrix.files import SecretFolder
from adapters.matrix.options import MatrixSettings
from flows.messages import Room

LOGIN_FILE: Final = "login.json"
_KEYS: Final = "signed_curve25519"
"""The algorithm of one-time keys."""
_MOST_KEYS: Final = 1000
"""More one-time keys than any homeserver stores for a device."""
_NAME_LENGTH: Final = 10
_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


class ChannelProblem(Exception):
    """The channel cannot work. The text tells the operator the problem and the remedy; it never holds a secret."""


class MatrixClient(AsyncClient):
    """nio's client without its own retries and waits; it saves new keys before it publishes them."""

    def __init__(self, options: MatrixSettings, store: Path) -> None:
        # store_sync_tokens stays off: nio would remember a sync before we have stored what it brought.
        config = AsyncClientConfig(max_limit_exceeded=0, max_timeouts=0, request_timeout=TIMEOUT_SECONDS)
        super().__init__(options.homeserver, options.user_id, "", str(store), config)
        self.user_id = options.user_id
        self.found_rooms: dict[str, Room] = {}
        """The cached privacy of rooms (`rooms.room_privacy`)."""
        self._wants_fallback = False

    def note_keys(self, sync: Mapping[str, Any]) -> None:
        """Records the number of one-time keys left on the homeserver, as reported by a sync.

        nio reads "none" as "not reported", and would never upload keys again.
        """
        assert self.olm is not None  # noqa: S101 - for the type checker: encryption is always on
        counts, unused = sync.get("device_one_time_keys_count"), sync.get("device_unused_fallback_key_types")
        if isinstance(counts, Mapping):
            count = counts.get(_KEYS, 0)
            self.olm.uploaded_key_count = count if isinstance(count, int) else 0
        self._wants_fallback = isinstance(unused, list) and _KEYS not in unused

    async def close(self) -> None:
        """Closes connections and store; the next request opens them again."""
        if self.store is not None:
            self.store.database.close()
        await super().close()  # type: ignore[no-untyped-call]

    async def upload_keys(self) -> None:
        """Uploads the missing keys of the device. Raises MatrixRefusal and NoAnswer.

        A homeserver that refuses them has other keys with the same ids: they were uploaded after the backup from which
        this installation was restored. Messages encrypted with those cannot be decrypted.
        """
        try:
            await self._upload_missing_keys()
        except MatrixRefusal as error:
            if error.status != 400:
                raise
            await self._take_back_keys()
            await self._upload_missing_keys()

    async def _upload_missing_keys(self) -> None:
        """Saves the keys before the upload: nio saves them after the answer, and a crash in between would leave
        one-time keys without their private half, so that messages became unreadable.
        """
        assert self.olm is not None  # noqa: S101 - for the type checker: encryption is always on
        keys = self.olm.share_keys() if self.should_upload_keys else {}
        if self._wants_fallback:
            keys["fallback_keys"] = self._fallback_key()
        if keys:
            self.olm.save_account()
            counts = await call_api(self, "POST", api_path("keys", "upload"), keys)
            self.olm.account.shared, self._wants_fallback = True, False
            self.olm.uploaded_key_count = counts.get("one_time_key_counts", {}).get(_KEYS, 0)
            self.olm.mark_keys_as_published()
            self.olm.save_account()

    async def _take_back_keys(self) -> None:
        """Removes all one-time keys of the device from the homeserver by claiming them."""
        assert self.olm is not None  # noqa: S101 - as above
        me, device = self.user_id, str(self.device_id)
        for _ in range(_MOST_KEYS):
            body = {"one_time_keys": {me: {device: _KEYS}}}
            answer = await call_api(self, "POST", api_path("keys", "claim"), body)
            found = answer.get("one_time_keys", {}).get(me, {}).get(device, {})
            if not found or any(key.get("fallback") for key in found.values()):
                break
        self.olm.uploaded_key_count, self._wants_fallback = 0, True

    def _fallback_key(self) -> dict[str, Any]:
        """Uploads the fallback key, which the homeserver returns when no one-time key is left: otherwise first messages
        of new senders could not be decrypted while the bot is offline. nio does not support it, but decrypts messages
        encrypted with it.
        """
        assert self.olm is not None  # noqa: S101 - as above
        account: Any = self.olm.account._account
        if not account.fallback_key:
            account.generate_fallback_key()
        key = {"key": next(iter(account.fallback_key.values())).to_base64(), "fallback": True}
        signature = self.olm.sign_json(key)
        signed = key | {"signatures": {self.user_id: {f"ed25519:{self.device_id}": signature}}}
        return {f"{_KEYS}:{next(iter(account.fallback_key))}": signed}

    async def query_keys(self, people: Collection[str]) -> None:
        """Requests the devices of these users. Raises MatrixRefusal and NoAnswer."""
        body: dict[str, Any] = {"device_keys": {person: [] for person in people}}
        answer = await call_api(self, "POST", api_path("keys", "query"), body)
        await self._take(KeysQueryResponse.from_dict(answer))

    async def claim_keys(self, devices: Mapping[str, Iterable[str]]) -> None:
        """Claims one-time keys of devices to which the bot has not written before. Raises MatrixRefusal and
        NoAnswer.
        """
        body = {person: dict.fromkeys(names, _KEYS) for person, names in devices.items()}
        answer = await call_api(self, "POST", api_path("keys", "claim"), {"one_time_keys": body})
        await self._take(KeysClaimResponse.from_dict(answer))

    async def keys_claim(self, user_set: dict[str, Iterable[str]]) -> KeysClaimResponse:
        """Does nothing: nio calls it while it shares a key, where a refusal would lock the room permanently."""
        return KeysClaimResponse({}, {})

    async def _take(self, response: Response | ErrorResponse) -> None:
        if isinstance(response, ErrorResponse):
            raise NoAnswer("keys not understood")
        await self.receive_response(response)


def _check_login(login: dict[str, Any], options: MatrixSettings, store: SecretFolder) -> None:
    """Raises ChannelProblem if the store belongs to another account or device than the settings."""
    if login and login.get("user_id") != options.user_id:
        raise ChannelProblem(
            f"the store {store.path} is that of {login.get('user_id')}: give {options.user_id} a folder of its own"
        )
    if options.device_id and login.get("device_id", options.device_id) != options.device_id:
        raise ChannelProblem(
            f"the store {store.path} is that of another device than device_id: set the right one, or a new store"
        )


async def sign_in(client: MatrixClient, options: MatrixSettings, store: SecretFolder) -> None:
    """Restores the login, or creates it at the first start; uploads and signs the keys of the device.

    Raises ChannelProblem, CipherError, Refusal and NoAnswer.
    """
    await is_homeserver(client)
    login = store.read(LOGIN_FILE) or {}
    _check_login(login, options, store)
    token = options.access_token.get_secret_value() or login.get("access_token", "")
    if token:
        client.access_token = token
        device = await _device_of_token(client, options, login)
    else:
        device = options.device_id or login.get("device_id") or _new_device()
    # Stored before the login: after a crash the next attempt uses the same device id.
    login = {"user_id": options.user_id, "device_id": device, "access_token": login.get("access_token", "")}
    store.write(LOGIN_FILE, login)
    if not client.access_token:
        client.access_token = await _log_in(client, options, device)
        store.write(LOGIN_FILE, login | {"access_token": client.access_token})
    _open_store(client, device, store)
    try:
        await _publish_keys(client, store)
    except ForeignKeys:
        if not options.access_token.get_secret_value():
            await _leave_no_device(client, store)
        raise ChannelProblem(
            f"{client.user_id} has cross-signing keys of another client, so people would not trust the bot: put "
            f"{CROSS_SIGNING_FILE} back from your backup, or reset the account's identity in that client"
        ) from None


async def _leave_no_device(client: MatrixClient, store: SecretFolder) -> None:
    """Signs out the device that this start signed in with the password: it would stay there without a signature."""
    await call_api(client, "POST", api_path("logout"), {})
    client.access_token = ""
    forget_token(store)


async def is_homeserver(client: AsyncClient) -> list[str]:
    """Checks the versions that the homeserver supports. Raises ChannelProblem and NoAnswer."""
    try:
        versions = (await call_api(client, "GET", "/_matrix/client/versions")).get("versions")
    except MatrixRefusal:
        versions = None
    if not isinstance(versions, list):
        raise ChannelProblem(f"{client.homeserver} is no Matrix homeserver: check homeserver")
    return [str(version) for version in versions]


def forget_token(store: SecretFolder) -> None:
    """Deletes the stored access token; the device and its keys remain."""
    login = store.read(LOGIN_FILE)
    if login:
        store.write(LOGIN_FILE, login | {"access_token": ""})


def _device_of_password(options: MatrixSettings, login: dict[str, Any]) -> str:
    """Returns the device for a new login with the password, where the homeserver revoked the token."""
    if options.access_token.get_secret_value() or not options.password.get_secret_value():
        raise ChannelProblem(
            f"the homeserver does not accept the token of {options.user_id}: set a new access_token"
        ) from None
    return options.device_id or str(login.get("device_id") or _new_device())


async def _device_of_token(client: MatrixClient, options: MatrixSettings, login: dict[str, Any]) -> str:
    """Returns the device of the token. Deletes a revoked token if a password can replace it."""
    try:
        me = await call_api(client, "GET", api_path("account", "whoami"))
    except MatrixRefusal as error:
        if not error.is_signed_out:
            raise
        client.access_token = ""
        return _device_of_password(options, login)
    if me.get("user_id") != options.user_id:
        raise ChannelProblem(f"the access_token is not that of {options.user_id}: check user_id")
    device = str(me.get("device_id", ""))
    wanted = options.device_id or str(login.get("device_id") or device)
    if not device or device != wanted:
        raise ChannelProblem("the access_token is that of another device: set the one of this store, or a new store")
    return device


async def _log_in(client: MatrixClient, options: MatrixSettings, device: str) -> str:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": options.user_id},
        "password": options.password.get_secret_value(),
        "device_id": device,
        "initial_device_display_name": options.display_name,
    }
    try:
        answer = await call_api(client, "POST", api_path("login"), body)
    except MatrixRefusal as error:
        if error.code not in {"M_FORBIDDEN", "M_USER_DEACTIVATED", "M_UNKNOWN", "M_INVALID_USERNAME"}:
            raise
        raise ChannelProblem(f"the homeserver does not let {options.user_id} in: check user_id and password") from None
    if answer.get("user_id") != options.user_id:
        raise ChannelProblem(f"the homeserver calls this account {answer.get('user_id')}: set that as user_id")
    return str(answer["access_token"])


def _open_store(client: MatrixClient, device: str, store: SecretFolder) -> None:
    if client.olm is None:
        try:
            client.restore_login(client.user_id, device, client.access_token)
        except OSError:
            raise
        except Exception as error:  # for any error of a damaged file the remedy is to restore it
            raise ChannelProblem(f"the keys in {store.path} cannot be read: put them back from your backup") from error
        store.hide()


async def _publish_keys(client: MatrixClient, store: SecretFolder) -> None:
    """Uploads the device's keys if the homeserver has none, and signs them. Raises ForeignKeys before any upload."""
    assert client.olm is not None  # noqa: S101 - for the type checker: encryption is always on
    device = str(client.device_id)
    known = await look_up_foreign_keys(client)
    there = device_of(known, client.user_id, device)
    ours = client.olm.account.identity_keys["ed25519"]
    theirs = there.get("keys", {}).get(f"ed25519:{device}")
    if theirs and theirs != ours:
        raise ChannelProblem(
            f"the keys in {store.path} are not those of device {device}: put the right ones back from your backup, "
            "or sign this device out in another client and give the bot a new store"
        )
    check_foreign_keys(known, client.user_id, store)
    if not theirs:
        client.olm.account.shared = False  # a deleted device is created again under its id, without keys
    await client.upload_keys()
    await ensure_cross_signing(client, store)


def _new_device() -> str:
    return "MITSPRACHE" + "".join(secrets.choice(_LETTERS) for _ in range(_NAME_LENGTH))
