"""Messages have typed parts; as plain text they read as before, and payloads of every version are read."""

from __future__ import annotations

from typing import Any, Final, get_args

import pytest
from pydantic_core import from_json, to_json

from flows.messages import MsgOut, QuickReply, Role, Step, message_as_text
from flows.parts import (
    BLANK,
    KINDS,
    AboutPart,
    BodyPart,
    EarlierAnswerPart,
    ErrorPart,
    HintPart,
    ImagePart,
    MessagePart,
    NoticePart,
    ProgressPart,
    ProposalCard,
    ReceiptPart,
    SelectionPart,
    SummaryRow,
    TitlePart,
    WarningPart,
)
from tests.support.recorded_messages import recorded_messages

OLD: Final = recorded_messages(1)
NEW: Final = recorded_messages(2)
ONE_OF_EACH: Final[tuple[MessagePart, ...]] = (
    NoticePart("Verstanden: Mitte", "understood"),
    EarlierAnswerPart("Bisher: ", "Ja", "\nNeu antworten?", gap=BLANK),
    ErrorPart("Höchstens 3 sind möglich.", 3),
    ProgressPart("Frage 1 von 2", gap=BLANK),
    TitlePart("Was fehlt?"),
    BodyPart("Ein Satz."),
    SelectionPart("Gewählt: Bänke", is_list=True),
    HintPart("Nummern schreiben", is_typing=True),
    WarningPart("Vielleicht steht darin ein Name."),
    ProposalCard("Daha çok ağaç", "P-1", "tr", 1),
    ProposalCard("Mehr Bänke"),
    SummaryRow(1, "Was fehlt?", "Bänke\nund Bäume"),
    ReceiptPart("Quittung: ", "7K3QP-2M9XD", "\nBitte aufheben.", gap=BLANK),
    AboutPart("Es fragt: die Stadt."),
    ImagePart("Bild 2: eine Lampe", "eine Lampe", f"{'a' * 64}.png", 320, 200, 2),
)
AS_TEXT: Final = """\
Verstanden: Mitte

Bisher: Ja
Neu antworten?
Höchstens 3 sind möglich.

Frage 1 von 2
Was fehlt?
Ein Satz.
Gewählt: Bänke
Nummern schreiben
Vielleicht steht darin ein Name.
1. Daha çok ağaç
Mehr Bänke
1. Was fehlt?
   → Bänke
     und Bäume

Quittung: 7K3QP-2M9XD
Bitte aufheben.

Es fragt: die Stadt.
Bild 2: eine Lampe"""


def stored(msg: MsgOut) -> Any:
    """What the outbox reads of what it wrote."""
    return from_json(to_json(msg.as_data()))


@pytest.mark.parametrize("old", OLD, ids=[old["kind"] for old in OLD])
def test_a_payload_of_version_1_reads_as_its_text(old):
    payload = old["payload"]
    msg = MsgOut.from_data(payload)
    assert message_as_text(msg) == payload["text"]
    assert msg.parts == (BodyPart(payload["text"]),)
    assert (msg.language, msg.expects, msg.title) == (payload["language"], payload["expects"], payload["title"])
    assert (msg.audio, msg.sensitive) == (payload["audio"], payload["sensitive"])
    assert [reply[:5] for reply in msg.quick_replies] == [tuple(reply[:5]) for reply in payload["quick_replies"]]
    assert MsgOut.from_data(stored(msg)) == msg, "it is written again as version 2"


def test_roles_are_found_for_buttons_of_version_1():
    given = [
        ["c.q.yes", "Ja", 1, False, 0, ""],
        ["c.q.dont_know", "Weiß nicht", 2, False, 0, ""],
        ["c.q.refused", "Keine Angabe", 3, False, 0, ""],
        ["c.q.+done", "Fertig", 0, False, 0, ""],
        ["c.q.-park", "−1 Park", 0, False, 0, ""],
        ["c..skip", "Überspringen"],
        ["c..news.about.park", "Bescheid", 0, False, 0, ""],
        ["c.q.important-7", "Wichtig", 4, False, 0, "mark"],
        ["c.q.original-7", "Original", 0, False, 0, "look"],
        ["push.start.park", "Start"],
        ["odd", "Seltsam"],
    ]
    roles: list[Role] = [
        *("answer", "missing", "missing", "done", "less", "navigation", "navigation", "mark", "look", "answer"),
        "answer",
    ]
    msg = MsgOut.from_data({"text": "Was?", "quick_replies": given})
    assert [reply.role for reply in msg.quick_replies] == roles


def test_every_part_has_a_name_and_is_stored():
    assert {type(part) for part in ONE_OF_EACH} == {*KINDS.values()} == {*get_args(MessagePart)}
    replies = (QuickReply("c.q.a", "☑ A", 1, chosen=True, amount=2, role="answer", name="A"),)
    msg = MsgOut(ONE_OF_EACH, replies, "ar", "many", "Was fehlt?", "a.mp3", sensitive=True)
    assert stored(msg)["v"] == 2
    assert MsgOut.from_data(stored(msg)) == msg


def test_a_program_that_knows_no_images_reads_the_rest(monkeypatch):
    msg = MsgOut([TitlePart("Licht?"), ImagePart("Bild: eine Lampe", "eine Lampe"), HintPart("Ja oder nein")])
    monkeypatch.delitem(KINDS, "image")  # the names as an earlier program knows them
    assert MsgOut.from_data(stored(msg)) == msg.without_images()


def test_images_are_left_out_of_the_text_where_they_are_shown():
    images = [ImagePart(f"Bild {n}: Weg", "Weg", f"{n}.png", number=n) for n in (1, 2)]
    msg = MsgOut([TitlePart("Wo?"), *images])
    assert msg.images == tuple(images)
    assert msg.without_images().text == "Wo?"
    assert msg.without_images(images[:1]).text == "Wo?\nBild 2: Weg", "one that cannot be shown is said"


def test_the_parts_as_plain_text():
    assert message_as_text(MsgOut(ONE_OF_EACH)) == AS_TEXT
    assert message_as_text(MsgOut([SummaryRow(1, "ماذا؟", "نعم")], language="ar")) == "1. ماذا؟\n   ← نعم"
    assert message_as_text(MsgOut([BodyPart("Bonjour")], language="xx")) == "Bonjour"
    assert message_as_text(MsgOut("Eine Zeile.")) == "Eine Zeile."


@pytest.mark.parametrize("new", NEW, ids=[new["kind"] for new in NEW])
def test_a_payload_of_version_2_stays_what_it_is(new):
    msg = MsgOut.from_data(new["payload"])
    assert stored(msg) == new["payload"]
    assert message_as_text(msg) == new["text"]


def test_what_is_not_known_is_ignored():
    data = stored(MsgOut([TitlePart("Was?"), BodyPart("Hier.")], (QuickReply("a", "A"),)))
    data["mood"] = "cheerful"
    data["parts"].insert(1, ["hologram", "x", {"deep": True}])
    data["parts"][0].append("a field of a later version")
    data["quick_replies"][0] += ["spoken", "https://x.example/", [["b", "+1", "a later field"]], "a later field", 7]
    reply = QuickReply("a", "A", spoken="spoken", link="https://x.example/", steps=(Step("b", "+1"),))
    assert MsgOut.from_data(data) == MsgOut([TitlePart("Was?"), BodyPart("Hier.")], (reply,))
    del data["audio"]
    assert MsgOut.from_data(data).audio == ""


def test_the_text_is_made_once_and_anew_for_another_message():
    msg = MsgOut([TitlePart("Was?"), BodyPart("Hier.")])
    assert message_as_text(msg) is message_as_text(msg)
    assert message_as_text(msg._replace(parts=(BodyPart("Dort."),))) == "Dort."
    assert msg._replace(language="tr").text == msg.text


def test_notices_stand_before_a_message_set_apart():
    msg = MsgOut([ProgressPart("Frage 1 von 2"), TitlePart("Was?")])
    notices = (NoticePart("Verstanden."), NoticePart("Gelöscht."))
    assert message_as_text(msg.preceded_by(notices)) == "Verstanden.\nGelöscht.\n\nFrage 1 von 2\nWas?"
    assert msg.preceded_by(()) is msg


def test_the_bare_label_has_no_state():
    assert QuickReply("a", "☑ Bänke", name="Bänke").bare_label == "Bänke"
    assert QuickReply("a", "Bänke").bare_label == "Bänke"
