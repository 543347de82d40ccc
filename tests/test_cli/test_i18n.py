"""`i18n update` loses no text, and `i18n check` names each fault with file, id and remedy."""

from __future__ import annotations

import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from bot.cli.maintenance import phrase_check, phrase_places, phrase_template, phrase_update
from bot.common.i18n import phrase_catalogues
from bot.common.i18n.phrase_catalogues import catalogue_languages, catalogue_path, domains_of, entries

PAIRS = [(tag, domain) for tag in catalogue_languages() for domain in domains_of(tag)]


def merged(tag: str, domain: str, folder: Path) -> Catalog:
    """The catalogue after a merge with the template: by msgmerge where it is installed, else by Babel."""
    path, template = catalogue_path(tag, domain), phrase_template.template_path(domain)
    if shutil.which("msgmerge"):
        command = ["msgmerge", "--quiet", "--no-fuzzy-matching", "--output-file", str(folder / "new.po")]
        subprocess.run([*command, str(path), str(template)], check=True)
        return read_po(BytesIO((folder / "new.po").read_bytes()))
    catalogue = phrase_catalogues.read_catalogue(tag, domain)
    catalogue.update(phrase_template.read_template(domain), no_fuzzy_matching=True)
    return read_po(BytesIO(phrase_template.written(catalogue).encode()))


@pytest.fixture
def locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the catalogues that a test may damage."""
    folder = tmp_path / "flows" / "locale"
    shutil.copytree(phrase_catalogues.FOLDER, folder)
    for module in (phrase_catalogues, phrase_check, phrase_update):
        monkeypatch.setattr(module, "FOLDER", folder)
    return folder


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def update() -> list[str]:
    said: list[str] = []
    phrase_update.update_catalogues(said.append)
    return said


def test_the_catalogues_are_sound() -> None:
    assert phrase_check.findings() == []


@pytest.mark.parametrize(("tag", "domain"), PAIRS)
def test_a_merge_with_the_template_drops_nothing(tag: str, domain: str, tmp_path: Path) -> None:
    before = {
        (it.context, it.id): (it.string, it.user_comments)
        for it in entries(phrase_catalogues.read_catalogue(tag, domain))
    }
    catalogue = merged(tag, domain, tmp_path)
    after = {(it.context, it.id): (it.string, it.user_comments) for it in entries(catalogue)}
    assert len(catalogue.obsolete) == 0
    assert {key: after.get(key) for key in before} == before


def test_update_changes_nothing_where_nothing_changed(locale: Path) -> None:
    assert update() == ["everything is up to date"]


def test_update_restores_what_another_tool_dropped(locale: Path) -> None:
    path = locale / "de" / "dialogue.po"
    before = path.read_text("utf-8")
    change(path, 'msgid "hint.not_understood"\nmsgstr ', '#~ msgid "hint.not_understood"\n#~ msgstr ')
    update()
    assert path.read_text("utf-8") == before


def test_update_takes_over_a_file_of_the_former_layout(locale: Path) -> None:
    header = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    entry = '#, fuzzy\nmsgid "missing.refused"\nmsgstr "Yeni"\n\nmsgid "words.new"\nmsgstr "yeni, taze"\n'
    change(locale / "tr" / "dialogue.po", 'msgid "missing.refused"\nmsgstr "', 'msgid "missing.refused"\nmsgstr ""\n#"')
    (locale / "tr.po").write_text(
        f'{header}{entry}\nmsgid "unused.id"\nmsgstr "x"\n\nmsgid "words.done"\nmsgstr "x"\n', "utf-8"
    )
    update()
    assert not (locale / "tr.po").exists()
    found = phrase_template.read_entries("tr")
    assert found["missing.refused"].texts == {"": ("Yeni",)}
    assert phrase_catalogues.is_unreviewed(found["missing.refused"].messages[""])
    assert not {"unused.id", "words.new", "words.done"} & found.keys()
    assert phrase_catalogues.read_words("tr")["words.new"] == ("yeni", "taze")


def test_a_new_du_form_reaches_all_languages(locale: Path) -> None:
    change(
        locale / "de" / "dialogue.po",
        'msgid "choices.chosen"\n',
        'msgctxt "du"\nmsgid "choices.chosen"\nmsgstr "Du: {labels}."\n\nmsgid "choices.chosen"\n',
    )
    update()
    for tag, contexts in (("de", {"sie", "du"}), ("tr", {"sie", "du"}), ("en", {"sie"})):
        entry = phrase_template.read_entries(tag)["choices.chosen"]
        assert set(entry.texts) == contexts, tag
    assert phrase_template.read_entries("de")["choices.chosen"].texts["du"] == ("Du: {labels}.",)


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        (
            'msgstr "{first} and {last}"',
            'msgstr "{first} and {lst}"',
            "list.and has other placeholders than German: use {first}, {last}",
        ),
        ('msgstr[1] "{n} minutes"', 'msgstr[1] ""', "duration.minutes has an empty plural form: write all 2"),
    ],
)
def test_check_names_file_id_and_remedy(locale: Path, old: str, new: str, finding: str) -> None:
    change(locale / "en" / "dialogue.po", old, new)
    assert f"flows/locale/en/dialogue.po: {finding}" in phrase_check.findings()


def test_check_names_a_missing_text(locale: Path) -> None:
    change(locale / "pl" / "dialogue.po", 'msgid "missing.refused"\nmsgstr "', 'msgid "missing.refused"\nmsgstr ""\n#"')
    assert "flows/locale/pl/dialogue.po: missing.refused has no text: write its msgstr" in phrase_check.findings()


def test_check_names_an_unused_phrase(locale: Path) -> None:
    with (locale / "de" / "dialogue.po").open("a", encoding="utf-8") as file:
        file.write('\nmsgid "hint.unused"\nmsgstr "x"\n')
    found = [it for it in phrase_check.findings() if "hint.unused" in it]
    assert found[0].startswith("flows/locale/dialogue.pot: no code uses hint.unused: delete its entry")
    assert "flows/locale/tr/dialogue.po: hint.unused has no text: write its msgstr" in found


def test_check_names_an_unknown_phrase(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "a.py").write_text('renderer.text("hint.a" if x else "hint.b", n=1)\nsay(f"hint.{x}")\n')
    places = phrase_places.find_places(tmp_path)
    assert places.files("hint.a") == places.files("hint.b") == ["flows/a.py"]
    assert set(places.asked) == {"hint.a", "hint.b"}
    assert [it.split(": ")[1] for it in phrase_check._unknown_or_unused({}, places)] == [
        "the phrase hint.a is in no catalogue",
        "the phrase hint.b is in no catalogue",
    ]


def test_check_names_a_missing_list_of_words(locale: Path) -> None:
    path = locale / "uk" / "words.toml"
    change(path, "done = [", "doen = [")
    found = phrase_check.findings()
    assert "flows/locale/uk/words.toml: the list done is missing: write it" in found
