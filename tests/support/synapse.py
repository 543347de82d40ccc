"""Starts a real Matrix homeserver for tests: Synapse on loopback, without federation, once per run.

    async def test_something(homeserver):
        anna = await homeserver.user("anna")          # id, password, device and token

`running` starts another one, for a test that breaks it or needs other rate limits.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.interop.needed import python_of_peers

NAME = "city.test"
START_SECONDS = 60
_numbers = count(1)


def _rates(per_second: float, burst: int) -> dict[str, Any]:
    """Limits for everything that Synapse limits and a test does."""
    rate = {"per_second": per_second, "burst_count": burst}
    return {
        "rc_message": rate,
        "rc_registration": rate,
        "rc_admin_redaction": rate,
        "rc_room_creation": rate,
        "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), rate),
        "rc_joins": dict.fromkeys(("local", "remote"), rate),
        "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), rate),
    }


class User(NamedTuple):
    """An account, signed in on one device."""

    user_id: str
    password: str
    device_id: str
    token: str


class NotTaken(AssertionError):
    """The homeserver refused a request of a test."""


@dataclass
class Synapse:
    """A running homeserver. `admin` is the access token of an administrator."""

    url: str
    secret: str
    folder: Path
    command: list[str]
    process: subprocess.Popen[bytes]
    admin: str = ""

    async def user(self, name: str, *, is_admin: bool = False) -> User:
        """A new account, signed in; a number makes its name a new one for each test."""
        return await asyncio.to_thread(self.make_user, f"{name}{next(_numbers)}", is_admin=is_admin)

    def make_user(self, name: str, *, is_admin: bool = False) -> User:
        where, password = "/_synapse/admin/v1/register", secrets.token_hex(8)
        nonce = self.ask("GET", where)["nonce"]
        words = [nonce, name, password, "admin" if is_admin else "notadmin"]
        mac = hmac.digest(self.secret.encode(), "\0".join(words).encode(), "sha1").hex()
        body = {"nonce": nonce, "username": name, "password": password, "admin": is_admin, "mac": mac}
        made = self.ask("POST", where, body)
        return User(made["user_id"], password, made["device_id"], made["access_token"])

    async def lift_limits(self, user_id: str) -> None:
        """What an administrator does for the account of a bot (docs/operate/matrix.md)."""
        where = f"/_synapse/admin/v1/users/{user_id}/override_ratelimit"
        await self.call("POST", where, {"messages_per_second": 0, "burst_count": 0}, token=self.admin)

    async def call(self, method: str, where: str, body: Any = None, *, token: str = "") -> Any:
        """One request. Raises NotTaken."""
        return await asyncio.to_thread(self.ask, method, where, body, token=token)

    def ask(self, method: str, where: str, body: Any = None, *, token: str = "") -> Any:
        """As `call`, for where there is no loop."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + where, data, method=method)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as fault:
            with fault:
                raise NotTaken(f"{method} {where}: {fault.code} {fault.read().decode()}") from None

    def start(self) -> None:
        """Starts it (again) on the same data and port; returns when it answers."""
        with (self.folder / "output.log").open("ab") as output:
            environment = os.environ | {"LC_ALL": "C.UTF-8"}
            self.process = subprocess.Popen(
                self.command, cwd=self.folder, stdout=output, stderr=output, env=environment
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                self.ask("GET", "/_matrix/client/versions")
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise RuntimeError((self.folder / "output.log").read_text(encoding="utf-8")[-2000:])

    def stop(self) -> None:
        self.resume()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def pause(self) -> None:
        """From now on it takes connections and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def running(folder: Path, *, has_default_limits: bool = False) -> Iterator[Synapse]:
    """A homeserver of its own, with its data in this folder. Skips where the peers are not there."""
    python, port, secret = python_of_peers(), _free_port(), secrets.token_hex(16)
    config = folder / "homeserver.yaml"
    settings = _settings(folder, port, secret) | ({} if has_default_limits else _rates(10_000, 10_000))
    config.write_text(json.dumps(settings), encoding="utf-8")  # JSON is YAML
    command = [str(python), "-m", "synapse.app.homeserver", "-c", str(config)]
    subprocess.run([*command, "--generate-keys"], cwd=folder, check=True, capture_output=True)
    server = Synapse(f"http://127.0.0.1:{port}", secret, folder, command, subprocess.Popen(["true"]))
    server.process.wait()
    server.start()
    try:
        server.admin = server.make_user("admin", is_admin=True).token
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """One homeserver for all tests of the run, without limits of speed."""
    with running(tmp_path_factory.mktemp("synapse")) as server:
        yield server


def _settings(folder: Path, port: int, secret: str) -> dict[str, Any]:
    listener = {
        "port": port,
        "type": "http",
        "bind_addresses": ["127.0.0.1"],
        "resources": [{"names": ["client", "media"], "compress": False}],
    }
    log = {
        "version": 1,
        "handlers": {"file": {"class": "logging.FileHandler", "filename": str(folder / "homeserver.log")}},
        "root": {"level": "WARNING", "handlers": ["file"]},
        "disable_existing_loggers": False,
    }
    (folder / "log.yaml").write_text(json.dumps(log), encoding="utf-8")
    return {
        "server_name": NAME,
        "pid_file": str(folder / "homeserver.pid"),
        "listeners": [listener],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "signing_key_path": str(folder / "signing.key"),
        "registration_shared_secret": secret,
        "report_stats": False,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "presence": {"enabled": False},
        "bcrypt_rounds": 4,  # passwords of tests need no protection, and accounts come by the dozen
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
