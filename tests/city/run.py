"""Runs a simulated city from setup to figures, and verifies it during the conversations and at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bot.results.editions.renewal import renew_edition
from tests.city import outputs
from tests.city.ledger import Ledger
from tests.city.moderator import Moderator
from tests.city.survey import SLUG
from tests.city.town import Town, town
from tests.city.verify import verified
from tests.city.verify.checking import Check


@dataclass
class Report:
    """The result of a run."""

    seed: int
    ledger: Ledger
    residents: int = 0
    messages: int = 0
    moments: list[Check] = field(default_factory=list)
    revisions: set[int] = field(default_factory=set)
    tried: int = 0
    """How many tried the revision out."""

    @property
    def is_good(self) -> bool:
        return not any(check.differences for check in self.moments)

    def account(self) -> str:
        """Everything in a few lines, and the first differences with what those residents said."""
        ledger = self.ledger
        head = (
            f"seed {self.seed}: {self.residents} residents, {self.messages} messages, {ledger.begun()} participations "
            f"({len(ledger.answered())} answered, {ledger.finished()} finished), {len(ledger.ideas)} ideas, "
            f"{len(ledger.casts)} votes"
        )
        return "\n".join([head, *(check.account() for check in self.moments)])


async def run(folder: Path, residents: int, seed: int, database_url: str = "") -> Report:
    """A city of this number of residents. Half of them begin before the revision; figures are read twice."""
    async with town(folder, seed, database_url) as made:
        moderator = Moderator(made.ledger, seed)
        report = Report(seed, made.ledger)
        made.settle(residents // 2)
        await made.try_out()
        await made.live(moderator, rounds=max(30, residents // 4))
        await _look(made, report, folder / "midway")
        await made.live(moderator)
        report.tried = made.tried()
        await made.publish(is_revised=True)
        made.settle(residents - residents // 2)
        await made.live(moderator)
        await moderator.leave_one_of_each(made.client())
        await _look(made, report, folder / "end")
        report.residents = len(made.residents)
        report.messages = sum(line.startswith("> ") for one in made.residents for line in one.transcript)
        report.revisions = {it.revision for it in made.ledger.participations.values()}
    return report


async def _look(made: Town, report: Report, folder: Path) -> None:
    """Makes the edition of this moment, reads all outputs and holds them against the ledger; a difference is told with
    what its resident said.
    """
    renew_edition(made.store, SLUG)
    check = verified(made.ledger, await outputs.read(made, folder))
    concerned = next((one for one in made.residents if any(one.place in it for it in check.differences)), None)
    if concerned is not None:
        check.differences.append(made.account(concerned, "concerned"))
    report.moments.append(check)
