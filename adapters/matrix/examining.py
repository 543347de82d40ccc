"""What `doctor` says about a Matrix account. Looks, and changes nothing: it never signs in with a password."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from aiohttp import ClientError

from adapters.base import CipherError, Finding
from adapters.matrix import account, api, cross_signing
from adapters.matrix.account import Client, Trouble
from adapters.matrix.files import Folder
from adapters.matrix.options import MatrixSettings

MOST_SKEW_SECONDS: Final = 60.0


async def findings(options: MatrixSettings, store: Folder) -> AsyncIterator[Finding]:
    """Homeserver, clock, login, trust and limits, in the order in which a start would need them."""
    client = Client(options, store.path)
    try:
        async for finding in _look(client, options, store):
            yield finding
    except (Trouble, CipherError) as fault:
        yield Finding(False, str(fault))
    except api.NoAnswer as fault:
        where = options.homeserver
        words = f"{where} does not answer as a Matrix homeserver ({fault}): see that it is up, check homeserver"
        yield Finding(False, words)
    except api.Refusal as fault:
        yield Finding(False, f"{options.homeserver} refuses ({fault})")
    except OSError:
        yield Finding(False, f"the store {store.path} cannot be read: check its rights")
    finally:
        await client.close()


async def _look(client: Client, options: MatrixSettings, store: Folder) -> AsyncIterator[Finding]:
    versions = await account.is_homeserver(client)
    yield Finding(True, f"homeserver {options.homeserver} answers, up to {versions[-1] if versions else '?'}")
    yield await _clock(client)
    login = store.read(account.FILE) or {}
    token = options.access_token.get_secret_value() or login.get("access_token", "")
    if not token:
        yield Finding(
            True, f"{options.user_id} will be signed in at the first start, which says whether the password is right"
        )
        return
    client.access_token = token
    try:
        me = await api.call(client, "GET", api.path("account", "whoami"))
    except api.Refusal as fault:
        if not fault.is_signed_out:
            raise
        remedy = "the next start signs in again" if options.password.get_secret_value() else "set a new access_token"
        yield Finding(False, f"the login of {options.user_id} does not count any more: {remedy}")
        return
    device = str(me.get("device_id", ""))
    is_ours = me.get("user_id") == options.user_id and device == login.get("device_id", device)
    yield Finding(is_ours, f"signed in as {me.get('user_id')}" if is_ours else "the token is not that of this store")
    yield await _trust(client, options.user_id, device, store)
    yield await _limits(client, options)


async def _clock(client: Client) -> Finding:
    """Compares this machine's clock with the date the homeserver puts on its answers."""
    try:
        response = await client.send("GET", "/_matrix/client/versions")
        response.release()
        there = parsedate_to_datetime(response.headers["Date"])
    except (ClientError, TimeoutError, OSError, KeyError, ValueError):
        return Finding(True, "the homeserver does not say what time it is")
    skew = abs((datetime.now(UTC) - there).total_seconds())
    if skew > MOST_SKEW_SECONDS:
        return Finding(False, f"clock differs from the homeserver's by {skew:.0f} s: set it, e.g. by NTP")
    return Finding(True, "clock agrees with the homeserver's")


async def _trust(client: Client, user: str, device: str, store: Folder) -> Finding:
    client.user_id = user
    known = await cross_signing.look_up(client)
    keys = cross_signing.load(store)
    if keys is None or cross_signing.master_of(known, user) != cross_signing.public(keys["master"]):
        return Finding(
            False, f"the account's keys are not those of {store.path}: people may not be able to read the bot"
        )
    if not cross_signing.is_signed(known, user, device, keys):
        return Finding(False, "the device is not signed yet: the next start does it")
    return Finding(True, f"device signed; master key to publish: {cross_signing.public(keys['master'])}")


async def _limits(client: Client, options: MatrixSettings) -> Finding:
    """Only an administrator may ask Synapse for the limit of an account; everybody else is told so."""
    where = f"/_synapse/admin/v1/users/{options.user_id}/override_ratelimit"
    try:
        limit: dict[str, Any] = await api.call(client, "GET", where)
    except (api.Refusal, api.NoAnswer):
        return Finding(True, "limits of the account cannot be seen from here: lift them as docs/matrix.md says")
    is_lifted = limit.get("messages_per_second") == 0 and limit.get("burst_count") == 0
    words = "no limit on messages" if is_lifted else "messages are limited: lift it as docs/matrix.md says"
    return Finding(is_lifted, words)
