"""Sets up the program with Python alone: no pip, no compiler, no administrator rights. Standard library only.

The first start creates `.venv` beside the project and fills it from a lock file that lists every file with its hash;
each later start finds its stamp and continues. An existing environment that contains the packages (a container, another
virtual environment) is used unchanged.
"""

import fcntl
import gc
import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.bootstrap.terminal import both, explain, print_line

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "mitsprache.json"
LEVELS = ("run", "oidc", "test", "dev")
"""Each includes those before it: the program, sign-in at an identity provider, tests, tools."""


def run_bootstrap(words: list[str]) -> None:
    """Run the command line in an environment that has the required packages."""
    level = "test" if words[:1] == ["test"] else "run"
    python = prepare_or_exit(level)
    if python != Path(sys.executable):
        become([str(python), "-m", "bot", *words])
    if level == "test":
        run_tests(words[1:])
    # A command loads a thousand modules and frees hardly any object: garbage collection meanwhile costs time only.
    gc.set_threshold(50_000, 20, 50)
    from bot.cli.main import run_cli

    run_cli()


def run_tests(arguments: list[str]) -> None:
    """Replace this process by pytest, in the project's folder; does not return.

    The tests run in several processes, unless the arguments say in how many (`-n 0` for one); the slowest twenty are
    printed at the end. Without `--full` those are left out that take long or need PostgreSQL
    (`tests/support/order.py`).
    """
    if not (ROOT / "tests").is_dir():
        sys.exit(both("Hier sind keine Tests: sie liegen beim Quelltext.", "No tests here: they come with the source."))
    os.chdir(ROOT)
    # Hundreds of tests start the program in a separate process: compiling it takes a fifth of each start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    is_said = any(word.startswith(("-n", "--numprocesses")) for word in arguments)
    workers = [] if is_said else ["-n", str(workers_for_tests()), "--dist", "worksteal"]
    slowest = [] if any(word.startswith("--durations") for word in arguments) else ["--durations=20"]
    become([sys.executable, "-m", "pytest", *workers, *slowest, *arguments])


def workers_for_tests() -> int:
    """Return the number of test processes: three for two cores, since many tests wait for a browser; 12 at most.
    Each imports all tests, and starts its own PostgreSQL server and homeserver.
    """
    cores = os.cpu_count() or 1
    return min(cores + (cores + 1) // 2, 12)


def become(command: list[str]) -> None:
    """Replace this process by another with the same process id, terminal and exit code."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(command[0], command)


def prepare_or_exit(level: str) -> Path:
    """Call `prepare_environment` and report each expected error in one sentence."""
    try:
        return prepare_environment(level)
    except OSError as error:
        sys.exit(explain(str(error)))
    except KeyboardInterrupt:
        print_line("\nAbgebrochen; der nächste Start räumt auf.", "\nInterrupted; the next start tidies up.")
        sys.exit(130)


def prepare_environment(level: str) -> Path:
    """Return a Python that has the packages of a level (one of `LEVELS`); set it up if there is none.

    Concurrent starts, and restarts after a kill, are safe.
    """
    here = Path(sys.executable)
    if not lock_of(level).exists():
        return here  # not a checkout: the packages were installed with the program
    level = with_kept_extra(level)
    ready = is_ready(level)
    if STAMP.exists() and Path(sys.prefix).resolve() == VENV.resolve():
        if ready:
            return here
    # A plain Python continues with `.venv`; an active environment is checked for the packages first.
    elif (not ready or sys.prefix != sys.base_prefix) and is_satisfied(level):
        return here
    if not ready:
        with setup_lock() as turn:
            if not is_ready(level):
                set_up(level, turn)
    return PYTHON


def lock_of(level: str) -> Path:
    """Return the lock file of a level; it holds what the level adds to those before it."""
    return ROOT / f"requirements-{level}.lock"


def locks_up_to(level: str) -> list[Path]:
    """Return the lock files that together hold all packages of a level."""
    return [lock_of(each) for each in LEVELS[: LEVELS.index(level) + 1]]


def with_kept_extra(level: str) -> str:
    """Return the level to set up: a start without the extra keeps it current if it was set up before."""
    return "oidc" if level == "run" and "oidc" in read_stamp() else level


def is_ready(level: str) -> bool:
    """Return whether `.venv` was filled completely, by this Python, from the current lock."""
    stamp = read_stamp()
    return (
        stamp.get("python") == this_python() and stamp.get(level) == requirements_fingerprint(level) and PYTHON.exists()
    )


def is_satisfied(level: str) -> bool:
    """Return whether the running Python has every package that pyproject.toml requires."""
    from importlib import metadata

    for name, least, below in direct_requirements(level):
        try:
            found = numbers(metadata.version(name))
        except metadata.PackageNotFoundError:
            return False
        if found < least or (below and found >= below):
            return False
    return True


def direct_requirements(level: str) -> Iterator[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Yield name, minimum version and excluded upper version (or nothing) of each requirement in pyproject.toml.

    Requirements for some systems only (a marker after `;`) are left out: tests that need them skip.
    """
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = list(project["project"]["dependencies"])
    if level != "run":
        for extra in project["project"].get("optional-dependencies", {}).values():
            wanted += extra
    groups = [level] if level in project.get("dependency-groups", {}) else []
    for group in groups:
        for entry in project["dependency-groups"][group]:
            if isinstance(entry, str):
                wanted.append(entry)
            else:
                groups.append(entry["include-group"])
    for requirement in wanted:
        match = re.fullmatch(r"([\w.-]+)(?:\[[\w,-]+\])?>=([\d.]+)(?:,<([\d.]+))?", requirement.replace(" ", ""))
        if match:
            yield match[1], numbers(match[2]), numbers(match[3] or "")


def numbers(version: str) -> tuple[int, ...]:
    """Return the release of a version as numbers: `1.9.0.post1` is (1, 9, 0)."""
    release = re.split(r"[^\d.]", version, maxsplit=1)[0]
    return tuple(int(part) for part in release.split(".") if part)


def this_python() -> str:
    """Describe the platform that the wheels in `.venv` must match: a machine and its container may share a checkout."""
    return f"{sys.version_info[0]}.{sys.version_info[1]} {sys.platform} {platform.machine()}"


def requirements_fingerprint(level: str) -> str:
    """Changes whenever one of the locks of a level does."""
    return hashlib.sha256(b"".join(lock.read_bytes() for lock in locks_up_to(level))).hexdigest()


def read_stamp() -> dict[str, str]:
    """Return the platform and the packages `.venv` was made for; empty during set-up, or if another tool made it."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def write_stamp(level: str) -> None:
    """Record atomically that `.venv` is filled up to a level."""
    levels = LEVELS[: LEVELS.index(level) + 1]
    stamp = {"python": this_python()} | {done: requirements_fingerprint(done) for done in levels}
    unfinished = STAMP.with_suffix(".new")
    unfinished.write_text(json.dumps(stamp), encoding="utf-8")
    unfinished.replace(STAMP)


@contextmanager
def setup_lock() -> Iterator[int]:
    """Wait until no other set-up of this folder runs; yields the descriptor that holds the lock.

    The folder itself is locked, so nothing is left behind. pip inherits the descriptor: if this process is killed, a
    new start waits until the orphaned pip has ended too, instead of clearing the folder under it.
    """
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print_line("Eine andere Einrichtung läuft gerade; ich warte …", "Another set-up is running; waiting …")
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError:
            # Some network folders do not support locks; one set-up at a time still works there.
            print_line("Dieser Ordner kennt keine Sperren.", "This folder knows no locks.")
        yield descriptor
    finally:
        os.close(descriptor)


def set_up(level: str, turn: int) -> None:
    """Fill `.venv` from the lock of a level. The stamp is missing meanwhile."""
    try:
        from bot.bootstrap import venv
    except ImportError as error:
        sys.exit(
            both(
                f"Diesem Python fehlt ein Teil ({error.name}): bitte das ganze installieren (apt install python3).",
                f"This Python lacks a part ({error.name}): install the whole of it (apt install python3).",
            )
        )
    print_line(
        "Mitsprache richtet sich ein, das dauert eine Minute …", "Mitsprache sets itself up, it takes a minute …"
    )
    try:
        if read_stamp().get("python") != this_python():
            venv.make_venv(VENV)
            venv.add_pip(VENV)
        # Without a stamp the next start repeats the set-up: pip takes a partly copied package for a complete one.
        STAMP.unlink(missing_ok=True)
        venv.install(VENV, locks_up_to(level), turn)
    except venv.SetupError as error:
        sys.exit(str(error))
    write_stamp(level)
    print_line("Fertig eingerichtet.", "Set-up finished.")
