"""After the thanks: buttons lead on, links where there is a web site."""

from __future__ import annotations

from bot.common.i18n import phrase_catalogues
from flows.dialogue import messages_text
from flows.flow import Flow
from flows.messages import MsgOut, QuickReply
from flows.session import Session
from tests.support.app import consultation

IDEA = {"key": "idea", "type": "proposal", "text": {"de": "Ihre Idee?", "en": "Your idea?"}}


def offered(link: str, **more: object) -> list[QuickReply]:
    made = consultation("park", [IDEA], **more)
    phrases = {tag: phrase_catalogues.load_phrases(tag) for tag in made.languages}
    flow = Flow(made, phrases, "code1", link)
    done = Session("code1", "de", "R", answers={"idea": "P-1"}, words={"idea": "Bänke"}, submitted=True)
    return messages_text.ways_on(flow, done)


def test_with_a_web_site_buttons_open_its_pages():
    links = {it.label: it.link for it in offered("https://x.example/c/park", closes="2099-12-31") if it.link}
    assert links == {
        "Mein Vorschlag": "https://x.example/p/P-1",
        "Ergebnisse ansehen": "https://x.example/results/park",
        "Weitersagen": "https://x.example/c/park",
        "Nächster Schritt in den Kalender": "https://x.example/c/park/calendar.ics",
    }


def test_without_a_web_site_no_button_has_a_link():
    labels = [it.label for it in offered("")]
    assert labels == ["Meine Vorschläge", "Ändern", "Andere Befragungen", "Auf dem Laufenden bleiben"]


def test_links_of_buttons_are_stored_with_the_message():
    msg = MsgOut("Danke", (QuickReply("a..start", "Ansehen", link="https://x.example/"), QuickReply("b", "Ja")))
    stored = msg.as_data()
    assert MsgOut.from_data(stored) == msg
    assert len(stored["quick_replies"][1]) == len(QuickReply._fields) - 3, "as before for all others"
