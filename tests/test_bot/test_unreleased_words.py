"""No unreleased text is in any public output, regardless of the earlier meaning of a key.

One consultation asks a question for each change of a type into another under the same key. People answered the first
revision, as a program left it that took every change; some rows hold what no program wrote. A marker stands in each
text. Everything the public can get is searched for it.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic_core import to_json

import flows.questions  # noqa: F401 - the types enter themselves
from bot.cli import results
from bot.common.i18n.locale import Locale
from bot.exchange.exports import package
from bot.exchange.exports.package import ExportRequest
from bot.proposals.codes import new_proposal_code
from bot.results import published, text_output
from bot.results.counts.disclosure import LARGE_GROUP
from bot.results.edition import RULE_BEFORE_EDITIONS
from bot.results.methods.sectors import Agreement, SectorCell
from flows.questions.base import Question, registry
from flows.values import Value
from storage.core.store import Store
from storage.tables import proposals
from storage.tables.editions import StoredEdition, add_edition
from storage.tables.moderation import (
    ModerationState,
    NewModeration,
    NewProposalText,
    insert_moderations,
    upsert_translations,
)
from storage.tables.proposals import (
    NewProposal,
    NewProposalStatus,
    ProposalRelease,
    Withdrawal,
    insert_proposals,
    release_proposals,
    withdraw_proposals,
)
from storage.tables.ratings import NewRatingEvent, store_votes
from storage.tables.revisions import find_live_revision
from storage.tables.rooms import StoredRoom, insert_rooms
from tests.support.api_client import hire, key_for
from tests.support.app import KEYS
from tests.support.browser import House, serving
from tests.support.revision_history import Answers, history
from tests.upgrades import FACTS as OLD
from tests.upgrades import OldHouse

MARKER: Final = "Kanarienvogel Erika"
NOW: Final = datetime(2026, 11, 25, 12, tzinfo=UTC)
SAME: Final = LARGE_GROUP
"""The number of people with the same answer, except to sensitive questions: published from that number on."""
EACH: Final = 5
"""The number of people with each odd answer, for each revision: enough for a count, and a multiple of the rounding base
of sensitive questions.
"""


def text(german: str) -> dict[str, str]:
    return {"de": german, "en": f"{german} (en)"}


_OPTIONS = {"options": [{"value": it, "label": text(it.title())} for it in ("park", "school", "bridge")]}
TYPES: Final[dict[str, tuple[dict[str, Any], Value]]] = {
    "age_band": ({}, "18_27"),
    "choice": (_OPTIONS, "park"),
    "choices": (_OPTIONS, ["park", "school"]),
    "consent": ({}, True),
    "date": ({}, "2019-03-31"),
    "district": ({}, "08"),
    "number": ({}, 7),
    "pairwise": (_OPTIONS, ["park>school", "school=bridge"]),
    "points": (_OPTIONS | {"budget": 10}, {"park": 3}),
    "proposal": ({}, "AAAA-BBBB"),
    "rank": (_OPTIONS, ["school", "park"]),
    "scale": ({"min_label": text("nie"), "max_label": text("immer")}, 3),
    "sectors": ({}, ["science"]),
    "statements": ({}, 4),
    "text": ({}, f"Ich heiße {MARKER} und wohne hier."),
    "traits": ({}, ["care"]),
}
"""Each type with what its definition needs, and an answer."""
OTHERWISE: Final[dict[str, Value]] = {"sectors": ["residents"], "traits": ["none"]}
"""What every second one answers to sensitive types: of those no answer that all gave is published."""
CHANGES: Final = list(permutations(TYPES, 2))
STRANGE: Final[list[Value]] = [
    MARKER,
    [MARKER],
    {MARKER: 2},
    f"{MARKER}>park",
    [f"{MARKER}>park"],
    f"[picture] {MARKER}",
]
"""What no question asked for."""
PROPOSED: Final[tuple[tuple[ModerationState, bool], ...]] = (
    ("waiting", False),
    ("hidden", False),
    ("released", True),
    ("split", False),
    ("released", False),
)
"""The states of proposals, and whether they were withdrawn; only the last one is public."""
CODES: Final = [new_proposal_code() for _ in PROPOSED]


def question(key: str, type_: str) -> dict[str, Any]:
    return {"key": key, "type": type_, "text": text("Was?"), **TYPES[type_][0]}


def test_every_type_is_tried():
    # The rows of a matrix are scales, with keys of their own.
    asked = {name for name, it in registry().items() if issubclass(it, Question)}
    assert set(TYPES) == asked - {"matrix"}


@pytest.fixture
def store(sample_store: Store) -> Store:
    """An app in which people answered every type before its key became another one, and proposed something."""
    keys = {f"k{number}": change for number, change in enumerate(CHANGES)}
    before = [question(key, old) for key, (old, _) in keys.items()]
    after = [question(key, new) for key, (_, new) in keys.items()]
    given = {key: TYPES[old][1] for key, (old, _) in keys.items()}
    otherwise = given | {key: OTHERWISE[old] for key, (old, _) in keys.items() if old in OTHERWISE}
    strange: list[Answers] = [dict.fromkeys(keys, value) for value in STRANGE for _ in range(EACH)]
    history(sample_store, (before, [*[given, otherwise] * (SAME // 2), *strange]), (after, strange))
    with sample_store.begin() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        for number, (state, is_withdrawn) in enumerate(PROPOSED, start=1):
            _propose(connection, number, newest.consultation_id, state, is_withdrawn=is_withdrawn)
        room_at = next(key for key, change in keys.items() if change == ("text", "choice"))
        insert_rooms(connection, [StoredRoom(1, "ABC234", newest.consultation_id, room_at, True, datetime.now(UTC))])
    return sample_store


def _propose(connection: Any, number: int, consultation_id: int, state: ModerationState, *, is_withdrawn: bool) -> None:
    """A proposal with the marker in all of it, save one that is released: in that a person wrote an innocent text."""
    is_public = state == "released" and not is_withdrawn
    words = "Mehr Bänke" if is_public else f"{MARKER} schlägt vor"
    row = NewProposal(
        number, consultation_id, KEYS.pseudonym(number, 1), "k0", CODES[number - 1], words, words, "de",
        None, None, None, None, NOW, None if is_public else MARKER, 52.5, 13.4,
    )  # fmt: skip
    insert_proposals(connection, [row])
    insert_moderations(connection, [NewModeration(number, state, [], None, None, NOW)])
    release_proposals(connection, [ProposalRelease(number, NOW)] if state == "released" else [])
    withdraw_proposals(connection, [Withdrawal(number, NOW)] if is_withdrawn else [])
    upsert_translations(connection, [NewProposalText(number, "en", words, words, "machine", False, NOW)])
    reason = {"de": "Weil." if is_public else f"{MARKER} darf nicht."}
    if is_public or is_withdrawn:
        proposals.add_statuses(
            connection, [NewProposalStatus(number * 10, number, "rejected", reason, None, None, NOW)]
        )
    votes = [NewRatingEvent(number * 100 + it, number, KEYS.pseudonym(it, 1), 1, False, NOW) for it in range(1, 9)]
    store_votes(connection, votes)


def _texts_of(name: str, data: bytes) -> Iterator[tuple[str, str]]:
    """All text in a file; of a package what is in it."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            for inner in packed.namelist():
                yield from _texts_of(f"{name}/{inner}", packed.read(inner))
    else:
        yield name, data.decode("utf-8-sig")


def _files(store: Store, folder: Path, slug: str) -> Iterator[tuple[str, str]]:
    for profile in ("public", "analysis"):
        for name, is_workbook in ((f"{slug}-{profile}.zip", False), (f"{slug}-{profile}.xlsx", True)):
            package.write_export(store, ExportRequest(slug, folder / name, profile, UTC, is_workbook=is_workbook), NOW)
            yield from _texts_of(name, (folder / name).read_bytes())


def _lines(store: Store, slug: str) -> Iterator[tuple[str, str]]:
    with store.reading() as connection:
        found = published.preview_results(connection, slug)
    for language in ("de", "en", "tr"):
        yield f"results {slug} --lang {language}", "\n".join(text_output.result_lines(found, Locale.of(language)))
    yield f"results {slug} --json", json.dumps(results.as_data(found), ensure_ascii=False)


async def _pages(
    house: House, key: str, slugs: Sequence[str], codes: Iterable[str], room: str
) -> AsyncIterator[tuple[str, str]]:
    paths = ["/", "/api/openapi.json", "/api/v1/consultations", f"/room/{room}/screen", f"/room/{room}/state"]
    for slug in slugs:
        paths += [f"/c/{slug}", f"/results/{slug}", f"/open-data/{slug}.zip", f"/api/v1/consultations/{slug}"]
        paths += [f"/api/v1/consultations/{slug}/{name}" for name in ("proposals", "ratings", "answered")]
    for code in codes:
        paths += [f"/p/{code}", f"/api/v1/proposals/{code}", f"/api/v1/proposals/{code}/statuses"]
    browser = house.browser(**{"Accept-Language": "de", "Authorization": f"Bearer {key}"})
    for path in paths:
        async with browser.http.get(house.server.make_url(path)) as response:
            assert response.status in {200, 404, 410}, path
            for name, words in _texts_of(path, await response.read()):
                yield name, words


def _search(found: Mapping[str, str], *markers: str) -> None:
    leaks = {name: words.count(part) for name, words in found.items() for part in markers if part in words}
    assert not leaks


async def test_no_word_that_nobody_released_is_public(store, tmp_path):
    found = {**dict(_files(store, tmp_path, "park")), **dict(_lines(store, "park"))}
    key = key_for(store, hire(store, "Aylin"), ("read",))
    async with serving(store) as house:
        found |= {name: words async for name, words in _pages(house, key, ["park"], CODES, "ABC234")}
    assert "Mehr Bänke" in found["/results/park"], "the pages say something"
    assert "/open-data/park.zip/counts.csv" in found
    assert "Mehr Bänke" in found[f"/p/{CODES[-1]}"]
    with store.reading() as connection:
        found["v_proposals"] = str(connection.exec_driver_sql("SELECT * FROM v_proposals").all())
    _search(found, *MARKER.split())


async def test_no_word_is_public_of_what_an_older_program_wrote(old_house: OldHouse, tmp_path):
    """With its kept results, its rooms, its ideas, and answers to keys that became something else."""
    store = old_house.open()
    slugs = ("stadt", "ideen", "bild", "vorbei", "weg")
    found: dict[str, str] = {}
    for slug in slugs:
        found |= {**dict(_files(store, tmp_path, slug)), **dict(_lines(store, slug))}
    key = key_for(store, hire(store, "Somebody"), ("read",))
    async with serving(store) as house:
        pages = _pages(house, key, slugs, OLD["codes"], OLD["web"]["room"])
        found |= {name: words async for name, words in pages}
    assert "Womit fahren Sie?" in found["/results/stadt"]
    _search(found, OLD["marker"])
    with store.reading() as connection:
        told = results.as_data(published.preview_results(connection, "stadt"))["questions"]
        known = results.as_data(published.preview_results(connection, "stadt", is_inner=True))["questions"]
    store.dispose()
    kinds = {name: it["type"] for name, it in told.items() if "." in name}
    assert kinds == {"frage.1": "text", "note.1": "scale", "farbe.1": "choice", "sorge.1": "text", "zahl.1": "text"}
    of_one_mind = {"farbe": "option.a", "farbe.1": "option.a", "note.1": "option.5", "wahl": "chosen.bus"}
    counted = {name: known[name]["counts"][code] for name, code in of_one_mind.items()}
    assert counted == {"farbe": 8, "farbe.1": 6, "note.1": 6, "wahl": 14}, "each by the words it was asked with"
    assert {told[name]["counts"][code] for name, code in of_one_mind.items()} == {None}, "few people, all alike"
    assert told["last"]["counts"] == known["last"]["counts"]


def test_a_released_answer_is_told_as_what_it_was_given_to(old_house: OldHouse, tmp_path: Path):
    """The key asks for a number by now: text, count and codebook name the same variable."""
    store = old_house.open()
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE moderations SET state = 'released' WHERE question_key = 'zahl'")
        told = results.as_data(published.preview_results(connection, "stadt"))
    assert len(told["open_answers"]["zahl.1"]) == told["questions"]["zahl.1"]["counts"]["answered"] == 6
    files = dict(_files(store, tmp_path, "stadt"))
    store.dispose()
    keys = {line.partition(",")[0] for line in files["stadt-public.zip/texts.csv"].splitlines()[1:]}
    assert keys == {"zahl.1"}
    assert "zahl.1,zahl,text,question," in files["stadt-public.zip/codebook.csv"]


def test_what_is_none_of_its_codes_is_counted_without_a_name(store):
    with store.reading() as connection:
        found = published.preview_results(connection, "park")
    people = SAME + EACH * 2 * len(STRANGE)
    sums: dict[str, int] = {}
    for row in found.rows:
        if row.table == "question" and row.kind != "chosen":
            sums[row.question_key] = sums.get(row.question_key, 0) + (row.n or 0)
            assert row.kind in {"option", "answered", "missing", "other"}
    assert set(sums.values()) == {people}
    codes = {row.code for row in found.rows if row.table == "question"}
    assert not {code for code in codes if MARKER in code or (len(code) == 1 and code.isalpha())}


def test_a_kept_result_of_an_older_program_is_cleaned(store):
    """It took the words of people for names of sectors."""
    with store.reading() as connection:
        newest = find_live_revision(connection, "park")
        assert newest is not None
        whole = published.preview_results(connection, "park").report
    (statement,) = whole.statements
    strange = SectorCell(MARKER, 9, 9, statement.overall.agreement, None)
    worse = Agreement(statement.name, (*statement.sectors.cells, strange), strange.agreement, (MARKER,))
    spoiled = replace(
        whole,
        statements=(
            replace(statement, sectors=worse, groups=worse, overall=statement.overall._replace(sector=MARKER)),
        ),
        sector_people={**whole.sector_people, MARKER: 9},
        no_groups_because=f"{MARKER} voted",
    )
    with store.begin() as connection:
        document = to_json({"report": results.as_plain_value(spoiled)}).decode()
        kept = StoredEdition(newest.consultation_id, 1, NOW, 0.0, None, "", RULE_BEFORE_EDITIONS, True, document)
        add_edition(connection, kept, [])
    with store.reading() as connection:
        again = published.preview_results(connection, "park").report
    assert replace(again, no_groups_because=whole.no_groups_because) == whole
    _search(dict(_lines(store, "park")), *MARKER.split())
