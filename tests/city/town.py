"""The whole simulation: concurrent residents, a moderator, a revision midway, and the ledger."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from adapters.web.hub import WebHub
from bot.app import App, build, open_store
from bot.authoring import publishing
from bot.authoring.file_check import CheckedFile
from bot.authoring.publish_impact import PublishOptions
from bot.common.ids import Ids
from bot.common.keys import Keys
from bot.consultations import trials
from bot.settings import Settings
from bot.staff.codes import new_staff_code, staff_code_hash
from bot.web.api import access_keys
from bot.web.api.policy import SCOPES
from bot.web.server import build_application
from flows.definition import Consultation
from flows.messages import MsgIn, MsgOut
from storage.core.store import Store
from storage.tables import stages
from storage.tables.api_keys import insert_api_keys
from storage.tables.revisions import find_live_revision
from storage.tables.sessions import count_sessions_by_status
from storage.tables.staff import StaffMember, insert_staff
from storage.tables.stages import Stage
from tests.city.chat import Line, Talk
from tests.city.forms import Visit
from tests.city.ledger import Idea, Ledger, Moment
from tests.city.moderator import Moderator
from tests.city.residents import STEADY, Habits, Resident, Surprise
from tests.city.survey import SEEDS, SLUG, definition
from tests.support.api_client import Client
from tests.support.app import Recorder
from tests.support.browser import QUICK
from tests.test_authoring.test_states import tools

IDS: Final = Ids()
AT_ONCE: Final = 60
"""The number of concurrent conversations."""
PAUSE: Final = 15
"""Rounds after which the moderator looks again."""
CHANNELS: Final = ("chat", "messenger", "web")
"""In the order in which the application, and so the ledger, processes a round."""
TRIALS: Final = 4
"""The testers of the revision before it is published."""
ON_PAGE: Final = 60
"""One of this many residents uses the page, in a browser without scripts."""
DOUBLED: Final = 0.02
"""Share of messages that a channel delivers twice."""


class Messenger(Recorder):
    """A channel that stores the messages to each address since the last read."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.heard: dict[str, list[MsgOut]] = {}

    async def send(self, message: Any) -> Any:
        self.heard.setdefault(message.address, []).append(message.msg)
        answer = await super().send(message)
        self.sent.clear()
        return answer


@dataclass
class Town:
    """A running application with all its residents."""

    app: App
    store: Store
    keys: Keys
    config: Path
    """The settings file for commands that run beside the application."""
    channels: dict[str, Messenger]
    server: TestServer
    session: ClientSession
    base: str
    seed: int
    ledger: Ledger = field(default_factory=Ledger)
    round: int = 0
    residents: list[Resident] = field(default_factory=list)
    waiting: list[Resident] = field(default_factory=list)
    """Residents that have not started."""
    talking: dict[Resident, Talk[None]] = field(default_factory=dict)
    lines: dict[Resident, Line] = field(default_factory=dict)
    """The next lines of the active residents."""
    again: list[MsgIn] = field(default_factory=list)
    """Messages that are delivered again in the next round."""
    visits: dict[Resident, Visit] = field(default_factory=dict)
    """The browsers of the residents that use the page."""
    seen: dict[Resident, list[MsgOut]] = field(default_factory=dict)
    """The last messages of their pages."""
    trial: Ledger = field(default_factory=Ledger)
    """Participations of the testers, which no figure counts."""
    hired: int = 0
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    """The time of the last messages, by the application's clock."""

    def __post_init__(self) -> None:
        self.chance = random.Random(f"town {self.seed}")

    def client(self) -> Client:
        """The API with a key of its own: a key may ask so often only."""
        self.hired += 1
        now, code = datetime.now(UTC), staff_code_hash(self.keys, new_staff_code())
        member = StaffMember(IDS(), f"Mira {self.hired}", "facilitator", code, now)
        key, row = access_keys.new_access_key(self.keys, member, SCOPES, None, now)
        with self.store.begin() as connection:
            insert_staff(connection, [member])
            insert_api_keys(connection, [row])
        return Client(self.session, self.base, key)

    def clock(self) -> Moment:
        return Moment(_hour(self.began), _hour(datetime.now(UTC)))

    def now(self) -> datetime:
        return START + timedelta(seconds=self.round)

    async def publish(self, *, is_revised: bool = False, stage: Stage = "live") -> None:
        """Publishes a revision as the command does."""
        made = Consultation.model_validate(definition(is_revised=is_revised))

        def work(connection: Any) -> publishing.PublishOutcome:
            return publishing.publish_checked(
                connection,
                CheckedFile(made, ()),
                tools(),
                "viertel.yaml",
                PublishOptions(None, frozenset({"use"})),
                stage,
            )

        published = await self.store.write(work)
        assert published.revision is not None, published.issues
        if stage == "live":
            self.ledger.revision = published.revision.number

    async def learn_seeds(self) -> None:
        """Records the codes of the seeds, which are public."""
        found = await self.client().get(f"/consultations/{SLUG}/proposals")
        codes = {item["text"]: item["code"] for item in found.json["items"]}
        for seed in SEEDS:
            idea = Idea(seed["de"], "de", None, codes[seed["de"]], "released", is_read=True)
            idea.wordings.update(seed.values())
            self.ledger.ideas.append(idea)

    def settle(self, people: int) -> None:
        """Adds this number of new residents."""
        first = len(self.residents)
        numbers = range(first, first + people)
        self._arrive([self._resident(it, is_on_page=it % ON_PAGE == ON_PAGE // 2) for it in numbers])

    async def try_out(self) -> None:
        """Publishes the revision as a test, and has some people answer it."""
        await self.publish(is_revised=True, stage="test")
        with self.store.reading() as connection:
            live = find_live_revision(connection, SLUG)
            assert live is not None
            slug = trials.trial_slug(connection, live.consultation_id)
        for seed in SEEDS:
            idea = Idea(seed["de"], "de", state="released", is_read=True)
            idea.wordings.update(seed.values())
            self.trial.ideas.append(idea)
        numbers = range(90_000, 90_000 + TRIALS)
        self._arrive([Resident(it, self.seed, self.trial, self.clock, STEADY, slug=slug) for it in numbers])

    def tried(self) -> int:
        """How many people have tried the revision out, by what is stored."""
        with self.store.reading() as connection:
            live = find_live_revision(connection, SLUG)
            assert live is not None
            number = stages.trial_of(connection, live.consultation_id)
            return sum(count_sessions_by_status(connection, number).values()) if number else 0

    def _resident(self, number: int, *, is_on_page: bool) -> Resident:
        return Resident(number, self.seed, self.ledger, self.clock, Habits(), is_on_page=is_on_page)

    def _arrive(self, new: list[Resident]) -> None:
        self.residents += [it for it in new if it.ledger is self.ledger]
        self.waiting += new
        self.visits |= {it: Visit(self.server, it.place) for it in new if it.channel == "web"}

    async def live(self, moderator: Moderator, *, rounds: int | None = None) -> None:
        """Lets all settled residents live, some at a time, while the moderator works now and then; with `rounds` for
        this number of rounds: active conversations continue the next time.
        """
        last = None if rounds is None else self.round + rounds
        while (self.waiting or self.talking) and self.round != last:
            while self.waiting and len(self.talking) < AT_ONCE:
                one = self.waiting.pop(0)
                self.talking[one] = one.live()
                self.lines[one] = next(self.talking[one])
            await self._say()
            for one in sorted(self.talking, key=lambda it: CHANNELS.index(it.channel)):
                self._go_on(one)
            if self.round % PAUSE == 0:
                await moderator.work(self.client())

    def _go_on(self, one: Resident) -> None:
        try:
            self.lines[one] = self.talking[one].send(self._hear(one))
        except StopIteration:
            del self.talking[one], self.lines[one]
        except Exception as error:
            raise Surprise(self.account(one, repr(error))) from error

    async def _say(self) -> None:
        """One message of each who is talking; some are delivered twice, at once or a round later."""
        self.round += 1
        self.began = datetime.now(UTC)
        again, self.again = self.again, []
        for name in self.channels:
            msgs = [msg for msg in again if msg.channel == name]
            for one, line in self.lines.items():
                if one.channel == name:
                    msg = self._message(one, line)
                    msgs += [msg, msg] if self.chance.random() < DOUBLED else [msg]
                    if self.chance.random() < DOUBLED:
                        self.again.append(msg)
            await self.app.conversations.receive(msgs)
        for one, line in self.lines.items():
            if one in self.visits:
                await self._visit(one, line)
        await self.app.outbox.drained()

    async def _visit(self, one: Resident, line: Line) -> None:
        one.transcript.append(f"> {line.text or line.choice}")
        self.seen[one] = await self.visits[one].say(line, one.language)

    def _message(self, one: Resident, line: Line) -> MsgIn:
        one.transcript.append(f"> {line.text or line.choice}")
        identity = f"{one.address}/{self.round}"
        one.last_id = line.edits or identity
        return MsgIn(
            one.channel, one.address, identity, self.now(), line.text, line.choice,
            edits=line.edits, mode=one.mode, entry_code=one.place,
        )  # fmt: skip

    def _hear(self, one: Resident) -> list[MsgOut]:
        heard = self.seen.pop(one, []) if one in self.visits else self.channels[one.channel].heard.pop(one.address, [])
        one.transcript += [f"< {line}" for msg in heard for line in msg.text.splitlines()]
        one.transcript += [f"<   [{reply.label}]" for msg in heard[-1:] for reply in msg.quick_replies]
        if not heard:
            raise Surprise("the bot said nothing")
        return heard

    def account(self, one: Resident, what: str) -> str:
        """What went wrong, with whom, all that was said, and the votes of this resident by the ledger."""
        said = "\n".join(one.transcript)
        votes = "\n".join(
            f"{it.vote:+} {it.idea.code} {it.idea.state} {it.idea.text} → {it.idea.final.code}"
            for it in one.ledger.casts
            if it.voter == one.place
        )
        return f"seed {self.seed}, resident {one.number}: {what}\n{said}\n{votes}"


def _hour(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H}:00:00Z"


START: Final = datetime(2026, 11, 1, 9, tzinfo=UTC)


@asynccontextmanager
async def town(folder: Path, seed: int, database_url: str = "") -> AsyncIterator[Town]:
    """An app with two messengers, pages and API, and the consultation published; commands find it by `config`."""
    config, data = folder / "mitsprache.toml", folder / "data"
    lines = [
        f'data = "{data}"',
        "publish_samples = false",
        *([f'database_url = "{database_url}"'] if database_url else []),
    ]
    config.write_text("\n".join(lines), encoding="utf-8")
    settings = Settings.model_validate({"data": data, "publish_samples": False, "database_url": database_url})
    store, keys = open_store(settings)
    channels = {name: Messenger(name) for name in CHANNELS[:2]}
    app = build(settings, {**channels, "web": WebHub()}, store=store, keys=keys)
    server = TestServer(build_application(app, QUICK))
    async with app.running(), server, ClientSession() as session:
        base = str(server.make_url("")).rstrip("/")
        made = Town(app, store, keys, config, channels, server, session, base, seed)
        await made.publish()
        await made.learn_seeds()
        try:
            yield made
        finally:
            for visit in made.visits.values():
                await visit.close()
