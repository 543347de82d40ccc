"""Signing in at an identity provider in a real browser: the policy of the pages permits the way there and back."""

from __future__ import annotations

from tests.support.console import accounts, hired
from tests.support.identity_provider import identity_provider
from tests.test_browser.conftest import World
from tests.test_browser.looks import Look


async def test_a_browser_signs_in_at_a_provider(world: World) -> None:
    member, look = hired(world.store), Look(world, "provider")
    async with identity_provider() as provider:
        await world.stop()
        await world.restart(oidc=provider.settings())
        with world.store.begin() as connection:
            accounts(connection).link_identity(member, provider.issuer, provider.subject, "a.kaya")
        tab = await world.tab()
        await tab.size(360, 740, is_mobile=True)
        await tab.go("/console/account")
        await look(tab, "sign-in")
        async with tab.leaving("the account, by way of the provider"):
            await tab.click("a[href^='/console/sign-in/provider']")
        assert await tab.evaluate("location.pathname") == "/console/account"
        await tab.sees("a.kaya")
        await look(tab, "account")
        async with tab.leaving("the question"):
            await tab.click("a[href='/console/account/provider']")
        await look(tab, "question")
        async with tab.leaving("the problem: it is linked already"):
            await tab.click("main form button")
        await look(tab, "problem")
        look.check()
        tab.requests[:] = [url for url in tab.requests if not url.startswith(provider.issuer)]
