"""Checks of a Matrix account for `doctor`. They change nothing and never sign in with a password."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from aiohttp import ClientError

from adapters.base import CipherError, Finding
from adapters.matrix.account import LOGIN_FILE, ChannelProblem, MatrixClient, is_homeserver
from adapters.matrix.api import MatrixRefusal, NoAnswer, api_path, call_api
from adapters.matrix.cross_signing import (
    is_signed,
    load_signing_keys,
    look_up_foreign_keys,
    master_of,
    public_signing_keys,
)
from adapters.matrix.files import SecretFolder
from adapters.matrix.options import MatrixSettings

MOST_SKEW_SECONDS: Final = 60.0


async def account_findings(options: MatrixSettings, store: SecretFolder) -> AsyncIterator[Finding]:
    """Yields the findings on homeserver, clock, login, trust and limits, in the order in which a start needs them."""
    client = MatrixClient(options, store.path)
    try:
        async for finding in _look(client, options, store):
            yield finding
    except (ChannelProblem, CipherError) as error:
        yield Finding(False, str(error))
    except NoAnswer as error:
        where = options.homeserver
        words = f"{where} does not answer as a Matrix homeserver ({error}): see that it is up, check homeserver"
        yield Finding(False, words)
    except MatrixRefusal as error:
        yield Finding(False, f"{options.homeserver} refuses ({error})")
    except OSError:
        yield Finding(False, f"the store {store.path} cannot be read: check its rights")
    finally:
        await client.close()


async def _look(client: MatrixClient, options: MatrixSettings, store: SecretFolder) -> AsyncIterator[Finding]:
    versions = await is_homeserver(client)
    yield Finding(True, f"homeserver {options.homeserver} answers, up to {versions[-1] if versions else '?'}")
    yield await _clock(client)
    login = store.read(LOGIN_FILE) or {}
    token = options.access_token.get_secret_value() or login.get("access_token", "")
    if not token:
        yield Finding(
            True, f"{options.user_id} will be signed in at the first start, which says whether the password is right"
        )
        return
    client.access_token = token
    try:
        me = await call_api(client, "GET", api_path("account", "whoami"))
    except MatrixRefusal as error:
        if not error.is_signed_out:
            raise
        remedy = "the next start signs in again" if options.password.get_secret_value() else "set a new access_token"
        yield Finding(False, f"the login of {options.user_id} does not count any more: {remedy}")
        return
    device = str(me.get("device_id", ""))
    is_ours = me.get("user_id") == options.user_id and device == login.get("device_id", device)
    yield Finding(is_ours, f"signed in as {me.get('user_id')}" if is_ours else "the token is not that of this store")
    yield await _trust(client, options.user_id, device, store)
    yield await _limits(client, options)


async def _clock(client: MatrixClient) -> Finding:
    """Compares this machine's clock with the Date header of the homeserver."""
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


async def _trust(client: MatrixClient, user: str, device: str, store: SecretFolder) -> Finding:
    client.user_id = user
    known = await look_up_foreign_keys(client)
    keys = load_signing_keys(store)
    if keys is None or master_of(known, user) != public_signing_keys(keys["master"]):
        return Finding(
            False, f"the account's keys are not those of {store.path}: people may not be able to read the bot"
        )
    if not is_signed(known, user, device, keys):
        return Finding(False, "the device is not signed yet: the next start does it")
    return Finding(True, f"device signed; master key to publish: {public_signing_keys(keys['master'])}")


async def _limits(client: MatrixClient, options: MatrixSettings) -> Finding:
    """Yields the rate limit of the account. Only an administrator may query it at Synapse; others get a hint."""
    where = f"/_synapse/admin/v1/users/{options.user_id}/override_ratelimit"
    try:
        limit: dict[str, Any] = await call_api(client, "GET", where)
    except (MatrixRefusal, NoAnswer):
        return Finding(True, "limits of the account cannot be seen from here: lift them as docs/operate/matrix.md says")
    is_lifted = limit.get("messages_per_second") == 0 and limit.get("burst_count") == 0
    words = "no limit on messages" if is_lifted else "messages are limited: lift it as docs/operate/matrix.md says"
    return Finding(is_lifted, words)
