"""Drafts of consultation files: versions, two editors, comments that stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.authoring import drafts
from bot.authoring.draft_texts import mark_changed, mark_reviewed, review_of, texts_to_review, with_review
from bot.authoring.drafts import Draft, DraftAuthor, DraftChanged, DraftUnusable
from bot.authoring.question_forms import first_words
from bot.authoring.starting_points import begin_with
from bot.authoring.yaml_edit import EditRefused, arrange, insert_entry, plain_data, set_values
from storage.core.store import Store
from storage.tables.consultation_drafts import draft_versions, drafts_never_stored
from storage.tables.consultations import find_consultation
from tests.support.ideas import open_consultation

NOW = datetime(2026, 12, 2, 9, tzinfo=UTC)
AYLIN, CEM = DraftAuthor("Aylin", NOW), DraftAuthor("Cem", NOW + timedelta(minutes=1))
KIEZ = (Path(__file__).parents[2] / "flows" / "consultations" / "mein-kiez.yaml").read_text("utf-8")
SMALL = """\
# Who may change this: the parks office.
slug: lamps
title: {de: Lampen}  # short

questions:
  # The first one is asked everybody.
  - key: first
    type: choice
    text: {de: "Eins: oder zwei?"}
    options:
      - {value: a, label: {de: A}}
      - {value: b, label: {de: B}}  # was: C

  # Only for those who like it.
  - key: second
    type: text
    text:
      de: |-
        Zwei
        # no comment
"""


def made(store: Store, text: str = SMALL) -> Draft:
    with store.begin() as connection:
        return drafts.create_draft(connection, 7, text, AYLIN)


def test_the_second_save_shows_both_texts_and_stores_nothing(store: Store) -> None:
    first = made(store)
    mine, theirs = SMALL.replace("Lampen", "Licht"), SMALL.replace("Lampen", "Laternen")
    with store.begin() as connection:
        saved = drafts.save_draft(connection, first.consultation_id, first.version, mine, AYLIN)
        assert (saved.version, saved.title) == (2, "Licht")
        with pytest.raises(DraftChanged) as caught:
            drafts.save_draft(connection, first.consultation_id, first.version, theirs, CEM)
        assert (caught.value.mine, caught.value.newest) == (theirs, saved)
        assert drafts.find_draft(connection, "lamps") == saved


def test_earlier_versions_return_and_only_fifty_are_kept(store: Store) -> None:
    draft = made(store)
    with store.begin() as connection:
        for number in range(60):
            text, later = SMALL.replace("Lampen", f"Lampen {number}"), timedelta(minutes=10 * number)
            draft = drafts.save_draft(connection, 7, draft.version, text, AYLIN._replace(now=NOW + later))
        kept = [it.version for it in draft_versions(connection, 7)]
        assert kept == [*range(61, 11, -1)]
        draft = drafts.restore_draft(connection, 7, draft.version, 12, CEM)
        assert (draft.version, draft.title, draft.changed_by) == (62, "Lampen 10", "Cem")
        with pytest.raises(DraftUnusable, match="gone"):
            drafts.restore_draft(connection, 7, draft.version, 3, CEM)


def test_of_many_saves_in_ten_minutes_the_last_one_is_kept(store: Store) -> None:
    draft = made(store)
    with store.begin() as connection:
        for number in range(90):
            by = (CEM if 30 <= number < 40 else AYLIN)._replace(now=NOW + timedelta(seconds=10 * number))
            text = SMALL.replace("Lampen", f"Lampen {number}")
            draft = drafts.save_draft(connection, 7, draft.version, text, by)
        kept = [it.version for it in draft_versions(connection, 7)]
        newest = [*range(91, 91 - drafts.KEPT_STEPS, -1)]
        assert kept[: drafts.KEPT_STEPS] == newest
        assert kept[drafts.KEPT_STEPS :] == [61, 41, 31]


def test_a_new_draft_is_a_consultation_that_can_be_deleted(store: Store) -> None:
    made(store)
    with store.begin() as connection:
        assert [it.slug for it in drafts_never_stored(connection)] == ["lamps"]
        with pytest.raises(DraftUnusable, match="taken"):
            drafts.create_draft(connection, 8, SMALL, CEM)
        assert drafts.free_slug(connection, "lamps") == "lamps-2"
        drafts.delete_draft(connection, 7, AYLIN)
        assert find_consultation(connection, "lamps") is None


def test_the_draft_of_a_live_consultation_begins_with_its_file(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        draft = drafts.find_draft(connection, "park")
        assert draft
        assert (draft.version, draft.revision) == (0, 1)
        assert drafts.read_draft_consultation(draft.text).publishable
        with pytest.raises(DraftUnusable, match="slug"):
            drafts.save_draft(connection, park, 0, SMALL, AYLIN)
        saved = drafts.save_draft(connection, park, 0, draft.text + "# a remark\n", AYLIN)
        assert (saved.version, saved.revision) == (1, None)
        drafts.mark_draft_published(connection, park, 1, 2, AYLIN)
        after = drafts.find_draft(connection, "park")
        assert after
        assert (after.revision, plain_data(after.text)["revision"]) == (2, 2)
        assert "# a remark" in after.text
        drafts.delete_draft(connection, park, AYLIN)
        assert drafts.find_draft(connection, "park") == draft


@pytest.mark.parametrize("text", ["", "- a\n", "title: [", "a: 1\na: 2\n", "x: &y {z: *y}\n", "title: {de: Park}\n"])
def test_what_is_no_file_is_no_draft(store: Store, text: str) -> None:
    with store.begin() as connection, pytest.raises(DraftUnusable):
        drafts.create_draft(connection, 7, text, AYLIN)


def test_values_change_without_touching_the_rest() -> None:
    changed = set_values(SMALL, {("title", "de"): "Licht: an", ("questions", 0, "skip"): False, ("minutes",): 3})
    assert changed == SMALL.replace("{de: Lampen}  #", '{de: "Licht: an"} #').replace(
        "slug: lamps\n", "slug: lamps\nminutes: 3\n"
    ).replace("    type: choice\n", "    type: choice\n    skip: false\n")


def test_questions_move_with_the_comment_above_them() -> None:
    moved = arrange(SMALL, ("questions",), [1, 0])
    assert "questions:\n  # Only for those who like it.\n  - key: second" in moved
    assert "  # The first one is asked everybody.\n  - key: first" in moved
    assert "# was: C" in moved
    assert arrange(moved, ("questions",), [1, 0]).split() == SMALL.split()
    only = arrange(SMALL, ("questions",), [1])
    assert "everybody" not in only
    assert "Only for those" in only


def test_entries_are_added_and_options_copied() -> None:
    note = {"key": "n", "type": "note", "text": {"de": "12", "en": "no\nand yes"}}
    assert [it["key"] for it in plain_data(insert_entry(SMALL, ("questions",), 1, note))["questions"]] == [
        "first",
        "n",
        "second",
    ]
    options = ("questions", 0, "options")
    assert [it["value"] for it in plain_data(arrange(SMALL, options, [1, 1, 0]))["questions"][0]["options"]] == [
        "b",
        "b",
        "a",
    ]
    with pytest.raises(EditRefused):
        arrange(SMALL, ("title",), [0])
    with pytest.raises(EditRefused):
        set_values(SMALL, {("questions", 5, "key"): "x"})


def test_a_large_file_keeps_every_comment() -> None:
    changed = set_values(KIEZ, {("title", "de"): "Kiez", ("questions", 1, "max"): None})
    removed = [line for line in KIEZ.splitlines() if line not in changed.splitlines()]
    assert removed == ["  de: Mein Kiez, lebenswert", "    max: 3"]


REVIEWED_TEXTS = """\
slug: lamps
languages:
  de: {review: reviewed}
  en: {review: reviewed}
  tr: {}
title:
  de: Lampen  # short
  en: Lamps
  tr: Lambalar

# The first one is asked everybody.
questions:
  - key: first
    type: text
    text: {de: Wo, en: Where}
"""


def test_a_changed_text_and_its_translations_lose_their_review() -> None:
    after = mark_changed(REVIEWED_TEXTS, set_values(REVIEWED_TEXTS, {("title", "de"): "Licht"}), "de")
    assert "  de: {text: Licht, review: unreviewed} # short\n  en: {text: Lamps, review: unreviewed}\n" in after
    assert "  tr: Lambalar\n\n# The first one" in after
    assert [review_of(plain_data(after), it) for it in ("de", "en", "tr")] == ["unreviewed"] * 3
    one = mark_reviewed(after, {"title-en"}, "en")
    assert [review_of(plain_data(one), it) for it in ("de", "en")] == ["unreviewed", "reviewed"]
    again = set_values(one, {("title", "en", "text"): "Light"})
    assert texts_to_review(plain_data(mark_changed(one, again, "de")), "en") == [("title", "en")]
    whole = with_review(after, "de", "reviewed", "Aylin")
    assert [review_of(plain_data(whole), it) for it in ("de", "en")] == ["reviewed", "unreviewed"]


def test_a_changed_translation_leaves_its_original_reviewed() -> None:
    after = mark_changed(REVIEWED_TEXTS, set_values(REVIEWED_TEXTS, {("questions", 0, "text", "en"): "Where?"}), "de")
    assert texts_to_review(plain_data(after), "en") == [("questions", "first", "text", "en")]
    assert review_of(plain_data(after), "de") == "reviewed"


def test_new_questions_are_unreviewed_copies_are_not() -> None:
    new = {"key": "second", "type": "text", "text": {"de": "Wann"}}
    added = mark_changed(REVIEWED_TEXTS, insert_entry(REVIEWED_TEXTS, ("questions",), 0, new), "de")
    assert texts_to_review(plain_data(added), "de") == [("questions", "second", "text", "de")]
    copied = arrange(REVIEWED_TEXTS, ("questions",), [0, 0])
    assert mark_changed(REVIEWED_TEXTS, copied, "de") == copied


def test_lists_show_the_title_in_the_main_language(store: Store) -> None:
    text = SMALL.replace("title: {de: Lampen}", "title: {en: Lamps, de: Lampen}\nlanguages: [de, en]")
    assert plain_data(text)["title"] == {"en": "Lamps", "de": "Lampen"}
    assert made(store, text).title == "Lampen"
    assert first_words(plain_data(text)["title"], "de") == "Lampen"
    renamed = plain_data(begin_with(text, "lights", "Lichter"))
    assert renamed["title"] == {"en": "Lamps", "de": "Lichter"}
