"""Signing in at an identity provider: a strict stand-in, over HTTP, without JavaScript."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from bot.common.setting_types import is_safe_provider_url
from bot.staff import provider_documents
from bot.staff.provider_documents import ProviderDocuments, ProviderFailed, fetch_json
from bot.web.console import sign_in
from storage.core.store import Store
from storage.tables.audit import audit_entries
from storage.tables.console_sessions import console_sessions_of
from storage.tables.staff import StaffMember, all_staff
from tests.support.browser import Browser, House, serving
from tests.support.console import accounts, hired, link_for, signed_in
from tests.support.databases import only_sqlite
from tests.support.identity_provider import StandInProvider, ec_key, identity_provider

BUTTON = "Mit Stadtkonto anmelden"
START = "/console/sign-in/provider"


class Place(NamedTuple):
    """A running app that knows a provider, with one member."""

    house: House
    provider: StandInProvider
    member: StaffMember

    def visitor(self) -> Browser:
        return self.house.browser(**{"Accept-Language": "de"})

    def link(self) -> None:
        """Links the account of the provider to the member."""
        with self.house.app.store.begin() as connection:
            accounts(connection).link_identity(self.member, self.provider.issuer, self.provider.subject, "a.kaya")

    def acts(self) -> list[tuple[str, str]]:
        with self.house.app.store.reading() as connection:
            return [(it.act, it.object) for it in audit_entries(connection)]


@pytest.fixture
async def place(store: Store) -> AsyncIterator[Place]:
    member = hired(store)
    async with identity_provider() as provider, serving(store, oidc=provider.settings()) as house:
        yield Place(house, provider, member)


async def answer_of(browser: Browser, path: str = START) -> str:
    """The address to which the provider sends the browser back; the browser does not follow it."""
    url = browser.server.make_url(path)
    async with browser.http.get(url, allow_redirects=False) as response:
        assert response.status == 303
        there = response.headers["Location"]
    async with browser.http.get(there, allow_redirects=False) as response:
        return response.headers["Location"].removeprefix(str(browser.server.make_url("")).rstrip("/"))


async def test_a_linked_account_signs_in(place: Place) -> None:
    place.link()
    browser = place.visitor()
    await browser.get("/console/consultations")
    await browser.get(dict(browser.page.links)[BUTTON])
    assert browser.path == "/console/consultations"  # where the member wanted to go
    assert browser.status == 200
    assert "sign_in" in dict(place.acts())
    before = {cookie.key: cookie.value for cookie in browser.http.cookie_jar}
    assert "console-provider" not in before
    await browser.get(f"{START}?again=1")
    assert place.provider.prompts == ["", "login"]
    after = {cookie.key: cookie.value for cookie in browser.http.cookie_jar}
    assert after["console"] != before["console"]  # a new session with each sign-in
    with place.house.app.store.reading() as connection:
        assert len(console_sessions_of(connection, place.member.id)) == 1


@only_sqlite
async def test_an_account_that_is_not_linked_enters_nothing(place: Place) -> None:
    place.provider.claims = {"preferred_username": "Aylin", "email": "aylin@example.org", "name": "Aylin"}
    browser = await place.visitor().get(START)
    assert browser.status == 403
    assert "noch mit keinem Zugang verbunden" in browser.text
    assert ("sign_in.failed", "unknown") in place.acts()
    with place.house.app.store.reading() as connection:
        assert len(all_staff(connection)) == 1  # none was made
    assert (await browser.get("/console/")).path == "/console/sign-in"


@only_sqlite
@pytest.mark.parametrize("only_going_on", [f"{START}?next=//evil.example/", f"{START}?next=https://evil.example/"])
async def test_no_way_leads_to_another_site(place: Place, only_going_on: str) -> None:
    place.link()
    browser = await place.visitor().get(only_going_on)
    assert (browser.path, browser.status) == ("/console/", 200)


@only_sqlite
async def test_an_answer_counts_once_and_for_its_browser_only(place: Place) -> None:
    place.link()
    browser, other = place.visitor(), place.visitor()
    back = await answer_of(browser)
    assert (await other.get(back)).status == 403  # of another browser: state and cookie belong together
    strange = dict(parse_qsl(urlsplit(back).query)) | {"state": "x" * 32}
    assert (await browser.get(f"{START}/return?{urlencode(strange)}")).status == 403
    mixed = dict(parse_qsl(urlsplit(back).query)) | {"iss": "https://id.evil.example"}
    another = place.visitor()
    theirs = dict(parse_qsl(urlsplit(await answer_of(another)).query)) | {"iss": mixed["iss"]}
    assert (await another.get(f"{START}/return?{urlencode(theirs)}")).status == 403  # RFC 9207
    assert (await browser.get(back)).path == "/console/"
    await browser.press("Abmelden")
    assert (await browser.get(back)).status == 403
    assert "abgelaufen oder wurde schon benutzt" in browser.text


@only_sqlite
async def test_a_code_of_another_attempt_is_refused(place: Place) -> None:
    """The code of an attacker in the victim's attempt: nonce and PKCE verifier differ."""
    place.link()
    victim, attacker = place.visitor(), place.visitor()
    code = dict(parse_qsl(urlsplit(await answer_of(attacker)).query))["code"]
    own = dict(parse_qsl(urlsplit(await answer_of(victim)).query)) | {"code": code}
    assert (await victim.get(f"{START}/return?{urlencode(own)}")).status == 403
    assert (await victim.get("/console/")).path == "/console/sign-in"


@only_sqlite
async def test_wrong_tokens_are_refused_and_recorded(place: Place) -> None:
    place.link()
    now = int(time.time())
    wrong: list[dict[str, Any]] = [
        {"nonce": "anders"},
        {"aud": "andere"},
        {"exp": now - 120},
        {"iss": "https://id.evil.example"},
    ]
    for claims in wrong:
        place.provider.claims = claims
        browser = await place.visitor().get(START)
        assert browser.status == 403, claims
        assert "war nicht gültig" in browser.text
    place.provider.claims, place.provider.error = {}, "access_denied"
    assert "wurde abgebrochen" in (await place.visitor().get(START)).text
    place.provider.error = "server_error"
    assert (await place.visitor().get(START)).status == 403
    assert place.acts().count(("sign_in.failed", "unknown")) == len(wrong) + 2


@only_sqlite
async def test_failures_are_limited_per_address(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, attempts = place.visitor(), place.house.server.app[sign_in.ATTEMPTS]
    for _ in range(30):
        attempts.count_failure("127.0.0.1", "", "")
    assert (await browser.get(START)).status == 429
    assert (await browser.get(f"{START}/return?state=x&code=y")).status == 429
    assert place.provider.asked == []


@only_sqlite
async def test_new_keys_of_the_provider_are_found(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.link()
    assert (await place.visitor().get(START)).path == "/console/"
    place.provider.keys = [ec_key("new")]
    assert (await place.visitor().get(START)).status == 403  # asked a moment ago: not again for every token
    assert place.provider.asked.count("/keys") == 1
    monkeypatch.setattr(provider_documents, "RENEW_SECONDS", 0.0)
    assert (await place.visitor().get(START)).path == "/console/"
    assert place.provider.asked.count("/keys") == 2
    assert place.provider.asked.count("/.well-known/openid-configuration") == 1


@only_sqlite
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
async def test_a_hung_provider_holds_no_page(place: Place, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider_documents, "SECONDS", 0.3)
    place.link()
    place.provider.hangs = {path}
    async with asyncio.timeout(4):
        browser = await place.visitor().get(START)
    assert browser.status == 503
    assert "Stadtkonto antwortet gerade nicht" in browser.text
    assert "sign_in.failed" not in dict(place.acts())  # not the fault of the visitor
    place.provider.hangs = set()
    assert (await place.visitor().get(START)).path == "/console/"


def test_the_time_limits_are_a_few_seconds() -> None:
    assert provider_documents.SECONDS <= 5


@only_sqlite
async def test_a_member_links_and_unlinks_an_account(place: Place) -> None:
    browser, other = signed_in(place.house, place.member), signed_in(place.house, place.member)
    await browser.get("/console/account")
    await browser.get(dict(browser.page.links)["Konto bei Stadtkonto verbinden"])
    assert "a.kaya" in browser.text
    assert "Stadtkonto: a.kaya" not in (await other.get("/console/account")).text  # not before the button is pressed
    await browser.press("Dieses Konto verbinden")
    assert browser.path == "/console/account"
    assert "Stadtkonto: a.kaya" in browser.text
    assert ("credential.add", "Aylin") in place.acts()
    assert (await other.get("/console/account")).path == "/console/sign-in"
    assert (await place.visitor().get(START)).path == "/console/"
    with place.house.app.store.begin() as connection:
        second = accounts(connection).create("Zweite", "facilitator")
    thief = signed_in(place.house, second)
    await thief.get("/console/account/provider")
    assert (await thief.press("Dieses Konto verbinden")).status == 403  # it is linked to Aylin
    await browser.get("/console/account")
    await browser.press("Entfernen a.kaya")
    assert browser.status == 409  # the only way to sign in
    with place.house.app.store.begin() as connection:
        accounts(connection).link_identity(place.member, place.provider.issuer, "zweites", "b")
    await browser.press("Entfernen a.kaya")
    assert "Stadtkonto: a.kaya" not in browser.text
    assert ("credential.remove", "Aylin") in place.acts()
    assert (await place.visitor().get(START)).status == 403


@only_sqlite
async def test_a_link_needs_the_session_that_began_it(place: Place) -> None:
    browser = signed_in(place.house, place.member)
    back = await answer_of(browser, "/console/account/provider")
    await browser.get("/console/account")
    await browser.press("Abmelden")
    assert (await browser.get(back)).status == 403
    fresh = signed_in(place.house, place.member)
    await fresh.get("/console/account")
    csrf = dict(fresh.page.forms[0].fields)["csrf"]
    await fresh.post("/console/account/provider", [("csrf", csrf)])  # nothing was proved
    assert fresh.status == 403


@only_sqlite
async def test_an_invitation_is_accepted_with_an_account(place: Place) -> None:
    path, browser = link_for(place.house.app.store, place.member), place.visitor()
    await browser.get(path)
    await browser.get(dict(browser.page.links)[BUTTON])
    assert browser.status == 200
    await browser.press("Dieses Konto verbinden")
    assert (browser.path, browser.status) == ("/console/", 200)
    assert (await place.visitor().get(path)).status == 410  # used
    assert (await place.visitor().get(START)).path == "/console/"
    assert (await place.visitor().get("/console/invite/wrong/provider")).status == 410
    assert (await place.visitor().get(f"{link_for(place.house.app.store, None)}/provider")).status == 404


@only_sqlite
async def test_an_owner_links_an_account_by_its_identifier(place: Place) -> None:
    with place.house.app.store.begin() as connection:
        owner = accounts(connection).create("Olga", "admin")
    browser = signed_in(place.house, owner)
    await browser.get(f"/console/team/{place.member.id}")
    await browser.press("Konto verbinden", subject="konto-17")
    assert "Das Konto ist verbunden" in browser.text
    await browser.press("Konto verbinden", subject="konto-17")
    assert browser.status == 409
    assert (await place.visitor().get(START)).path == "/console/"
    plain = signed_in(place.house, place.member)
    await plain.get("/console/account")
    csrf = dict(plain.page.forms[0].fields)["csrf"]
    await plain.post(f"/console/team/{owner.id}/provider", [("csrf", csrf), ("subject", "x")])
    assert plain.status == 403


@only_sqlite
async def test_an_owner_sees_and_unlinks_an_account(place: Place) -> None:
    store, owner = place.house.app.store, hired(place.house.app.store, "Olga", "admin")
    browser, path = signed_in(place.house, owner), f"/console/team/{place.member.id}"
    assert "nicht mit Stadtkonto verbunden" in (await browser.get(path)).text
    place.link()
    member = signed_in(place.house, place.member)
    assert "a.kaya" in (await browser.get(path)).text
    await browser.press("Verbindung lösen a.kaya")
    assert "Die Verbindung ist gelöst." in browser.text
    assert "nicht mit Stadtkonto verbunden" in browser.text
    assert place.acts()[-1] == ("credential.remove", place.member.name)
    assert (await member.get("/console/")).path == "/console/sign-in"
    refused = place.visitor()
    await refused.get(START)
    assert refused.path != "/console/"
    with store.reading() as connection:
        assert not console_sessions_of(connection, place.member.id)
    csrf = dict(browser.page.forms[-1].fields)["csrf"]
    others = [("csrf", csrf), ("credential", "1")]
    assert (await browser.post(f"/console/team/{owner.id}/provider/remove", others)).status == 404
    await browser.get("/console/team")
    place.link()  # what an invitation does
    again = place.visitor()
    await again.get("/console/")
    await again.get(dict(again.page.links)[BUTTON])
    assert again.path == "/console/"


async def test_an_old_sign_in_at_the_provider_changes_no_credentials(place: Place) -> None:
    place.link()
    for moment in (None, int(time.time()) - 3600):
        place.provider.claims = {"auth_time": moment}
        browser = await place.visitor().get(START)
        assert browser.path == "/console/"
        assert (await browser.get("/console/account/credentials")).path == "/console/sign-in"
    place.provider.claims = {"auth_time": int(time.time()) - 30}
    browser = await place.visitor().get(START)
    assert (await browser.get("/console/account/credentials")).path == "/console/account/credentials"


async def test_documents_must_be_what_they_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    async with identity_provider() as provider:
        with pytest.raises(ProviderFailed, match="discovery_issuer"):
            await ProviderDocuments(f"{provider.issuer}/").addresses()
        with pytest.raises(ProviderFailed, match="status"):
            await fetch_json("GET", f"{provider.issuer}/missing")
        with pytest.raises(ProviderFailed, match="unreachable"):
            await fetch_json("GET", "http://127.0.0.1:1/")
        monkeypatch.setattr(provider_documents, "LARGEST_BYTES", 10)
        with pytest.raises(ProviderFailed, match="too_large"):
            await fetch_json("GET", f"{provider.issuer}/keys")


def test_secrets_go_to_safe_addresses_only() -> None:
    assert is_safe_provider_url("https://id.example.org/realms/city")
    assert is_safe_provider_url("http://localhost:8080/")
    for url in (
        "http://id.example.org",
        "ftp://id.example.org",
        "https://",
        "https://a@b",
        "https://a b",
        "http://[",
        "",
    ):
        assert not is_safe_provider_url(url), url
