"""The page of a conversation follows from the parts of its messages, also of those of version 1."""

from __future__ import annotations

from typing import Final

import pytest

from adapters.web.log import ChatEntry
from bot.web.public.form_model import FormStep, Passage, form_step
from flows.messages import MsgOut, QuickReply
from flows.parts import (
    BLANK,
    AboutPart,
    BodyPart,
    EarlierAnswerPart,
    ErrorPart,
    HintPart,
    MessagePart,
    NoticePart,
    ProgressPart,
    ProposalCard,
    ReceiptPart,
    SelectionPart,
    SummaryRow,
    TitlePart,
)
from tests.support.recorded_messages import recorded_messages

OLD: Final = recorded_messages(1)
SKIP: Final = QuickReply("c..skip", "Überspringen", role="navigation")
UNSURE: Final = QuickReply("c.gap.dont_know", "Weiß nicht", 3, role="missing")
DONE: Final = QuickReply("c.gap.+done", "Fertig", role="done")


def options(*chosen: int) -> tuple[QuickReply, ...]:
    """Two check boxes, some of them ticked."""
    return tuple(
        QuickReply(f"c.gap.{name}", f"{'☑' if n in chosen else '☐'} {name}", n, n in chosen, name=name)
        for n, name in enumerate(("Bänke", "Bäume"), start=1)
    )


QUESTION: Final = MsgOut(
    [ProgressPart("Frage 1 von 2"), TitlePart("Was fehlt?"), BodyPart("Bis zu 2."), HintPart("Nur hier im Park.")],
    (*options(), UNSURE, SKIP),
    expects="many",
    title="Was fehlt?",
)


def page(*said: MsgOut | str) -> FormStep:
    """The page after what the bot said, and (as text) the person."""
    pairs = enumerate(said, start=1)
    return form_step([ChatEntry(n, None, it) if isinstance(it, str) else ChatEntry(n, it) for n, it in pairs])


def draft(*parts: NoticePart | SelectionPart | HintPart | ErrorPart, chosen: tuple[int, ...] = (1,)) -> MsgOut:
    """What the bot says to an answer in the making."""
    done = () if any(isinstance(part, ErrorPart) for part in parts) else (DONE,)
    return QUESTION._replace(parts=parts, quick_replies=(*options(*chosen), *done))


def test_a_question_has_caption_title_hint_and_answers():
    step = page(QUESTION)
    assert (step.kind, step.caption, step.title) == ("question", "Frage 1 von 2", "Was fehlt?")
    assert step.hint == (Passage("Bis zu 2."), Passage("Nur hier im Park.", "\n"))
    assert [option.label for option in step.options] == ["Bänke", "Bäume"]
    assert [option.label for option in step.others] == ["Weiß nicht"]
    assert [option.label for option in step.words] == ["Überspringen"]


def test_a_question_that_looks_like_a_summary_is_a_question():
    asks = QUESTION._replace(parts=(TitlePart("1. Was?\n   → A 7K3QP-2M9XD"),), title="1. Was?\n   → A 7K3QP-2M9XD")
    assert (page(asks).kind, page(asks).title) == ("question", "1. Was?\n   → A 7K3QP-2M9XD")


def test_ticked_boxes_need_no_words_but_notices_do():
    said = SelectionPart("Gewählt: Bänke.", is_list=True), HintPart("Fertig? Dann „Fertig“.", is_typing=True)
    step = page(QUESTION, "1", draft(*said))
    assert (step.notes, step.error, step.caption) == ((), "", "Frage 1 von 2")
    assert [option.is_chosen for option in step.options] == [True, False]
    assert [option.label for option in step.others] == ["Weiß nicht"], "as the question offered them"
    step = page(QUESTION, "1 quux", draft(NoticePart("Nicht verstanden: quux"), *said))
    assert step.notes == ("Nicht verstanden: quux",)


def test_too_many_ticked_boxes_are_a_fault_a_page_can_word():
    selection, error = SelectionPart("Gewählt: alle.", is_list=True), ErrorPart("Höchstens 1: Nummer schreiben.", 1)
    step = page(QUESTION, "1, 2", draft(selection, error, chosen=(1, 2)))
    assert (step.most, step.error) == (1, "Höchstens 1: Nummer schreiben.")
    step = page(QUESTION, "1, 2", draft(NoticePart("Nicht verstanden: quux"), selection, error, chosen=(1, 2)))
    assert (step.most, step.error) == (0, "Nicht verstanden: quux\nHöchstens 1: Nummer schreiben.")


def test_invalid_reply_is_an_error_on_checkbox_pages_too():
    once = QUESTION._replace(parts=(ErrorPart("Bitte Nummern."),), quick_replies=(*options(1), DONE))
    step = page(QUESTION, "hm", once)
    assert (step.error, step.caption, step.hint[0].text) == ("Bitte Nummern.", "Frage 1 von 2", "Bis zu 2.")
    twice = QUESTION._replace(parts=QUESTION.parts[1:]).preceded_by((ErrorPart("Wieder nicht. Bitte Nummern."),))
    step = page(QUESTION, "hm", once, "hm", twice)
    assert (step.error, step.notes, step.caption) == ("Wieder nicht. Bitte Nummern.", (), "Frage 1 von 2")


def test_a_notice_before_a_question_is_a_note():
    step = page(QUESTION.preceded_by((NoticePart("Verstanden: Mitte", "understood"), NoticePart("Gelöscht."))))
    assert (step.notes, step.error, step.caption) == (("Verstanden: Mitte\nGelöscht.",), "", "Frage 1 von 2")


def test_the_answer_so_far_is_not_among_the_notes():
    earlier = EarlierAnswerPart("Bisher: ", "Bänke", "\nNeu antworten, oder: weiter")
    step = page(QUESTION.preceded_by((earlier,)))
    assert (step.earlier, step.notes) == (earlier, ())


def test_how_to_type_numbers_is_no_help_beside_fields():
    parts: list[MessagePart] = [TitlePart("Zuerst?"), HintPart("2, 1, 3", is_typing=True), HintPart("Nicht alle.")]
    asks = MsgOut(parts, (QuickReply("c.q.a", "A (1.)", 1, amount=1, name="A"),), expects="order", title="Zuerst?")
    step = page(asks)
    assert (step.hint, [option.label for option in step.options]) == ((Passage("Nicht alle."),), ["A"])
    assert len(page(asks._replace(expects="one")).hint) == 2


def test_an_idea_keeps_its_language_and_direction():
    card = ProposalCard("مزيد من الأشجار", "P-1", "ar")
    step = page(MsgOut([card, BodyPart("Nur auf: العربية")], title=card.text, expects="one"))
    assert (step.title, step.title_language) == ("مزيد من الأشجار", "ar")
    similar: list[MessagePart] = [
        TitlePart("Ähnlich:"),
        card._replace(number=1, gap=BLANK),
        ProposalCard("Mehr Bänke", "P-2", "de", 2),
    ]
    step = page(MsgOut(similar, title="Ähnlich:", expects="one"))
    assert step.hint == (Passage("1. مزيد من الأشجار", "", "ar", "rtl"), Passage("2. Mehr Bänke", "\n"))
    assert step.title_language == ""


def test_the_summary_has_rows_whatever_is_written_in_them():
    rows = [SummaryRow(1, "Was?", "1. Eins\n2. Zwei\n\nEnde"), SummaryRow(2, "2. Wie?\n   → so", "Gut")]
    submit = QuickReply("c..submit", "Absenden", role="navigation")
    step = page(MsgOut([TitlePart("Ihre Antworten:"), *rows, HintPart("Stimmt alles?", is_typing=True)], (submit,)))
    assert (step.kind, step.rows, [word.label for word in step.words]) == ("summary", tuple(rows), ["Absenden"])


def test_thanks_have_a_receipt_and_what_comes_next():
    parts: list[MessagePart] = [
        TitlePart("Danke!"),
        ReceiptPart("Ihre Quittung: ", "7K3QP-2M9XD", "\nBitte aufheben.", gap=BLANK),
        BodyPart("Es entscheidet die Stadt.", gap=BLANK),
        HintPart("Zurück kommen Sie mit: Start", is_typing=True, gap=BLANK),
    ]
    step = page(MsgOut(parts))
    assert (step.kind, step.title, step.receipt, step.receipt_name) == (
        "thanks", "Danke!", "7K3QP-2M9XD", "Ihre Quittung",
    )  # fmt: skip
    assert step.notes == ("Bitte aufheben.", "Es entscheidet die Stadt.")
    about = MsgOut("Ihre Daten\n\nQuittung: 7K3QP-2M9XD")
    assert page(about).kind == "menu", "a receipt that is only mentioned is no end"


def test_what_the_consultation_is_about_is_set_apart_from_notes():
    greeting = MsgOut([AboutPart("Park"), AboutPart("Es fragt: die Stadt.")])
    step = page(greeting, MsgOut("Nur ein Test."), QUESTION)
    assert (step.about, step.notes) == (("Park\n\nEs fragt: die Stadt.",), ("Nur ein Test.",))
    step = page(greeting.preceded_by((NoticePart("Gelöscht."),)), QUESTION)
    assert (step.about, step.notes) == (("Park\n\nEs fragt: die Stadt.",), ("Gelöscht.",))


@pytest.mark.parametrize("old", OLD, ids=[old["kind"] for old in OLD])
def test_a_message_of_version_1_is_shown_whole_with_its_answers(old):
    msg = MsgOut.from_data(old["payload"])
    step = page(msg)
    shown = "\n".join([step.title, *(passage.gap + passage.text for passage in step.hint)])
    assert all(line in shown for line in msg.text.split("\n"))
    offered = [it.token for it in (*step.options, *step.others, *step.marks, *step.words)]
    others = {reply.token for reply in msg.quick_replies if reply.role in {"done", "less"}}
    assert {reply.token for reply in msg.quick_replies} - others <= {*offered}
    assert (step.kind, step.error) == ("question" if msg.title else "menu", "")
