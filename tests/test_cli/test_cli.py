"""Every command from outside: what it prints, its exit code, and that no fault shows a traceback."""

import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from bot.authoring.yaml_edit import plain_data
from bot.cli import main
from bot.cli.maintenance import backup, doctor
from bot.common.errors import CommandError, program_name
from bot.common.version import version
from bot.settings import Settings
from tests.support.workbooks import workbook

ROOT = Path(__file__).parents[2]
KIEZ = ROOT / "flows" / "consultations" / "mein-kiez.yaml"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a command in an empty folder; gives exit code, output and complaints."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MITSPRACHE_")]:
        monkeypatch.delenv(name)

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run_cli(list(words))
        out, err = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return code, out, err

    return run


def test_check_says_nothing_worse_than_warnings_of_the_samples(run):
    code, out, err = run("check", str(KIEZ))
    assert (code, err) == (0, "")
    assert all(": warning: " in line for line in out.splitlines())


def test_check_names_file_and_line_of_each_fault(run):
    Path("a.yaml").write_text(KIEZ.read_text(encoding="utf-8").replace("minutes: 3", "minutes: many"), encoding="utf-8")
    code, out, _ = run("check", "a.yaml", "nowhere.yaml")
    assert code == 1
    assert re.search(r"^a\.yaml:\d+: “minutes” must be a whole number; write digits only", out, re.MULTILINE)
    assert "nowhere.yaml:1: there is no such file; check the name" in out


def test_check_prints_the_schema(run):
    code, out, _ = run("check", "--schema")
    assert code == 0
    assert {"slug", "title", "questions"} <= json.loads(out)["properties"].keys()


def test_publish_and_list(run):
    text = KIEZ.read_text(encoding="utf-8").replace("slug: mein-kiez", "slug: unser-kiez")
    text = re.sub(r"^keywords:.*$", "keywords: [unserkiez]", text, flags=re.MULTILINE)
    Path("b.yaml").write_text(text, encoding="utf-8")
    code, out, _ = run("publish", "b.yaml")
    assert code == 0
    assert "unser-kiez: revision 1 published; try it: python3 -m bot play unser-kiez" in out
    assert "unser-kiez: revision 1 is already published" in run("publish", "b.yaml")[1]
    code, out, _ = run("consultations")
    assert code == 0
    slugs = ["buergerhaushalt", "kiez-ideen", "mein-kiez", "unser-kiez"]
    assert [line.split()[0] for line in out.splitlines()] == slugs
    assert "“Mein Kiez, lebenswert”  sample, open, revision 1  de (unreviewed)" in out


def test_consultations_lists_the_opening_day_in_local_time(run):
    text = KIEZ.read_text(encoding="utf-8").replace("slug: mein-kiez", "slug: unser-kiez\nopens: 2999-01-01")
    text = re.sub(r"^keywords:.*$", "keywords: [unserkiez]", text, flags=re.MULTILINE)
    Path("b.yaml").write_text(text, encoding="utf-8")
    assert run("publish", "b.yaml")[0] == 0
    assert "  sample, opens 2999-01-01, revision 1  " in run("consultations")[1]


def test_what_is_wrong_with_a_file_prevents_its_publishing(run):
    Path("c.yaml").write_text("slug: x\n", encoding="utf-8")
    code, out, _ = run("publish", "c.yaml")
    assert code == 1
    assert out.startswith("c.yaml:1: ")


def test_without_samples_an_empty_house_stays_empty(run, monkeypatch):
    monkeypatch.setenv("MITSPRACHE_PUBLISH_SAMPLES", "false")
    assert run("consultations")[1] == "Nothing is published yet.\n"
    assert run("play", "mein-kiez")[2].endswith("nothing is published yet\n")


@pytest.mark.parametrize(
    ("old", "new", "words"), [("unhandled", "dead-letters", []), ("places", "entries", ["mein-kiez"])]
)
def test_old_command_names_work_and_name_the_new_one(run, old, new, words):
    code, out, err = run(new, *words)
    assert (code, err) == (0, "")
    assert out
    assert run(old, *words) == (0, out, f"{old} is now called {new}; the old name works until 0.2\n")
    listed = run("--help")[1]
    assert f" {new} " in listed
    assert f" {old} " not in listed


def test_an_old_setting_is_named_on_standard_error(run):
    Path("mitsprache.toml").write_text("samples = false\n", encoding="utf-8")
    code, out, err = run("consultations")
    assert (code, out) == (0, "Nothing is published yet.\n")
    assert err == "mitsprache.toml:1: samples is now called publish_samples; the old name works until 0.2\n"


def test_migrate_says_what_is_up_to_date(run):
    assert run("migrate") == (0, "The database (sqlite) is up to date.\n", "")


def test_options_stand_before_or_after_the_command(run):
    assert run("--data", "here", "migrate")[0] == 0
    assert run("migrate", "--data", "there")[0] == 0
    assert Path("here/mitsprache.db").exists()
    assert Path("there/mitsprache.db").exists()
    assert not Path("data").exists()


@pytest.mark.parametrize(
    ("words", "code", "fault"),
    [
        (["plya"], 2, "No such command 'plya'. Did you mean 'play'"),
        (["play", "--lnag", "de"], 2, "No such option"),
        (["check"], 1, "which file? Try: python3 -m bot check"),
        (["play", "nope"], 1, "no open consultation is called 'nope'; there is buergerhaushalt, kiez-ideen, mein-kiez"),
        (["restore", "nowhere"], 1, "nowhere: is not a complete backup"),
        (
            ["restore", "."],
            1,
            ".: is not a complete backup, inventory.json is missing; give a folder made by `backup`",
        ),
        (["import", "meinberlin", "nowhere.xlsx"], 1, "nowhere.xlsx: there is no such file; check the name"),
        (["import", "polis", "nowhere"], 1, "nowhere: there is no such folder or file; check the name"),
        (["backup"], 1, "does not exist, so there is nothing to back up; check --data"),
        (["migrate", "--config", "nowhere.toml"], 1, "nowhere.toml: cannot be read"),
    ],
)
def test_a_wrong_command_is_told_in_a_sentence(run, words, code, fault):
    found, _, err = run(*words)
    assert found == code
    assert fault in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("mysql://u:geheim@db/x", "database_url: mysql is not supported"),
        ("geheim", "database_url: "),
        ("postgresql://u:geheim@127.0.0.1:1/x", "The database cannot be reached"),
        ("sqlite:///folder", "The database cannot be reached"),
    ],
)
def test_a_database_that_is_none_is_told_without_its_password(run, monkeypatch, url, fault):
    Path("folder").mkdir()
    monkeypatch.setenv("MITSPRACHE_DATABASE_URL", url)
    code, _, err = run("migrate")
    assert code == 1
    assert fault in err
    assert "geheim" not in err
    assert "Traceback" not in err


def test_a_damaged_database_is_told(run):
    run("migrate")
    Path("data/mitsprache.db").write_bytes(b"no database at all" * 1000)
    code, _, err = run("consultations")
    assert code == 1
    assert "python3 -m bot doctor" in err


def test_a_fault_of_ours_is_named_by_its_place_only(run, monkeypatch):
    def fail(*_: object) -> None:
        raise ZeroDivisionError("geheim")

    monkeypatch.setattr("bot.cli.context.migrate_database", fail)
    code, _, err = run("migrate")
    assert code == main.INTERNAL_FAULT
    assert "internal error: ZeroDivisionError at test_cli.py:" in err
    assert "Please report" in err
    assert "geheim" not in err
    monkeypatch.setenv("MITSPRACHE_DEBUG", "1")
    assert "ZeroDivisionError: geheim" in run("migrate")[2]


def test_the_program_says_which_it_is(run):
    code, out, _ = run("--version")
    assert code == 0
    assert re.fullmatch(rf"Mitsprache {re.escape(version())}, Python 3\.\S+, tables of 20\d{{6}}_\w+\n", out)
    assert f'version = "{version()}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_every_command_has_a_help_text(run):
    group = typer.main.get_command(main.app)
    assert isinstance(group, typer.core.TyperGroup)
    commands = group.commands
    assert {"serve", "play", "check", "publish", "consultations", "migrate", "doctor", "backup", "restore"} <= set(
        commands
    )
    for name in commands:
        code, out, _ = run(name, "--help")
        assert code == 0
        assert len(out.splitlines()) > 4, name


# --- backup and restore -----------------------------------------------------------------------------------------------


def test_a_backup_brings_everything_back(run):
    run("migrate")
    Path("mitsprache.toml").write_text("port = 81\n", encoding="utf-8")
    recording = Path("data/media", f"{'0' * 64}.mp3")
    recording.parent.mkdir(exist_ok=True)  # the images of the samples are there
    recording.write_bytes(b"ID3")
    recording.with_suffix(".part").write_bytes(b"half of one")
    sent = Path("data/attachments", "0" * 32)
    sent.parent.mkdir()
    sent.write_bytes(b"sealed")
    code, out, _ = run("backup")
    folder = Path(out.strip())
    assert code == 0
    assert folder.parent == Path("backups")
    assert {path.name for path in folder.iterdir()} == {
        "mitsprache.db",
        "secret.key",
        "mitsprache.toml",
        "inventory.json",
        "media",
        "attachments",
    }
    assert [
        path.name for path in folder.iterdir() if path.name != "inventory.json" and path.stat().st_mode & 0o077
    ] == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    code, out, _ = run("restore", str(folder), "--data", "again")
    assert code == 0
    assert (Path("again") / "secret.key").read_bytes() == Path("data/secret.key").read_bytes()
    assert [path.read_bytes() for path in Path("again/media").glob(f"{recording.stem}.*")] == [b"ID3"]
    assert (Path("again/attachments") / sent.name).read_bytes() == b"sealed"
    assert run("consultations", "--data", "again")[1] == run("consultations")[1]


def test_a_restore_never_writes_over_anything(run):
    run("migrate")
    folder = run("backup")[1].strip()
    code, _, err = run("restore", folder)
    assert code == 1
    assert "exists already; restore into an empty folder" in err


@pytest.mark.parametrize("name", ["mitsprache.db", "secret.key"])
def test_a_damaged_backup_is_refused(run, name):
    run("migrate")
    folder = Path(run("backup")[1].strip())
    (folder / name).write_bytes((folder / name).read_bytes()[:-1] + b"x")
    code, _, err = run("restore", str(folder), "--data", "again")
    assert code == 1
    assert f"{name} is damaged or missing" in err


def test_a_backup_whose_recording_is_damaged_is_refused(run):
    run("migrate")
    Path("data/media").mkdir(exist_ok=True)  # the images of the samples are there
    recording = f"{'0' * 64}.mp3"
    Path("data/media", recording).write_bytes(b"ID3")
    folder = Path(run("backup")[1].strip())
    (folder / "media" / recording).write_bytes(b"ID4")
    code, _, err = run("restore", str(folder), "--data", "again")
    assert code == 1
    assert "000.mp3 is damaged or missing" in err
    assert not Path("again").exists()


def test_postgresql_is_backed_up_with_its_own_means(tmp_path):
    settings = Settings.model_validate({"data": tmp_path, "database_url": "postgresql://u:geheim@db/x"})
    with pytest.raises(CommandError, match="pg_dump") as raised:
        backup.back_up(settings, None, tmp_path)
    assert "geheim" not in str(raised.value)


# --- the secret key and its database ----------------------------------------------------------------------------------


def test_a_key_that_is_lost_or_of_another_house_is_refused(run, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    run("play", "mein-kiez")
    key = Path("data/secret.key")
    key.rename("kept.key")
    code, _, err = run("consultations")
    assert code == 1
    assert "is missing, but the database needs it; restore it from your backup" in err
    assert not key.exists(), "a new one would hide what happened"
    key.write_text("00" * 32, encoding="ascii")
    assert "is not the key of this database" in run("consultations")[2]
    key.write_text("nonsense", encoding="ascii")
    assert "is not a secret key" in run("consultations")[2]
    Path("kept.key").replace(key)
    assert run("consultations")[0] == 0


# --- doctor -----------------------------------------------------------------------------------------------------------


def test_doctor_finds_a_new_folder_well_and_changes_nothing(run):
    code, out, _ = run("doctor")
    assert code == 0, out
    assert not Path("data").exists()


def test_doctor_finds_a_house_well(run):
    run("migrate")
    code, out, _ = run("doctor")
    assert code == 0, out
    assert "ok     database (sqlite) answers" in out


def test_doctor_says_what_is_wrong(run, monkeypatch):
    run("migrate")
    Path("data/secret.key").chmod(0o644)
    Path("data/mitsprache.db").write_bytes(b"no database at all" * 1000)
    monkeypatch.setattr(doctor, "LEAST_SPACE_MB", 10**12)
    monkeypatch.setattr(doctor, "available_timezones", set)
    code, out, _ = run("doctor")
    assert code == 1
    faults = [line for line in out.splitlines() if line.startswith("FAULT")]
    assert [
        word
        for word in ("chmod 600", "database (sqlite)", "free at least 500 MB", "tzdata")
        if word not in "\n".join(faults)
    ] == []
    assert len(faults) == 4


def test_the_installed_command_calls_itself_by_its_name(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/opt/venv/bin/mitsprache"])
    assert program_name() == "mitsprache"


def test_help_needs_no_web_server():
    """Commands import what they need when they are called."""
    script = "import sys, bot.cli.main; print([m for m in ('aiohttp', 'sqlalchemy', 'alembic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_service_starts_without_what_few_need():
    """The library of a channel that is not set up, of passkeys and of workbooks."""
    few = ["telegram", "nio", "webauthn", "xlsxwriter"]
    script = f"import sys, bot.cli.serving; print([m for m in {few} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("kind", ["decidim", "meinberlin", "pb", "pds", "polis"])
def test_no_format_with_exact_figures_is_for_everybody(run, kind):
    code, out, err = run("export", "mein-kiez", "--format", kind, "--profile", "public", "--out", "there")
    assert (code, out) == (1, "")
    assert f"--format {kind} has exact figures without suppression, so it cannot be public" in err
    assert not Path("there").exists()


def test_an_xlsform_is_printed_as_a_file(run, tmp_path):
    content = workbook(survey=[["type", "name", "label"], ["text", "wish", "Was fehlt?"], ["image", "x", "Bild?"]])
    (tmp_path / "form.xlsx").write_bytes(content)
    code, out, err = run("xlsform", "form.xlsx")
    assert code == 0
    assert plain_data(out)["questions"][0]["text"] == {"de": "Was fehlt?"}
    assert err.startswith("Sheet survey, row 3: There is no question type “image” here")
    (tmp_path / "other.xlsx").write_bytes(b"")
    for file, words in (("other.xlsx", "no spreadsheet that can be read"), ("none.xlsx", "cannot be read")):
        code, _, err = run("xlsform", file)
        assert code == 1
        assert words in err


def test_doctor_asks_for_the_proxy_of_a_secure_address():
    def found(**web: object) -> list[bool]:
        return [finding.is_well for finding in doctor._proxy(Settings.model_validate({"web": web}))]

    assert found() == []
    assert found(public_url="https://mitsprache.example") == [False]
    assert found(public_url="https://mitsprache.example", trusted_proxies=["127.0.0.1"]) == [True]
