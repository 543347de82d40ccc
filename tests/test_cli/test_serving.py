"""The service as a process: what it makes, says, refuses, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from bot.cli.serving import single_instance
from tests.support.houses import copy_samples

ROOT = Path(__file__).parents[2]


class Service:
    """A running `python3 -m bot`. What it said so far is in `said`."""

    def __init__(self, *words: str, wrapped: Sequence[str] = (), **environment: str) -> None:
        self.process = subprocess.Popen(
            [*wrapped, sys.executable, "-m", "bot", *words],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""

    def until(self, words: str) -> None:
        assert self.process.stdout
        while words not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.said} {self.process.stderr and self.process.stderr.read()}"
            self.said += line

    @property
    def url(self) -> str:
        found = re.search(r"http://\S+/", self.said)
        assert found
        return found[0]

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Its exit code. The server alone would wait a minute for connections that are open."""
        self.process.send_signal(number)
        return self.process.wait(timeout=40)


@contextmanager
def serving(*words: str, wrapped: Sequence[str] = (), **environment: str) -> Iterator[Service]:
    service = Service(*words, wrapped=wrapped, **environment)
    try:
        service.until("Stop: Ctrl-C")
        yield service
    finally:
        service.process.kill()
        service.process.communicate()


def get(url: str) -> tuple[int, str, dict[str, str]]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as fault:
        with fault:
            return fault.code, fault.read().decode(), dict(fault.headers)


def talk(url: str) -> int:
    """A person begins; gives how that was answered, which takes until it is stored."""
    form = urllib.request.Request(f"{url}c/mein-kiez/start", data=b"lang=de", headers={"Origin": url.rstrip("/")})
    with suppress(urllib.error.HTTPError), urllib.request.urlopen(form, timeout=60) as answer:
        return int(answer.status)
    return 0


@pytest.fixture
def begun(sample_database: Path, tmp_path: Path) -> Path:
    """A data folder with a database that has the samples: to make it takes as long as a whole start afterwards."""
    copy_samples(sample_database, tmp_path / "mitsprache.db")
    return tmp_path


def test_a_first_start_makes_everything_and_says_how_to_go_on(tmp_path):
    data = tmp_path / "new" / "data"
    with serving("--data", str(data), "--port", "0") as service:
        lines = service.said.splitlines()
        assert lines[0].startswith("Mitsprache läuft: http://127.0.0.1:")
        assert f"python3 -m bot --data {data} play buergerhaushalt" in lines[0]
        assert lines[1].startswith("Mitsprache is running: ")
        assert "Samples to try out: buergerhaushalt, kiez-ideen, mein-kiez" in service.said
        team = f"For the team: {service.url}assist (python3 -m bot --data {data} staff add NAME --role facilitator)"
        assert team in service.said
        assert len(lines) <= 6
        assert get(f"{service.url}healthz")[:2] == (200, "ok\n")
        assert get(f"{service.url}readyz")[:2] == (200, "ready\n")
        status, page, headers = get(service.url)
        assert (status, "Mitsprache" in page) == (200, True)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Security-Policy" in headers
        assert get(f"{service.url}nothing")[0] == 404
        assert {path.name for path in data.iterdir()} >= {"mitsprache.db", "secret.key", "serve.lock"}
        assert [path.name for path in data.iterdir() if path.stat().st_mode & 0o077] == []
        assert data.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_quickly_and_in_good_order(begun, number):
    with serving("--data", str(begun), "--port", "0") as service:
        assert service.end(number) == 0
        out, err = service.process.communicate()
        assert "Finishing what was begun" in out
        assert "Traceback" not in err


def test_an_open_connection_does_not_hold_it_up(begun):
    with serving("--data", str(begun), "--port", "0") as service:
        port = int(service.url.rsplit(":", 1)[1].strip("/"))
        with socket.create_connection(("127.0.0.1", port)) as half:
            half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
            assert service.end() == 0


def test_a_taken_port_is_said_and_the_next_one_used(begun):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with serving("--data", str(begun), "--port", str(port)) as service:
            assert f"Port {port} is taken, so it is {service.url.rsplit(':', 1)[1].strip('/')}" in service.said
            assert get(f"{service.url}healthz")[0] == 200


def test_what_keeps_a_channel_from_working_is_said_in_a_sentence(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        config = tmp_path / "mitsprache.toml"
        section = (
            f"""[channels.town]\ntype = "telegram"\ntoken = "4711:{"x" * 35}"\nbase_url = "http://127.0.0.1:{{}}"\n"""
        )
        config.write_text(section.format(nobody.getsockname()[1]), encoding="utf-8")
        with serving("--config", str(config), "--data", str(tmp_path / "data"), "--port", "0") as service:
            service.until("[channels.town]: the Bot API cannot be reached: check the network and base_url")
            assert service.end() == 0


def test_lost_database_is_reported_with_a_remedy_and_its_return(begun):
    with serving("--data", str(begun), "--port", "0") as service:
        database = begun / "mitsprache.db"
        database.rename(begun / "away.db")
        service.until("database: The database cannot be reached")
        assert service.said.rstrip().endswith("What to do: check that it is a file in a folder this user may write to")
        code, words, _ = get(f"{service.url}readyz")
        assert (code, words) == (
            503,
            "The database cannot be reached; nothing of this work was written. "
            "What to do: check that it is a file in a folder this user may write to.\n",
        )
        (begun / "away.db").rename(database)
        service.until("database: works again")
        assert get(f"{service.url}readyz")[:2] == (200, "ready\n")
        assert service.end() == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="a small disk: only root can mount one")
def test_a_full_disk_is_not_ready_until_there_is_room_again(tmp_path):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], check=False).returncode != 0:
        pytest.skip("a small disk: this container may not mount one")
    try:
        with serving("--data", str(tmp_path), "--port", "0") as service:
            filling = tmp_path / "filling"
            with suppress(OSError), filling.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
            assert get(f"{service.url}readyz")[0] == 200, "nobody has noticed"
            with ThreadPoolExecutor() as beside:
                for _ in range(1000):
                    beside.submit(talk, service.url)
                service.until("database: There is no space left")
                beside.shutdown(wait=False, cancel_futures=True)
                code, words, _ = get(f"{service.url}readyz")
                assert (code, words.partition(" What to do: ")[2]) == (503, "make room on its disk.\n")
                filling.unlink()
                service.until("database: works again")
            assert get(f"{service.url}readyz")[:2] == (200, "ready\n")
            assert talk(service.url) == 200
            assert service.end() == 0
    finally:
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_an_output_that_nobody_reads_any_more_does_not_end_it(begun, unbuffered):
    with serving("--data", str(begun), "--port", "0", PYTHONUNBUFFERED=unbuffered) as service:
        url = service.url
        assert service.process.stdout
        service.process.stdout.close()
        (begun / "mitsprache.db").rename(begun / "away.db")  # which it wants to say
        for _ in range(100):
            if get(f"{url}readyz")[0] == 503:
                break
            time.sleep(0.1)
        time.sleep(3)
        assert get(f"{url}healthz")[0] == 200
        (begun / "away.db").rename(begun / "mitsprache.db")
        assert service.end() == 0
        assert service.process.stderr
        assert '"event": "stopped"' in service.process.stderr.read()


def test_second_service_is_refused_but_commands_may_run(begun):
    with serving("--data", str(begun), "--port", "0") as service:
        second = subprocess.run(
            [sys.executable, "-m", "bot", "--data", str(begun)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert second.returncode == 1
        assert f"is already running here (process {service.process.pid})" in second.stderr
        beside = subprocess.run(
            [sys.executable, "-m", "bot", "play", "mein-kiez", "--lang", "de", "--data", str(begun)],
            cwd=ROOT,
            input="Mitte\n",
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert "Frage 2 von 5" in beside.stdout
        assert service.end() == 0


def test_a_service_that_was_killed_leaves_no_lock(begun):
    with serving("--data", str(begun), "--port", "0") as service:
        service.process.kill()
        service.process.wait()
    with serving("--data", str(begun), "--port", "0") as service:
        assert service.end() == 0


def test_it_logs_json_without_paths_of_visitors(begun):
    with serving(
        "--data", str(begun), "--port", "0", MITSPRACHE_LOG_LEVEL="debug", MITSPRACHE_LOG_FORMAT="json"
    ) as service:
        get(f"{service.url}p/SECRETCODE?token=SECRETTOKEN")
        get(f"{service.url}healthz?token=SECRETTOKEN")
        service.end()
        _, err = service.process.communicate()
    assert '"event": "request"' in err
    assert "SECRET" not in err
    assert "127.0.0.1" not in err


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["--host", "192.0.2.1"], "the address '192.0.2.1' is not one of this machine"),
        (["--host", "no.such.host.invalid"], "the address 'no.such.host.invalid' is not one of this machine"),
        (["--port", "99999"], "--port: setting 'port' must be less than or equal to 65535"),
        (["--config", "/nowhere.toml"], "/nowhere.toml: cannot be read"),
        (["--data", "/proc/nowhere"], "/proc/nowhere"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path, words, fault):
    done = subprocess.run(
        [sys.executable, "-m", "bot", "--data", str(tmp_path), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert fault in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_folder_without_locks_is_used_all_the_same(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    said: list[str] = []
    with single_instance(tmp_path, said.append):
        assert "No locks" in said[0]
