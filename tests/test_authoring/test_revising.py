"""Publishing over what others answered, and over what others published."""

import json
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.authoring.confirmation import Unconfirmed
from bot.authoring.file_check import canonical_content
from bot.authoring.publish_impact import PublishOptions
from bot.authoring.publishing import PublishContext, PublishOutcome, publish_file
from bot.authoring.yaml_export import consultation_to_yaml
from bot.cli import context, main
from bot.common.audit import Actor, Auditor
from bot.common.ids import Ids
from bot.consultations.definition_issues import DefinitionIssue
from bot.settings import Settings
from flows.definition import Consultation
from storage.core.store import Store
from storage.tables.answers import upsert_answers
from storage.tables.revisions import find_live_revision, revisions_once_live
from tests.support.app import KEYS, consultation
from tests.support.databases import Database
from tests.support.rows import answer, stored_session

NOON = datetime(2026, 11, 30, 12, 5, tzinfo=UTC)
SCALE = {
    "key": "sc",
    "type": "scale",
    "text": {"de": "Wie gut?"},
    "min_label": {"de": "schlecht"},
    "max_label": {"de": "gut"},
}
OPTIONS = [{"value": "a", "label": {"de": "Rot"}}, {"value": "b", "label": {"de": "Blau"}}]
COLOUR = {"key": "colour", "type": "choice", "text": {"de": "Welche Farbe?"}, "options": OPTIONS}
WISH = {"key": "wish", "type": "text", "text": {"de": "Was fehlt im Park am See?"}}


class World:
    """A folder with files, and a store they are published into."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.folder = folder

    def asks(self, *questions: dict[str, Any], **more: Any) -> Consultation:
        return consultation("park", list(questions), languages=["de"], closes="2027-03-31", **more)

    def publish(
        self, one: Consultation, base: int | None = None, *same: str, by: str = "cem", mark: int = 0
    ) -> PublishOutcome:
        path = self.write(one, mark)
        note = Auditor(KEYS, Actor(by, "", "cli"))
        desk = PublishContext(Ids(), NOON, ZoneInfo("Europe/Berlin"), note=note)
        return publish_file(self.store, path, desk, PublishOptions(base, frozenset(same)))

    def write(self, one: Consultation, mark: int = 0) -> Path:
        """The file of it, which says that it was made from revision `mark`."""
        data = json.loads(canonical_content(one)) | ({"revision": mark} if mark else {})
        path = self.folder / "park.json"
        path.write_text(json.dumps(data, indent=1), encoding="utf-8")
        return path

    def number(self, one: Consultation, **more: Any) -> int:
        """The number under which it is published now."""
        published = self.publish(one, **more)
        assert published.revision is not None, published
        return published.revision.number

    def answered(self, people: int, number: int = 1, first: int = 1, **values: Any) -> None:
        """This number of people answer this revision and stay unfinished in it."""
        with self.store.begin() as connection:
            newest = find_live_revision(connection, "park")
            assert newest is not None
            revision = revisions_once_live(connection, newest.consultation_id)[number - 1]
            for person in range(first, first + people):
                session = stored_session(connection, revision, person)
                rows = [answer(session, key, json.dumps(value)) for key, value in values.items()]
                upsert_answers(connection, [*rows, answer(session, "skipped", None, missing="skipped")])


@pytest.fixture
def world(store: Store, tmp_path: Path) -> World:
    return World(store, tmp_path)


def reasons(published: PublishOutcome) -> list[str]:
    return [fault.reason for fault in grave(published)]


def grave(published: PublishOutcome) -> list[DefinitionIssue]:
    assert published.revision is None
    return [fault for fault in published.issues if not fault.warning]


class TestAnswers:
    def test_changed_range_is_refused_with_line_reason_and_new_key(self, world: World):
        world.publish(world.asks(WISH, SCALE))
        world.answered(2, sc=5)
        refused = world.publish(world.asks(WISH, SCALE | {"min": 0, "max": 10}))
        assert reasons(refused) == [
            "question sc: “min” was 1 and would be 0; 2 people answered it under revision 1",
            "question sc: “max” was 5 and would be 10; 2 people answered it under revision 1",
        ]
        assert grave(refused)[0].remedy == "it is another question now: give it a key of its own, e.g. sc_2"
        lines = (world.folder / "park.json").read_text(encoding="utf-8").splitlines()
        question = "".join(lines[grave(refused)[0].line - 1 :]).partition("}")[0]
        assert '"sc"' in question, "the line of the question, not of the file"
        assert '"wish"' not in question

    def test_without_answers_everything_may_change(self, world: World):
        world.publish(world.asks(COLOUR))
        world.answered(3)
        assert world.number(world.asks(COLOUR | {"type": "choices"})) == 2

    def test_answers_to_all_earlier_revisions_are_protected(self, world: World):
        world.publish(world.asks(COLOUR, WISH))
        world.answered(1, colour="a")
        assert world.number(world.asks(WISH)) == 2
        refused = world.publish(world.asks(WISH, SCALE | {"key": "colour"}))
        assert reasons(refused) == [
            "question colour: its type was choice and would be scale; 1 person answered it under revision 1"
        ]

    def test_unconfirmed_wording_is_not_stored(self, world: World):
        world.publish(world.asks(COLOUR))
        world.answered(2, colour="a")
        other = world.asks(COLOUR | {"text": {"de": "Welcher Farbton?"}})
        waiting = world.publish(other)
        assert waiting.revision is None
        assert reasons(waiting) == []
        assert [(it.key, it.people) for it in waiting.impact.unconfirmed] == [("colour", 2)]
        confirmed = world.publish(other, None, "colour")
        assert confirmed.new
        assert confirmed.impact.under_way == {1: 2}
        assert world.publish(other).revision == confirmed.revision

    def test_a_key_that_is_nowhere_is_told(self, world: World):
        world.publish(world.asks(COLOUR))
        assert reasons(world.publish(world.asks(COLOUR, minutes=5), None, "color")) == [
            "--same-meaning color: there is no question of this key"
        ]

    def test_what_passes_is_said_with_how_many_are_under_way(self, world: World):
        world.publish(world.asks(COLOUR))
        world.answered(2, colour="a")
        more = world.asks(COLOUR | {"options": [*OPTIONS, {"value": "c", "label": {"de": "Grün"}}]})
        published = world.publish(more)
        assert [it.kind for it in published.impact.changes] == ["option_new"]
        assert published.impact.under_way == {1: 2}


class TestSomebodyElse:
    """Aylin and Cem have a copy of the same file each, and correct one word each."""

    FIRST = WISH | {"text": {"de": "Was felt im Park am Se?"}}

    def test_outdated_copy_cannot_revert_a_correction(self, world: World):
        world.publish(world.asks(COLOUR, self.FIRST))
        world.publish(world.asks(COLOUR | {"text": {"de": "Welche Farbe?!"}}, self.FIRST), by="aylin")
        refused = world.publish(world.asks(COLOUR, WISH))
        assert reasons(refused) == [
            "it would take back what revision 2 changed, which was published by aylin at 13:05 on 2026-11-30",
            "question colour, text (de): “Welche Farbe?!” in revision 2 would be “Welche Farbe?”",
        ]
        assert "show park" in grave(refused)[0].remedy
        assert "--base 2" in grave(refused)[0].remedy
        assert world.number(world.asks(COLOUR | {"text": {"de": "Welche Farbe?!"}}, WISH)) == 3

    def test_nor_where_both_corrected_a_word_of_the_same_sentence(self, world: World):
        world.publish(world.asks(self.FIRST))
        world.publish(world.asks(WISH | {"text": {"de": "Was fehlt im Park am Se?"}}), by="aylin")
        refused = world.publish(world.asks(WISH | {"text": {"de": "Was felt im Park am See?"}}))
        assert "“Was fehlt im Park am Se?” in revision 2 would be “Was felt im Park am See?”" in reasons(refused)[1]
        assert world.number(world.asks(WISH)) == 3

    @pytest.mark.parametrize(
        "second",
        [
            [COLOUR, SCALE, WISH],
            [WISH, COLOUR],
            [COLOUR],
            [COLOUR | {"options": [*OPTIONS, {"value": "c", "label": {"de": "Grün"}}]}, WISH],
            [COLOUR | {"options": OPTIONS[::-1]}, WISH],
            [COLOUR | {"hint": {"de": "Nur eine."}}, WISH],
            [COLOUR, WISH | {"ask_if": {"answered": "colour"}}],
        ],
        ids=["question", "order", "removal", "option", "order of options", "hint", "condition"],
    )
    def test_every_kind_of_change_is_noticed(self, world: World, second: list[dict[str, Any]]):
        world.publish(world.asks(COLOUR, WISH))
        world.publish(world.asks(*second), by="aylin")
        refused = world.publish(world.asks(COLOUR, WISH, minutes=9))
        assert len(reasons(refused)) >= 2
        assert world.number(world.asks(*second, minutes=9)) == 3

    def test_what_the_newest_did_not_change_may_change(self, world: World):
        world.publish(world.asks(COLOUR, WISH))
        world.publish(world.asks(COLOUR, WISH, minutes=3))
        assert world.number(world.asks(COLOUR, WISH | {"hint": {"de": "Kurz."}}, minutes=3)) == 3
        assert world.number(world.asks(COLOUR, WISH | {"hint": {"de": "Sehr kurz."}}, minutes=3)) == 4

    def test_an_earlier_revision_again_is_refused(self, world: World):
        first, second, third = world.asks(COLOUR), world.asks(COLOUR, minutes=3), world.asks(COLOUR, minutes=4)
        for one in (first, second, third):
            world.publish(one)
        assert reasons(world.publish(first)) == [
            "it is revision 1 again word for word, and revision 3 was published by cem at 13:05 on 2026-11-30 since",
            "minutes: “4” in revision 3 would be “2”",
        ]
        again = world.publish(first, 3)
        assert again.new
        assert again.revision
        assert again.revision.number == 1

    def test_a_file_that_says_its_revision_must_have_what_came_since(self, world: World):
        world.publish(world.asks(COLOUR, WISH))
        world.publish(world.asks(COLOUR, WISH, minutes=3), by="aylin")
        mine = world.asks(COLOUR, WISH | {"hint": {"de": "Kurz."}})
        refused = world.publish(mine, mark=1)
        assert reasons(refused) == [
            "it was made from revision 1, and revision 2 was published by aylin at 13:05 on 2026-11-30 since",
            "minutes: “3” in revision 2 would be “2”",
        ]
        assert world.publish(mine.model_copy(update={"minutes": 7}), mark=1).revision is None, "another change there"
        assert world.number(mine, mark=2) == 3, "who has seen it may take it back"
        assert world.number(mine.model_copy(update={"minutes": 3}), base=3, mark=1) == 4

    def test_a_number_that_does_not_exist_is_told(self, world: World):
        world.publish(world.asks(COLOUR))
        refused = world.publish(world.asks(WISH), mark=9)
        assert reasons(refused) == ["it says that it was made from revision 9, and the newest is revision 1"]
        assert world.publish(world.asks(COLOUR), mark=9).revision is not None, "the same content changes nothing"

    def test_copied_file_for_a_new_slug_may_keep_its_number(self, world: World):
        assert world.number(world.asks(COLOUR), mark=4) == 1

    def test_a_shown_file_publishes_as_it_is_and_changed(self, world: World):
        one = world.asks(COLOUR, WISH)
        world.publish(one)
        path = world.folder / "park.yaml"
        path.write_text(consultation_to_yaml(one, 1), encoding="utf-8")
        desk = PublishContext(Ids(), NOON, ZoneInfo("Europe/Berlin"))
        assert not publish_file(world.store, path, desk).new
        path.write_text(consultation_to_yaml(one, 1).replace("am See", "am Fluss"), encoding="utf-8")
        assert publish_file(world.store, path, desk).new
        path.write_text(consultation_to_yaml(one, 1).replace("Farbe", "Farben"), encoding="utf-8")
        refused = publish_file(world.store, path, desk)
        assert grave(refused)[0].line == 4


class TestCommand:
    @pytest.fixture
    def files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
        """A data folder in which a person answered what is published, and the file of it."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MITSPRACHE_PUBLISH_SAMPLES", "false")
        world = World(context.open_with_samples(Settings(data=tmp_path / "data", publish_samples=False))[0], tmp_path)
        world.publish(world.asks(COLOUR, WISH))
        world.answered(2, colour="a")
        return world

    def run(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.run_cli(list(words))
        assert isinstance(ended.value.code, int)
        return ended.value.code, capsys.readouterr().out

    def test_without_a_terminal_changes_are_listed_with_exit_code_2(self, files: World, capsys):
        files.write(files.asks(COLOUR | {"text": {"de": "Welcher Farbton?"}}, WISH))
        code, out = self.run(capsys, "publish", "park.json")
        assert code == 2
        assert (
            "question colour: the text has other words (de: “Welche Farbe?” | “Welcher Farbton?”); "
            "2 people answered it under revision 1; if it still means the same, add --same-meaning colour; "
            "if not, give it a key of its own, e.g. colour_2\nNothing was published.\n"
        ) in out
        code, out = self.run(capsys, "publish", "park.json", "--same-meaning", "colour")
        assert code == 0
        assert "2 people are in the middle of revision 1 and stay with it\npark: revision 2 published" in out

    @pytest.mark.parametrize(("answer", "number"), [(True, 2), (False, 1)])
    def test_on_a_terminal_a_person_is_asked(self, files: World, answer: bool, number: int):
        path = files.write(files.asks(COLOUR | {"text": {"de": "Welcher Farbton?"}}, WISH))
        asked: list[str] = []

        def ask(question: str) -> bool:
            asked.append(question)
            return answer

        settings = Settings(data=files.folder / "data", publish_samples=False)
        with nullcontext() if answer else pytest.raises(Unconfirmed):
            assert context.run_publish(settings, path, lambda _: None, ask=ask)
        assert ["question colour still mean the same" in it for it in asked] == [True]
        with files.store.reading() as connection:
            newest = find_live_revision(connection, "park")
        assert newest is not None
        assert newest.number == number

    def test_what_is_refused_is_a_fault_with_exit_code_1(self, files: World, capsys):
        files.write(files.asks(COLOUR | {"type": "choices"}, WISH))
        code, out = self.run(capsys, "publish", "park.json", "--same-meaning", "colour")
        assert code == 1
        assert "question colour: its type was choice and would be choices" in out

    def test_show_prints_a_file_that_changes_nothing(self, files: World, capsys):
        code, out = self.run(capsys, "show", "park")
        assert code == 0
        Path("park.yaml").write_text(out, encoding="utf-8")
        assert self.run(capsys, "check", "park.yaml")[0] == 0
        code, out = self.run(capsys, "publish", "park.yaml")
        assert (code, "park: revision 1 is already published" in out) == (0, True)
        Path("park.yaml").write_text(Path("park.yaml").read_text().replace("minutes: 2", "minutes: 4"))
        code, out = self.run(capsys, "publish", "park.yaml")
        assert code == 0
        assert "states that it was made from revision 1; write revision: 2 before you change it again" in out

    def test_show_of_what_is_not_there_names_what_is(self, files: World, capsys):
        assert self.run(capsys, "show", "see")[0] == 1


class TestAtOnce:
    @pytest.fixture
    def stores(self, database: Database) -> Iterator[list[Store]]:
        opened = [Store(database.url, busy_seconds=20) for _ in range(4)]
        yield opened
        for store in opened:
            store.dispose()

    def test_concurrent_publishing_succeeds_for_one_only(self, world: World, stores: list[Store], tmp_path: Path):
        world.publish(world.asks(COLOUR, WISH))
        came: list[PublishOutcome] = []
        barrier = threading.Barrier(len(stores))

        def go(number: int, store: Store) -> None:
            path = tmp_path / f"{number}.yaml"
            path.write_text(consultation_to_yaml(world.asks(COLOUR, WISH, minutes=10 + number), 1), encoding="utf-8")
            barrier.wait()
            came.append(publish_file(store, path, PublishContext(Ids(), NOON, ZoneInfo("Europe/Berlin"))))

        threads = [threading.Thread(target=go, args=it) for it in enumerate(stores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(it.new for it in came) == [False, False, False, True]
        for published in came:
            if not published.new:
                assert "revision 2 was published at 13:05" in reasons(published)[0]
        with world.store.reading() as connection:
            newest = find_live_revision(connection, "park")
        assert newest is not None
        assert newest.number == 2
