"""Where settings come from, which of them wins, and how a wrong one is told."""

import os
from pathlib import Path

import pytest

from bot import settings
from bot.settings import SettingsError


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("MITSPRACHE_")]:
        monkeypatch.delenv(name)


def write(text: str, name: str = "mitsprache.toml") -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def fault_of(path: Path | None = None, **given: object) -> str:
    with pytest.raises(SettingsError) as raised:
        settings.load_settings(path, **given)
    return str(raised.value)


def test_without_anything_there_are_defaults():
    found = settings.load_settings()
    assert (found.port, found.data, found.database()) == (
        8080,
        Path("data"),
        f"sqlite:///{Path('data/mitsprache.db').absolute()}",
    )
    assert str(found.zone()) == "Europe/Berlin"


def test_precedence_is_options_environment_file_defaults(monkeypatch):
    write('port = 1\nhost = "file"\nlog_level = "error"\n')
    monkeypatch.setenv("MITSPRACHE_PORT", "2")
    monkeypatch.setenv("MITSPRACHE_HOST", "environment")
    found = settings.load_settings(port=3, host=None)
    assert (found.port, found.host, found.log_level, found.publish_samples) == (3, "environment", "error", True)


def test_levels_in_the_environment_are_sections_of_the_file(monkeypatch):
    write('[channels.town]\ntype = "telegram"\nmode = "polling"\n')
    monkeypatch.setenv("MITSPRACHE_CHANNELS__TOWN__TOKEN", "12:ab")
    town = settings.load_settings().channels["town"]
    assert (town.type, town.model_extra) == ("telegram", {"mode": "polling", "token": "12:ab"})


def test_an_empty_variable_counts_as_none(monkeypatch):
    monkeypatch.setenv("MITSPRACHE_PORT", "")
    assert settings.load_settings().port == 8080


def test_variables_for_tests_and_debugging_are_no_settings(monkeypatch):
    monkeypatch.setenv("MITSPRACHE_DEBUG", "1")
    monkeypatch.setenv("MITSPRACHE_TEST_POSTGRES", "postgresql://x")
    settings.load_settings()


def test_a_secret_may_stand_in_a_file_of_its_own(monkeypatch):
    write("postgresql://city:geheim@db/mitsprache\n", "url")
    monkeypatch.setenv("MITSPRACHE_DATABASE_URL_FILE", "url")
    assert settings.load_settings().database() == "postgresql://city:geheim@db/mitsprache"


def test_environment_overrides_a_configured_secret_file(monkeypatch):
    write("from-file", "url")
    write('database_url_file = "url"\n')
    monkeypatch.setenv("MITSPRACHE_DATABASE_URL", "sqlite:///from-environment")
    assert settings.load_settings().database() == "sqlite:///from-environment"


def test_secrets_are_never_shown(monkeypatch):
    monkeypatch.setenv("MITSPRACHE_DATABASE_URL", "postgresql://city:geheim@db/x")
    monkeypatch.setenv("MITSPRACHE_CHANNELS__TOWN__TYPE", "telegram")
    monkeypatch.setenv("MITSPRACHE_CHANNELS__TOWN__TOKEN", "geheim")
    found = settings.load_settings()
    assert "geheim" not in f"{found!r} {found} {found.channels['town']}"
    assert "telegram" in repr(found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("prot = 1", "mitsprache.toml:1: unknown setting 'prot'; is 'port' meant?"),
        ("\n\nzzz = 1", "mitsprache.toml:3: unknown setting 'zzz'; known are data, database_url"),
        ('port = "eighty"', "mitsprache.toml:1: setting 'port' must be a whole number, without quotation marks"),
        ("port = 70000", "mitsprache.toml:1: setting 'port' must be less than or equal to 65535"),
        ('log_level = "loud"', "mitsprache.toml:1: setting 'log_level' must be 'debug', 'info', 'warning' or 'error'"),
        (
            'timezone = "Europe/Berlim"',
            "mitsprache.toml:1: setting 'timezone': there is no such time zone; Europe/Berlin?",
        ),
        ('[channels.town]\ntoken = "x"', "mitsprache.toml:2: setting 'channels.town.type' is missing"),
        ('[channels.town]\ntype = "../x"', "mitsprache.toml:2: setting 'channels.town.type'"),
        ("port = ", "mitsprache.toml: is not valid TOML"),
        ("port = 1\nport = 2", "define each key and section once"),
        (
            'publish_samples = "perhaps"',
            "mitsprache.toml:1: setting 'publish_samples' must be true or false, without quotation marks",
        ),
        ('web = "x"', "mitsprache.toml:1: setting 'web' must be a section: write [web] in a line of its own"),
        (
            '[web]\norganization = "x"',
            "mitsprache.toml:2: unknown setting 'web.organization'; is 'organisation' meant?",
        ),
        ('organisation = "x"', "mitsprache.toml:1: unknown setting 'organisation'; it belongs to the section [web]"),
        ("[push]\nzzz = 1", "mitsprache.toml:2: unknown setting 'push.zzz'; known are quiet_from, quiet_to"),
        ('token = "x"', "; the settings of a channel are in its section [channels.NAME]"),
        (
            '[channels.web]\ntype = "telegram"',
            "setting 'channels.web': is the name of the built-in channel of the web pages",
        ),
        ('[channels."../x"]\ntype = "telegram"', "setting 'channels.../x': is not a valid channel name"),
        ('database_url_file = "nowhere"', "mitsprache.toml:1: database_url_file names 'nowhere', which cannot be read"),
        ('database_url = "a"\ndatabase_url_file = "b"', "both database_url and database_url_file are set"),
        ('data = "x"\n[data.y]\nz = 1', "is not valid TOML"),
    ],
)
def test_a_wrong_file_is_told_with_place_and_remedy(text, fault):
    write(text)
    assert fault in fault_of()


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("MITSPRACHE_PROT", "1", "MITSPRACHE_PROT: unknown setting 'prot'; is 'port' meant?"),
        (
            "MITSPRACHE_PORT",
            "geheim",
            "MITSPRACHE_PORT: setting 'port' must be a whole number, without quotation marks",
        ),
        (
            "MITSPRACHE_PUBLISH_SAMPLES",
            "perhaps",
            "MITSPRACHE_PUBLISH_SAMPLES: setting 'publish_samples' must be true or false",
        ),
        ("MITSPRACHE_PORT__X", "1", "MITSPRACHE_PORT__X"),
        ("MITSPRACHE_CHANNELS", "telegram", "MITSPRACHE_CHANNELS: setting 'channels' must be a section"),
    ],
)
def test_a_wrong_variable_is_told_by_its_name(monkeypatch, name, value, fault):
    monkeypatch.setenv(name, value)
    assert fault in fault_of()
    assert "geheim" not in fault_of()


def test_a_value_where_a_section_belongs(monkeypatch):
    write('[channels.town]\ntype = "web"\n')
    monkeypatch.setenv("MITSPRACHE_CHANNELS__TOWN", "web")
    assert "'town' is a section" in fault_of()


def test_a_file_that_was_named_must_be_there():
    assert fault_of(Path("elsewhere.toml")).startswith("elsewhere.toml: cannot be read")


def test_the_command_line_is_told_as_such():
    assert fault_of(port=99999) == "--port: setting 'port' must be less than or equal to 65535"


def test_a_file_saved_with_a_byte_order_mark_is_read():
    Path("mitsprache.toml").write_bytes(b"\xef\xbb\xbfport = 81\n")
    assert settings.load_settings().port == 81


def test_a_home_folder_is_written_out():
    assert settings.load_settings(data=Path("~/x")).data == Path.home() / "x"


def test_old_names_are_read_with_a_notice_each(monkeypatch):
    write("samples = false\n[push]\nmost = 4\n")
    monkeypatch.setenv("MITSPRACHE_PUSH__DAYS", "9")
    found = settings.load_settings()
    assert (found.publish_samples, found.push.max_pushes, found.push.period_days) == (False, 4, 9)
    assert sorted(found.notices) == [
        "MITSPRACHE_PUSH__DAYS: push.days is now called push.period_days; the old name works until 0.2",
        "mitsprache.toml:1: samples is now called publish_samples; the old name works until 0.2",
        "mitsprache.toml:3: push.most is now called push.max_pushes; the old name works until 0.2",
    ]


def test_new_names_are_read_without_a_notice():
    write("publish_samples = false\n[push]\nmax_pushes = 4\nperiod_days = 9\n")
    found = settings.load_settings()
    assert (found.publish_samples, found.push.max_pushes, found.push.period_days) == (False, 4, 9)
    assert found.notices == ()


def test_an_old_name_in_the_environment_overrides_the_file(monkeypatch):
    write("publish_samples = true\n")
    monkeypatch.setenv("MITSPRACHE_SAMPLES", "false")
    assert not settings.load_settings().publish_samples


def test_old_and_new_name_in_one_file_are_refused():
    write("samples = false\npublish_samples = true\n")
    said = "mitsprache.toml:1: both samples and publish_samples are set; keep publish_samples"
    assert fault_of() == said
