"""Facilitators read and release from their own chat."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.common.ids import Ids
from bot.proposals.moderation_rules import load_items
from bot.staff import codes
from storage.core.store import Store
from storage.tables.consultations import set_consultation_state
from storage.tables.moderation import ModerationFlags, set_moderation_flags
from storage.tables.staff import Role, StaffMember, insert_staff
from tests.support.app import KEYS, running, say
from tests.support.databases import only_sqlite
from tests.support.held_answers import publish_held
from tests.support.ideas import kinds, one, open_consultation, released, submit, visible

pytestmark = only_sqlite


def hired(store: Store, name: str = "Aylin", role: Role = "facilitator") -> tuple[str, int]:
    """The code and the id of a person new in the team."""
    code, number = codes.new_staff_code(), Ids()()
    with store.begin() as connection:
        row = StaffMember(number, name, role, codes.staff_code_hash(KEYS, code), datetime.now(UTC))
        insert_staff(connection, [row])
    return code, number


async def test_from_the_queue_to_a_decision_by_taps(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        released(connection, park, 1, text="More benches in the park please")
        first = submit(connection, park, 2, "Please more benches in the park!")
        second = submit(connection, park, 3, "A fountain")
    code, number = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"), channel.msg("a", "/queue"))
        shown = channel.last("a")
        assert shown.text.startswith(f"{first.code} · park · es warten: 2 · Deutsch\n\nPlease more benches")
        assert "Ähnlich zu" in shown.text
        approve, merge, hide, reword, following = shown.quick_replies
        await say(app, channel.msg("a", choice=following.token))
        assert "A fountain" in channel.texts("a")[-1]
        await say(app, channel.msg("a", choice=following.token.replace(first.code, second.code)))
        assert channel.texts("a")[-1] == "Das war der letzte. Es warten noch: 2"
        await say(app, channel.msg("a", choice=hide.token))
        assert channel.texts("a")[-1] == f"So geht es: /ausblenden {first.code} Grund – einen Vorschlag nicht zeigen"
        await say(app, channel.msg("a", choice=reword.token))
        assert channel.texts("a")[-1].startswith(f"So geht es: /umformulieren {first.code} Grund")
        again = channel.last("a").quick_replies
        assert [reply.token for reply in again] == [reply.token for reply in shown.quick_replies], "still at hand"
        await say(app, channel.msg("a", choice=approve.token))
        assert channel.texts("a")[-2] == f"{first.code}: freigegeben."
        assert "A fountain" in channel.texts("a")[-1]
        for old in (approve, merge):
            await say(app, channel.msg("a", choice=old.token))
            assert "inzwischen etwas geändert" in channel.texts("a")[-1]
    with store.reading() as connection:
        assert "Please more benches in the park!" in visible(connection, park)
        assert kinds(connection, [first.id]) == [("approve", number, None)]


async def test_every_decision_can_be_typed(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        bench, twin, ad = (submit(connection, park, at, language="tr") for at in (1, 2, 3))
    code, _ = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"))

        async def typed(text: str) -> str:
            before = len(channel.texts("a"))
            await say(app, channel.msg("a", text))
            return channel.texts("a")[before]

        assert "So geht es: /umformulieren" in await typed(f"/reword {bench.code} ein Name")
        assert await typed(f"/reword {bench.code} ein Name\nMehr Bänke") == f"{bench.code}: Text geändert."
        assert await typed(f"/approve {bench.code.lower()}") == f"{bench.code}: freigegeben."
        assert (
            await typed(f"/translate {bench.code} en More benches\nplease") == f"{bench.code}: Übersetzung eingetragen."
        )
        assert await typed(f"/merge {twin.code} {bench.code}") == f"{twin.code}: zusammengelegt."
        assert "nicht zusammenlegen" in await typed(f"/merge {bench.code} {twin.code}")
        assert "So geht es" in await typed(f"/hide {ad.code}")
        assert await typed(f"/hide {ad.code} Werbung") == f"{ad.code}: ausgeblendet."
        assert "fehlt noch auf: tr." in await typed(f"/answer {bench.code} accepted Wird gebaut.")
        said = await typed(f"/answer {bench.code} accepted Wird gebaut.\nAlle drei.\ntr: Yapılacak.")
        assert said.startswith(f"{bench.code}: So steht es da. Eine Nachricht bekommen: 0.")
        assert "Türkçe: 0" in said
        assert "Gerekçe: Yapılacak." in said
        send, drop = channel.last("a").quick_replies
        assert (send.label, drop.label) == ("Senden", "Nicht senden")
        assert publish_held(store) == 0
        await say(app, channel.msg("a", choice=send.token))
        assert channel.texts("a")[-1].startswith(f"{bench.code}: Der Bescheid geht in 60 Sekunden hinaus.")
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[0].token))
        assert channel.texts("a")[-1] == f"{bench.code}: zurückgenommen. Der Bescheid ist wieder ein Entwurf."
        await say(app, channel.msg("a", choice=send.token))
        assert "inzwischen etwas geändert" in channel.texts("a")[-1], "the tap was about another version"
        await typed(f"/answer {bench.code} accepted Wird gebaut.\nAlle drei.\ntr: Yapılacak.")
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[0].token))
        assert publish_held(store) == 1
        assert await typed("/hide P-0000-0000 x") == "Diesen Code gibt es hier nicht."
        assert "So geht es" in await typed("/merge")
    with store.reading() as connection:
        standing = load_items(connection, [bench.id])[bench.id]
        assert standing.texts["en"].text == "More benches\nplease"
        assert standing.steps[-1].reason == {"de": "Wird gebaut.\nAlle drei.", "tr": "Yapılacak."}
        assert visible(connection, park) == ["Mehr Bänke"]


async def test_splitting_and_restoring_can_be_typed(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        both, ad = (submit(connection, park, at) for at in (1, 2))
    code, _ = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"))

        async def typed(text: str) -> list[str]:
            before = len(channel.texts("a"))
            await say(app, channel.msg("a", text))
            return channel.texts("a")[before:]

        assert "So geht es: /aufteilen" in (await typed(f"/split {both.code}\nMore benches"))[0]
        assert (await typed(f"/hide {ad.code} Werbung"))[0] == f"{ad.code}: ausgeblendet."
        said = await typed(f"/aufteilen {both.code}\nMore benches\n\nFewer cars")
        assert said[0] == f"{both.code}: geteilt. Die Teile warten auf das Lesen."
        assert "More benches" in said[1]
        assert "2" in said[1].splitlines()[0]
        said = await typed(f"/restore {ad.code}")
        assert said[0] == f"{ad.code}: zurückgenommen. Der Vorschlag wartet wieder auf das Lesen."
        assert ad.code in said[1], "and is shown, to be decided about"
        assert "inzwischen etwas geändert" in (await typed(f"/restore {ad.code}"))[0]
    with store.reading() as connection:
        assert load_items(connection, [both.id])[both.id].state == "split"
        assert load_items(connection, [ad.id])[ad.id].state == "waiting"


async def test_two_have_to_approve_where_four_eyes_are_asked_for(store: Store) -> None:
    park = open_consultation(store, four_eyes=True)
    with store.begin() as connection:
        idea = submit(connection, park, 1)
    (first, _), (second, _) = hired(store), hired(store, "Bora")
    async with running(store) as (app, channel):
        for chat, code in (("a", first), ("b", second)):
            await say(app, channel.msg(chat, f"/team {code}", language_hint="de"))
        await say(app, channel.msg("a", f"/approve {idea.code}"))
        assert "Jetzt muss noch eine zweite Person zustimmen." in channel.texts("a")[-2]
        assert channel.texts("a")[-1] == "Das war der letzte. Es warten noch: 1", "not the same one again"
        await say(app, channel.msg("a", f"/approve {idea.code}"))
        assert "gibt es schon" in channel.texts("a")[-1]
        await say(app, channel.msg("b", f"/approve {idea.code}"))
        assert channel.texts("b")[-1] == "Nichts wartet auf das Lesen."
    with store.reading() as connection:
        assert one(connection, idea.id).released_at


async def test_helpers_and_strangers_read_nothing(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "secret words")
    code, _ = hired(store, "Cem", "helper")
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"))
        for chat in "ab":
            for text in ("/queue", f"/queue {idea.code}", f"/approve {idea.code}"):
                await say(app, channel.msg(chat, text, language_hint="de"))
        assert not any("secret" in said for chat in "ab" for said in channel.texts(chat))
    with store.reading() as connection:
        assert one(connection, idea.id).released_at is None


async def test_queue_covers_all_consultations_by_age_and_says_its_end(store: Store) -> None:
    park, town = open_consultation(store), open_consultation(store, slug="town")
    with store.begin() as connection:
        texts = ((town, "A well"), (park, "A bench"), (town, "A tree"))
        well, _, tree = (submit(connection, where, at, text) for at, (where, text) in enumerate(texts, start=1))
    code, _ = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"), channel.msg("a", "/list"))
        assert "wartet auf das Lesen: 2" in channel.texts("a")[-1]

        async def walk(start: str) -> list[str]:
            await say(app, channel.msg("a", start))
            while channel.last("a").quick_replies[-1].label == "Nächster":
                await say(app, channel.msg("a", choice=channel.last("a").quick_replies[-1].token))
            before = len(channel.texts("a"))
            return channel.texts("a")[before - 4 :]

        *read, end = await walk("/lesen")
        assert [text.splitlines()[2] for text in read] == ["A well", "A bench", "A tree"]
        assert end == "Das war der letzte. Es warten noch: 3"
        *_, end = await walk("/lesen town")
        assert end == "Das war der letzte. Es warten noch: 2"
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[0].token))
        assert channel.texts("a")[-1].startswith(well.code), "from the start of the same consultation"
        await say(app, channel.msg("a", "/lesen twon"))
        assert channel.texts("a")[-1] == "Eine Befragung twon gibt es nicht. Es gibt: park, town"
        with store.begin() as connection:
            set_consultation_state(connection, town, "closed")
        await say(app, channel.msg("a", "/list"))
        assert channel.texts("a")[-1].endswith("fertig: 0 · wartet auf das Lesen: 2 · zu Ende")
        await say(app, *(channel.msg("a", f"/approve {one.code}") for one in (well, tree)), channel.msg("a", "/list"))
        assert "town" not in channel.texts("a")[-1]


async def test_what_is_shown_says_all_one_should_know(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "Ruft mich an: 0176 12345678", language="tr")
        set_moderation_flags(connection, [ModerationFlags(idea.id, ["phone"])])
        twin = submit(connection, park, 2, "Ruft mich an bitte: 0176 12345679", language="tr")
    code, _ = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"), channel.msg("a", "/lesen"))
        assert channel.texts("a")[-1].splitlines()[0] == f"{idea.code} · park · es warten: 2 · Türkçe"
        assert "Bitte hinsehen: Telefonnummer" in channel.texts("a")[-1]
        merge = next(button for button in channel.last("a").quick_replies if twin.code in button.label)
        await say(app, channel.msg("a", f"/umformulieren {idea.code} Nummer\nRuft mich an"))
        assert channel.last("a").quick_replies[0].label == "Freigeben"
        await say(app, channel.msg("a", choice=merge.token))
        assert "inzwischen etwas geändert" in channel.texts("a")[-1], "the tap was about other words"
        await say(app, channel.msg("a", f"/lesen {idea.code}"))
        merge = next(button for button in channel.last("a").quick_replies if twin.code in button.label)
        await say(app, channel.msg("a", choice=merge.token))
        assert channel.texts("a")[-2] == f"{idea.code}: zusammengelegt."
        await say(app, channel.msg("a", f"/freigeben {twin.code}"), channel.msg("a", f"/übersetzen {twin.code} de Ja!"))
        assert "Deutsch: Ja!" in channel.texts("a")[-1]
        await say(app, channel.msg("a", f"/bescheid {twin.code} abgelehnt Nein.\ntr: Hayır."))
        assert "Stand: wird nicht umgesetzt\nBegründung: Nein." in channel.texts("a")[-1]
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[1].token))
        assert channel.texts("a")[-1] == f"{twin.code}: nicht gesendet, der Entwurf ist gelöscht."
        await say(app, channel.msg("a", f"/bescheid {twin.code} vielleicht Nein.\ntr: Hayır."))
        assert "Auch: geprüft, weiter, abgelehnt, umgesetzt" in channel.texts("a")[-1]


async def test_text_with_a_number_needs_a_second_confirmation(store: Store) -> None:
    park = open_consultation(store)
    with store.begin() as connection:
        idea = submit(connection, park, 1, "Ruft an: 0176 12345678")
        set_moderation_flags(connection, [ModerationFlags(idea.id, ["phone", "name"])])
    code, _ = hired(store)
    async with running(store) as (app, channel):
        await say(app, channel.msg("a", f"/team {code}", language_hint="de"), channel.msg("a", "/lesen"))
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[0].token))
        asked = channel.last("a")
        assert asked.text.startswith(f"{idea.code}: Darin steht noch: Telefonnummer. Trotzdem freigeben?")
        await say(app, channel.msg("a", f"/freigeben {idea.code}"))
        assert channel.texts("a")[-1] == asked.text
        with store.reading() as connection:
            assert visible(connection, park) == []
        reword, surely = asked.quick_replies
        await say(app, channel.msg("a", f"/umformulieren {idea.code} Nummer\nRuft an."))
        await say(app, channel.msg("a", choice=surely.token))
        assert "inzwischen etwas geändert" in channel.texts("a")[-1], "it was said of other words"
        await say(app, channel.msg("a", f"/freigeben {idea.code}"))
        assert channel.texts("a")[-2] == f"{idea.code}: freigegeben.", "nothing to ask any more"
        with store.begin() as connection:
            other = submit(connection, park, 2, "Post an bank@example.org")
            set_moderation_flags(connection, [ModerationFlags(other.id, ["email"])])
        await say(app, channel.msg("a", f"/freigeben {other.code}"))
        await say(app, channel.msg("a", choice=channel.last("a").quick_replies[1].token))
        with store.reading() as connection:
            assert visible(connection, park) == ["Ruft an.", "Post an bank@example.org"]
    assert reword.label == "Text ändern"
