"""The two commands, from nothing: real processes, a real `.venv` and a real pip. Only the package index is ours."""

import ast
import errno
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot import __main__ as entry
from bot.bootstrap import install, terminal, venv
from tests.support.checkout import Checkout, check_out
from tests.support.package_index import Index, pip_wheel, serving

SLOWEST = "--durations=20"
WORKERS = f"-n {install.workers_for_tests()} --dist worksteal {SLOWEST}"


@pytest.fixture(scope="module")
def pip() -> bytes:
    wheel = pip_wheel()
    if wheel is None:
        pytest.skip("this environment has no pip, so setting up cannot be tried")
    return wheel


@pytest.fixture
def index(pip: bytes) -> Iterator[Index]:
    with serving() as index:
        index.add(venv.PIP_WHEEL, pip)
        yield index


@pytest.fixture
def checkout(tmp_path: Path, index: Index, pip: bytes) -> Checkout:
    return check_out(tmp_path, index, pip)


def test_first_start_sets_up_and_later_starts_need_no_network(checkout: Checkout) -> None:
    assert checkout.run("--port", "8080")[:2] == (0, "serves with demo 1.0 --port 8080\n")

    checkout.index.requests.clear()
    assert checkout.run() == (0, "serves with demo 1.0\n", "")
    assert checkout.index.requests == []


def test_test_command_installs_packages_and_passes_arguments(checkout: Checkout) -> None:
    checkout.run()
    code, output, _ = checkout.run("test", "-k", "lamps", "--full")
    assert (code, output) == (3, f"tests with {WORKERS} -k lamps --full\n")
    assert checkout.run("test", "-n", "0")[:2] == (3, f"tests with {SLOWEST} -n 0\n")

    # The packages of the program were installed with those of the tests: nothing is left to do.
    assert checkout.run() == (0, "serves with demo 1.0\n", "")


def test_killed_half_way_the_next_start_recovers(checkout: Checkout) -> None:
    checkout.index.hold("/files/mitsprache_demo")
    with checkout.start() as killed:
        assert checkout.index.asked.wait(timeout=60)
        killed.send_signal(signal.SIGKILL)
    copy_by_half(checkout, "mitsprache_demo-1.0")
    # pip lives on for a moment without its parent; the second start has to wait for it and then restart.
    with checkout.start() as second:
        assert second.stderr is not None
        assert "Eine andere Einrichtung läuft" in second.stderr.readline()
        checkout.index.release.set()
        output, _ = second.communicate(timeout=120)
    assert (second.returncode, output) == (0, "serves with demo 1.0\n")


def test_killed_install_of_test_packages_is_recovered(checkout: Checkout) -> None:
    checkout.run()
    checkout.index.hold("/files/pytest")
    with checkout.start("test") as killed:
        assert checkout.index.asked.wait(timeout=60)
        os.killpg(killed.pid, signal.SIGKILL)  # as when the power fails: pip is gone too
    copy_by_half(checkout, "pytest-99.0")
    checkout.index.release.set()
    assert checkout.run("test")[:2] == (3, f"tests with {WORKERS}\n")


def copy_by_half(checkout: Checkout, package: str) -> None:
    """Leave what an interrupted pip can leave: a package that has its name and version but not its files."""
    (packages,) = checkout.root.glob(".venv/lib/*/site-packages")
    half = packages / f"{package}.dist-info" / "METADATA"
    name, version = package.split("-")
    half.parent.mkdir()
    half.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def test_two_starts_at_once_set_up_one_after_the_other(checkout: Checkout) -> None:
    checkout.index.hold("/files/mitsprache_demo")
    with checkout.start() as first:
        assert checkout.index.asked.wait(timeout=60)
        with checkout.start() as second:
            assert second.stderr is not None
            assert "Eine andere Einrichtung läuft" in second.stderr.readline()
            checkout.index.release.set()
            assert first.communicate(timeout=120)[0] == "serves with demo 1.0\n"
            output, told = second.communicate(timeout=120)
    assert output == "serves with demo 1.0\n"
    assert told == ""  # the first did all the work
    assert sum("mitsprache_demo" in path for path in checkout.index.requests) == 1


def test_new_lock_is_installed_at_the_next_start(checkout: Checkout) -> None:
    checkout.run()
    checkout.offer_demo("1.1")
    assert checkout.run()[:2] == (0, "serves with demo 1.1\n")


def test_without_internet_it_says_so_and_later_it_works(checkout: Checkout) -> None:
    checkout.environment["PIP_INDEX_URL"] = "http://127.0.0.1:9/simple"
    check_plain_words(*checkout.run())

    checkout.environment["PIP_INDEX_URL"] = checkout.index.url
    assert checkout.run()[:2] == (0, "serves with demo 1.0\n")


def test_internet_lost_on_the_way_is_told_too(checkout: Checkout) -> None:
    checkout.index.files.pop("/simple/mitsprache-demo/")
    check_plain_words(*checkout.run())


def check_plain_words(code: int, output: str, told: str) -> None:
    """No traceback, no page of pip's: what it does, what went wrong and what to do, pip's last word."""
    assert (code, output) == (1, "")
    assert "Traceback" not in told
    assert len(told.splitlines()) == 3


def test_other_pip_than_the_pinned_one_is_refused(checkout: Checkout) -> None:
    checkout.index.files[f"/files/{venv.PIP_WHEEL}"] += b" "
    code, _, told = checkout.run()
    assert code == 1
    assert "falsche Prüfsumme" in told
    assert not list(checkout.root.glob(".venv/lib/*/site-packages/pip"))


def test_other_package_than_the_locked_one_is_refused(checkout: Checkout) -> None:
    wheel = "/files/mitsprache_demo-1.0-py3-none-any.whl"
    checkout.index.files[wheel] += b" "
    code, output, told = checkout.run()
    assert (code, output) == (1, "")
    assert "falsche Prüfsumme" in told


def test_folder_that_is_no_environment_is_never_cleared(checkout: Checkout) -> None:
    notes = checkout.root / ".venv" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("precious")
    code, _, told = checkout.run()
    assert code == 1
    assert "umbenennen" in told
    assert notes.read_text() == "precious"


def test_folder_that_cannot_be_written_to_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(folder: Path) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(folder))

    monkeypatch.setenv("LC_ALL", "en_GB.UTF-8")
    monkeypatch.setattr(venv, "make_venv", refuse)
    monkeypatch.setattr(install, "STAMP", tmp_path / "none.json")
    monkeypatch.setattr(install, "is_satisfied", lambda level: False)
    with pytest.raises(SystemExit, match=r"folder of the project cannot be written to") as stopped:
        install.prepare_or_exit("run")
    assert isinstance(stopped.value.code, str)  # Python prints it and exits with 1


def test_installed_program_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "ROOT", tmp_path)
    assert install.prepare_environment("run") == Path(sys.executable)


def test_environment_which_has_it_all_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "STAMP", tmp_path / "none.json")
    assert install.prepare_environment("test") == Path(sys.executable)


@pytest.mark.parametrize(
    ("wanted", "enough"),
    [
        ("pytest>=1.0", True),
        ("pytest >= 1.0, < 9999", True),
        ("pytest>=9999", False),
        ("pytest>=1.0,<2", False),
        ("pytest[extra]>=9999", False),
        ("no-such-package-here>=1", False),
        ("no-such-package-here>=1; sys_platform == 'win32'", True),
    ],
)
def test_bounds_decide_whether_an_environment_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, enough: bool
) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[project]\ndependencies = ["{wanted}"]\n')
    monkeypatch.setattr(install, "ROOT", tmp_path)
    assert install.is_satisfied("run") is enough


def test_old_python_can_read_the_entry() -> None:
    source = Path(entry.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 7))
    assert [node.names[0].name for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)] == ["sys"]


def test_old_python_is_told_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 6, "final", 0))
    with pytest.raises(SystemExit) as stopped:
        entry.main()
    assert "braucht Python 3.11 oder neuer, dies ist Python 3.9" in str(stopped.value.code)
    assert "needs Python 3.11 or newer, this is Python 3.9" in str(stopped.value.code)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "wrong checksum"),
        ("<urlopen error [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed>", "PIP_CERT"),
        ("[Errno 13] Permission denied: '.venv'", "folder of your own"),
        ("WARNING: Retrying … NewConnectionError\nERROR: No matching distribution found for x==1", "internet"),
        ("ERROR: No matching distribution found for x==1", "ready-built"),
        ("<urlopen error [Errno -3] Temporary failure in name resolution>", "internet"),
    ],
)
def test_every_trouble_has_its_remedy(monkeypatch: pytest.MonkeyPatch, said: str, remedy: str) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert remedy in terminal.explain(said)


@pytest.mark.parametrize(
    ("language", "text"), [("de_DE.UTF-8", "ja"), ("en_US.UTF-8", "yes"), ("C.UTF-8", "ja\nyes"), ("", "ja\nyes")]
)
def test_terminal_language(monkeypatch: pytest.MonkeyPatch, language: str, text: str) -> None:
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.delenv("LC_ALL", raising=False)
    monkeypatch.setenv("LANG", language)
    assert terminal.both("ja", "yes") == text
