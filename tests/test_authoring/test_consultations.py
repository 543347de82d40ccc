"""Reading, checking and publishing consultation files."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.authoring import yaml_source
from bot.authoring.file_check import (
    all_phrases,
    canonical_content,
    check_parsed_file,
    content_digest,
    read_consultation_file,
)
from bot.authoring.publish_impact import PublishOptions
from bot.authoring.publishing import SAMPLES, PublishContext, publish_file, publish_samples
from bot.consultations.definition_issues import DefinitionIssue
from flows.definition import Consultation
from flows.languages import LANGUAGES
from flows.questions.base import registry
from storage.core.store import Store
from storage.models import metadata
from storage.tables.revisions import find_live_revision, list_live_revisions
from storage.tables.triggers import load_triggers, replace_triggers

FILES = Path(__file__).parents[1] / "consultations"
GOOD = (FILES / "good.yaml").read_text(encoding="utf-8")
UNREAD = re.compile(r"texts without a review: \d+")


class Broken(NamedTuple):
    """A broken file: the change to good.yaml, and what has to be said about it."""

    title: str
    text: str
    issues: list[str]
    warnings: list[str]


def broken_files() -> Iterator[Broken]:
    for block in re.split(r"\n\n+", (FILES / "faults.txt").read_text(encoding="utf-8")):
        lines = block.splitlines()
        signs = {sign: [line[2:] for line in lines if line.startswith(f"{sign} ")] for sign in "#=~"}
        if signs["="] or signs["~"]:
            yield Broken(signs["#"][0], changed([it for it in lines if it[0] in "-+"]), signs["="], signs["~"])


def changed(lines: list[str]) -> str:
    text = GOOD
    for hunk in re.split(r"\n(?=-)(?<=\n)", "\n".join(lines)):
        old = "".join(f"{line[2:]}\n" for line in hunk.splitlines() if line[0] == "-")
        new = "".join(f"{line[2:]}\n" for line in hunk.splitlines() if line[0] == "+")
        assert f"\n{text}".count(f"\n{old}") == 1, f"{old!r} must stand once in good.yaml"
        text = f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:]
    return text


def check_text(text: str) -> tuple[Consultation | None, tuple[DefinitionIssue, ...]]:
    checked = check_parsed_file(yaml_source.parse_yaml(text, "park.yaml"), "park.yaml", CATALOGUES)
    return checked.consultation, checked.issues


# As if there were no Polish yet, so that a known language without a catalogue is met too.
CATALOGUES = {tag: said for tag, said in all_phrases().items() if tag != "pl"}
BROKEN = list(broken_files())


@pytest.mark.parametrize("file", BROKEN, ids=[it.title for it in BROKEN])
def test_says_what_is_wrong_with_a_file(file: Broken):
    _, faults = check_text(file.text)
    assert sorted(f"{it.line}: {it.reason}" for it in faults if not it.warning) == sorted(file.issues)
    assert sorted(f"{it.line}: {it.reason}" for it in faults if it.warning) == sorted(file.warnings)
    assert all(it.remedy for it in faults)


def test_finds_nothing_wrong_with_a_good_file():
    assert read_consultation_file(FILES / "good.yaml").issues == ()


def test_prints_a_fault_with_its_place_and_remedy():
    _, faults = check_text(GOOD.replace("level: consultation\n", ""))
    assert [str(it) for it in faults] == [
        "park.yaml:1: “level” is missing; write information, consultation, cooperation or decision"
    ]
    _, warnings = check_text(GOOD.replace("minutes: 2", "minutes: 45"))
    assert str(warnings[0]).startswith("park.yaml:3: warning: minutes: 45 minutes")


MANY = "the file has more than 20,000 names and values"
LONG_LINE = "this line has a text of more than 20,000 characters"
LONG_TEXT = "this text has more than 20,000 characters"


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"", 1, "the file is empty"),
        (b"# nothing but a comment\n", 1, "the file is empty"),
        (b"just words", 1, "this is not a consultation"),
        (b"- a\n- b\n", 1, "this is not a consultation"),
        (b"null", 1, "this is not a consultation"),
        ("slug: park\ntitle: {de: Gr\xfcn}\n".encode("latin-1"), 2, "this is not a text file in UTF-8"),
        ("slug: park\n".encode("utf-16"), 1, "this is not a text file in UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", 1, "this is not a text file in UTF-8"),
        (b"slug: park\nwhy: a\x07b\n", 2, "this line contains a control character"),
        (b"a: " + b"x" * yaml_source.LARGEST, 1, "the file is larger than 1 MB"),
        (b"[" * 50_000, 1, "this is nested too deeply"),
        (b'{"a":' * 50_000, 1, "this is nested too deeply"),
        (b"a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n", 2, "references (*name) are not supported"),
        (b"a: &a\n  b: *a\n", 2, "references (*name) are not supported"),
        (b"? {a: b}\n: c\n", 1, "a name is expected before the colon"),
        (b"a: 1\n" + b"#\n" * 300_000, 20_001, "the file has more than 20,000 lines"),
        (b"{" + b",".join(b"k%d: 1" % number for number in range(90_000)) + b"}", 1, MANY),
        (b"slug: park\nwhy: " + b"wort " * 190_000, 2, LONG_LINE),
        (b"slug: park\nwhy: a # " + b"x" * 990_000, 2, LONG_LINE),
        (b"slug: park\nwhy: !" + b"a" * 990_000 + b" x", 2, LONG_LINE),
        (b"slug: park\n" + b"k" * 990_000 + b": x", 2, LONG_LINE),
        (b'{"slug": "park", "why": "' + b"\\n" * 490_000 + b'"}', 1, LONG_LINE),
        (b'{"slug": "park", "why": "' + b'\\"' * 490_000, 1, LONG_LINE),
        (b"{a: !" + b"a" * 990_000 + b" x}", 1, LONG_LINE),
        (b"{a: b #" + b"," * 990_000 + b"\n}", 1, LONG_LINE),
        (b"slug: park\nwhy: |\n" + b"  eine Zeile\n" * 2_000, 2, LONG_TEXT),
        (b"slug: park\nwhy:\n" + b"  eine Zeile\n" * 2_000, 3, LONG_TEXT),
        (b'{"slug": "\\ud800"}', 1, "this line contains an incomplete character (\\ud…)"),
        (b"a: b\n\xef\xbb\xbf\xef\xbf\xbe: c", 2, "this line contains a control character"),
    ],
)
def test_turns_strange_files_into_one_fault(tmp_path: Path, content: bytes, line: int, reason: str):
    path = tmp_path / "strange.yaml"
    path.write_bytes(content)
    begun = time.process_time()
    checked = read_consultation_file(path)
    assert time.process_time() - begun < 2
    assert checked.consultation is None
    assert [(it.file, it.line, it.reason) for it in checked.issues] == [(str(path), line, reason)]


def test_of_thousands_of_errors_the_first_are_explained(tmp_path: Path):
    path = tmp_path / "strange.yaml"
    path.write_text("".join(f"k{number}: 1\n" for number in range(9_000)), encoding="utf-8")
    begun = time.process_time()
    issues = read_consultation_file(path).issues
    assert time.process_time() - begun < 2
    assert len(issues) == 501
    assert any("more errors; correct the first ones" in str(it) for it in issues)


def test_says_so_when_there_is_no_file(tmp_path: Path):
    assert [it.reason for it in read_consultation_file(tmp_path / "none.yaml").issues] == ["there is no such file"]
    assert [it.reason for it in read_consultation_file(tmp_path).issues] == ["this is a folder"]
    assert [it.reason for it in read_consultation_file(Path("\0")).issues] != []
    if Path("/dev/zero").exists():
        assert [it.reason for it in read_consultation_file(Path("/dev/zero")).issues] == ["there is no such file"]


def test_keeps_what_older_yaml_would_change():
    found = yaml_source.parse_yaml(
        "a: no\nb: 12:30\nc: 1_000\nd: 0x1F\ne: 2027-01-01\nf: .inf\ng: 1.5\nyes: on\n1: ~", "x"
    )
    assert found.data == {
        "a": "no",
        "b": "12:30",
        "c": "1_000",
        "d": "0x1F",
        "e": "2027-01-01",
        "f": ".inf",
        "g": 1.5,
        "yes": "on",
        "1": None,
    }


def test_reads_json_with_tabs_and_halved_emoji():
    data = json.loads(canonical_content(check_text(GOOD)[0] or pytest.fail("not read")))
    data["title"]["de"]["text"] = "Park \U0001f333"
    text = json.dumps(data, indent="\t").replace("/", "\\/")
    consultation, faults = check_text(text)
    assert faults == ()
    assert consultation is not None
    assert consultation.title.in_language("de", {}) == "Park \U0001f333"


def test_content_does_not_depend_on_the_order_in_the_file():
    consultation, _ = check_text(GOOD)
    reordered, _ = check_text(GOOD.replace("{de: Unser Park, en: Our park}", "{en: Our park, de: Unser Park}"))
    assert consultation is not None
    assert reordered is not None
    stored = canonical_content(consultation)
    assert canonical_content(reordered) == stored
    assert content_digest(stored) == content_digest(canonical_content(Consultation.model_validate_json(stored)))


def test_content_remembers_the_main_language():
    text = GOOD.replace("  de: {review: reviewed}\n  en: {review: reviewed, fallback: de}", "  en: {}\n  de: {}")
    consultation, _ = check_text(text)
    assert consultation is not None
    again = Consultation.model_validate_json(json.dumps(json.loads(canonical_content(consultation)), sort_keys=True))
    assert again == consultation
    assert again.main_language == "en"
    assert list(again.languages) == ["en", "de"]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_samples_are_without_fault(path: Path):
    checked = read_consultation_file(path)
    consultation = checked.publishable
    assert consultation is not None
    assert [str(it) for it in checked.issues if not UNREAD.search(it.reason)] == []
    assert consultation.sample
    assert consultation.slug == path.stem
    wanted = list(LANGUAGES) if path.stem == "kiez-ideen" else ["de", "de-simple", "en", "tr", "ar"]
    assert list(consultation.languages) == wanted
    assert all(text.languages() == set(consultation.languages) for _, text in consultation.texts())
    assert all("example.org" in way for way in (consultation.contact.email, consultation.contact.web))


class TestPublishing:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[Store]:
        (tmp_path / "test.db").touch()
        store = Store(f"sqlite:///{tmp_path}/test.db")
        with store.begin() as connection:
            metadata.create_all(connection)
        yield store
        store.dispose()

    @pytest.fixture
    def desk(self, tmp_path: Path) -> PublishContext:
        now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        return PublishContext(count(1).__next__, now, ZoneInfo("Europe/Berlin"), tmp_path / "media")

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        path = tmp_path / "park.yaml"
        path.write_text(GOOD, encoding="utf-8")
        return path

    def test_makes_a_revision_with_its_words_and_dates(self, store: Store, desk: PublishContext, file: Path):
        published = publish_file(store, file, desk)
        assert published.new
        assert published.issues == ()
        with store.reading() as connection:
            revision = find_live_revision(connection, "park")
            known = load_triggers(connection)
        assert revision == published.revision
        assert revision is not None
        assert set(known) == {("keyword", "park"), ("keyword", "wiese"), ("keyword", "cayir")}
        assert revision.opens_at == datetime(2026, 12, 31, 23, tzinfo=UTC)
        assert revision.closes_at == datetime(2027, 3, 31, 22, tzinfo=UTC), "open until the end of the last day"
        assert Consultation.model_validate_json(revision.content).closes == date(2027, 3, 31)

    def test_the_same_again_changes_nothing(self, store: Store, desk: PublishContext, file: Path):
        first = publish_file(store, file, desk)
        file.write_text(f"# a comment\n{GOOD}", encoding="utf-8")
        again = publish_file(store, file, desk)
        assert not again.new
        assert again.revision == first.revision

    def test_a_change_is_a_new_revision_and_keeps_other_triggers(self, store: Store, desk: PublishContext, file: Path):
        first = publish_file(store, file, desk).revision
        assert first is not None
        with store.begin() as connection:
            replace_triggers(connection, first.consultation_id, [("code", "x7"), ("keyword", "park")])
        file.write_text(GOOD.replace("wiese, çayır", "rasen"), encoding="utf-8")
        second = publish_file(store, file, desk)
        assert second.new
        assert second.revision is not None
        assert (second.revision.number, second.revision.consultation_id) == (2, first.consultation_id)
        with store.reading() as connection:
            assert set(load_triggers(connection)) == {
                ("code", "x7"),
                ("keyword", "park"),
                ("keyword", "rasen"),
            }

    def test_an_old_content_is_live_again_where_that_is_meant(self, store: Store, desk: PublishContext, file: Path):
        publish_file(store, file, desk)
        file.write_text(GOOD.replace("wiese, çayır", "rasen"), encoding="utf-8")
        publish_file(store, file, desk)
        file.write_text(GOOD, encoding="utf-8")
        old = publish_file(store, file, desk, PublishOptions(base=2))
        assert old.new
        with store.reading() as connection:
            live = find_live_revision(connection, "park")
            assert (live and live.number, ("keyword", "wiese") in load_triggers(connection)) == (1, True)

    def test_refuses_while_there_are_faults(self, store: Store, desk: PublishContext, file: Path):
        file.write_text(GOOD.replace("level: consultation\n", ""), encoding="utf-8")
        refused = publish_file(store, file, desk)
        assert refused.revision is None
        assert len(refused.issues) == 1
        with store.reading() as connection:
            assert find_live_revision(connection, "park") is None

    def test_refuses_a_word_that_starts_another_consultation(self, store: Store, desk: PublishContext, file: Path):
        publish_file(store, file, desk)
        file.write_text(GOOD.replace("slug: park", "slug: wald"), encoding="utf-8")
        refused = publish_file(store, file, desk)
        assert refused.revision is None
        assert [it.reason for it in refused.issues] == [
            "keywords: “wiese” already starts park",
            "keywords: “cayir” already starts park",
        ]

    def test_warns_of_a_closing_date_in_the_past(self, store: Store, desk: PublishContext, file: Path):
        late = desk._replace(now=datetime(2027, 3, 31, 22, 30, tzinfo=UTC))
        assert ["it closed on 2027-03-31" in str(it) for it in publish_file(store, file, late).issues] == [True]

    def test_publishes_the_samples_into_an_empty_store_only(self, store: Store, desk: PublishContext):
        assert [it for it in publish_samples(store, desk) if not it.warning] == []
        with store.reading() as connection:
            slugs = [revision.slug for revision in list_live_revisions(connection)]
        assert slugs == sorted(path.stem for path in SAMPLES.glob("*.yaml"))
        assert publish_samples(store, desk) == []

    def test_a_store_that_fails_is_a_fault_and_no_stop(self, tmp_path: Path, desk: PublishContext):
        store = Store(f"sqlite:///{tmp_path}/nowhere.db")
        try:
            assert ["the samples could not be stored" in it.reason for it in publish_samples(store, desk)] == [True]
        finally:
            store.dispose()


SAMPLE_LINES = (SAMPLES / "buergerhaushalt.yaml").read_text(encoding="utf-8").splitlines()
KEY_LINES = [number for number, line in enumerate(SAMPLE_LINES) if re.match(r"[ -]*[a-z-]+:", line)]
JARGON = re.compile(r"validation|pydantic|Input should|type=|NoneType|Traceback|Error", re.IGNORECASE)


def block_end(number: int) -> int:
    """The line after everything that belongs to the key in this line."""
    indent = len(SAMPLE_LINES[number]) - len(SAMPLE_LINES[number].lstrip(" "))
    for after in range(number + 1, len(SAMPLE_LINES)):
        line = SAMPLE_LINES[after]
        if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
            return after
    return len(SAMPLE_LINES)


@settings(max_examples=80)
@given(
    number=st.sampled_from(KEY_LINES),
    how=st.sampled_from(["line", "block", "rename", "empty", "number", "list", "indent"]),
)
def test_any_changed_key_is_reported_with_its_line(number: int, how: str):
    lines, line = list(SAMPLE_LINES), SAMPLE_LINES[number]
    before, _, after = line.partition(":")
    if how == "line":
        del lines[number]
    elif how == "block":
        del lines[number : block_end(number)]
    else:
        lines[number] = {
            "rename": f"{before}x:{after}",
            "empty": f"{before}:",
            "number": f"{before}: 7",
            "list": f"{before}: [[], {{}}]",
            "indent": f" {line}",
        }[how]
    checked = check_parsed_file(yaml_source.parse_yaml("\n".join(lines), "x.yaml"), "x.yaml", CATALOGUES)
    for fault in checked.issues:
        assert 1 <= fault.line <= len(SAMPLE_LINES) + 1
        assert fault.reason
        assert fault.remedy
        assert not JARGON.search(str(fault)), str(fault)
    if how in {"rename", "list"}:
        assert checked.publishable is None or "synonyms" in line


@settings(max_examples=80)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_no_text_makes_reading_raise(text: str):
    checked = check_parsed_file(yaml_source.parse_yaml(text, "x.yaml"), "x.yaml", CATALOGUES)
    assert checked.consultation is None
    assert checked.issues


DOCS = (Path(__file__).parents[2] / "docs" / "reference" / "consultations.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", DOCS, re.DOTALL)


def test_the_whole_file_in_the_docs_is_a_good_one():
    consultation, faults = check_text(EXAMPLES[0])
    assert consultation is not None
    assert [str(fault) for fault in faults if not UNREAD.search(fault.reason)] == []


@pytest.mark.parametrize("example", EXAMPLES[1:], ids=lambda text: text.split("\n")[0])
def test_the_questions_in_the_docs_are_good_ones(example: str):
    # The whole file without its questions, or with the one an example builds upon.
    first = "  - key: why_dark" if "ask_if" in example or "type: note" in example else "  - key:"
    head = EXAMPLES[0].partition(first)[0]
    _, faults = check_text(head + "".join(f"  {line}\n" for line in example.splitlines()))
    assert [str(fault) for fault in faults if not fault.warning] == []


def test_the_docs_name_every_field_and_every_type():
    fields = [
        *Consultation.model_fields.items(),
        *(it for one in registry().values() for it in one.model_fields.items()),
    ]
    for name in (field.alias or name for name, field in fields):
        assert f"`{name}`" in DOCS or f"{name}:" in DOCS, name
    for kind in registry():
        assert f"### {kind}" in DOCS, kind
    for condition in ("answered", "equal", "one_of", "less", "greater", "all", "any", "not"):
        assert f"{{{condition}: " in DOCS, condition


def fits(data: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether data keeps to a JSON Schema; as much of the standard as pydantic writes."""
    if ref := schema.get("$ref"):
        return fits(data, root["$defs"][ref.rpartition("/")[2]], root)
    if any_of := schema.get("anyOf") or schema.get("oneOf"):
        return any(fits(data, {**schema, "anyOf": None, "oneOf": None, **one}, root) for one in any_of)
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool}
    kind = schema.get("type")
    if kind == "null":
        return data is None
    if kind and (not isinstance(data, kinds[kind]) or (kind != "boolean" and isinstance(data, bool))):
        return False
    if data not in schema.get("enum", [data]) or data != schema.get("const", data):
        return False
    if isinstance(data, str):
        return bool(re.search(schema.get("pattern", ""), data)) and len(data) >= schema.get("minLength", 0)
    if isinstance(data, list):
        return len(data) >= schema.get("minItems", 0) and all(fits(it, schema.get("items", {}), root) for it in data)
    if isinstance(data, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        return set(schema.get("required", ())) <= set(data) and all(
            fits(value, known[name], root) if name in known else others and fits(value, others, root)
            for name, value in data.items()
        )
    return True


@pytest.mark.parametrize("path", [FILES / "good.yaml", *sorted(SAMPLES.glob("*.yaml"))], ids=lambda path: path.stem)
def test_files_keep_to_the_json_schema(path: Path):
    schema = Consultation.model_json_schema()
    data = yaml_source.load_yaml(path).data
    assert fits(data, schema, schema)
    assert fits(data | {"languages": ["de", "en"]}, schema, schema)
    assert not fits(data | {"sloug": "x"}, schema, schema)
    assert not fits(data | {"title": "x"}, schema, schema)
    assert not fits(data | {"questions": [{**data["questions"][0], "type": "choise"}]}, schema, schema)


def test_a_file_of_one_long_line_may_be_json() -> None:
    texts = {f"k{number}": "wort # ! " * 1_000 for number in range(100)}
    content = json.dumps(texts)
    assert len(content) > 40 * yaml_source.LONGEST
    assert yaml_source.parse_yaml(content, "one.json").data == texts


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("retention: 90", "“retention” must have entries of its own"),
        ("contact: Erika", "“contact” must have entries of its own"),
        ("title: Park", "“title” must have a text for each language"),
        ("why: {de: Was, wenn es regnet?}", "“wenn es regnet?” has no text: in braces a comma ends a text"),
    ],
)
def test_a_wrong_structure_is_named(tmp_path: Path, line: str, reason: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"slug: park\n{line}\n", encoding="utf-8")
    assert reason in [it.reason for it in read_consultation_file(path).issues if it.line == 2]
