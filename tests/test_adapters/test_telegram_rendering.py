"""Messages as Telegram shows them."""

from __future__ import annotations

from adapters.telegram import rendering
from flows.messages import MsgOut, QuickReply


def test_a_keyboard_keeps_what_ends_the_question() -> None:
    """Telegram refuses a keyboard of more than 100 buttons; the options left out are in the text."""
    options = [QuickReply(f"r.q.o{number}", f"Projekt {number}", number) for number in range(1, 151)]
    shown = rendering.render_message(MsgOut("Wofür?", (*options, QuickReply("r.q.done", "Fertig"))))
    assert shown.keyboard is not None
    rows = shown.keyboard["inline_keyboard"]
    assert len(rows) == rendering.MOST_BUTTONS
    assert [row[0]["text"] for row in rows[-2:]] == ["99. Projekt 99", "Fertig"]
    assert "150. Projekt 150" in str(shown.parts[-1])


def test_links_open_pages_and_local_ones_stand_in_the_text():
    replies = (
        QuickReply("a..start", "Ergebnisse", link="https://x.example/r"),
        QuickReply("b", "Lokal", link="http://127.0.0.1/"),
    )
    rendered = rendering.render_message(MsgOut("Danke", replies))
    assert rendered.parts == ["Danke\nLokal: http://127.0.0.1/"]
    assert rendered.keyboard == {"inline_keyboard": [[{"text": "Ergebnisse", "url": "https://x.example/r"}]]}
