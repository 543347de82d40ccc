"""Adds the console to the router."""

from __future__ import annotations

from aiohttp import web

from bot.staff.identity_provider import IdentityProvider

# Importing a module of pages registers them.
from bot.web.console import (  # noqa: F401
    account,
    answer_editor,
    answers,
    assignments,
    attachments,
    audit_log,
    consultation_file,
    consultations,
    draft_about,
    draft_autosave,
    draft_editing,
    draft_languages,
    draft_media,
    draft_questions,
    draft_translators,
    files,
    home,
    invitation,
    linked_accounts,
    live,
    messages,
    new_consultation,
    population,
    posters,
    preview,
    preview_frame,
    provider_sign_in,
    publish,
    push,
    push_new,
    push_sample,
    push_second,
    reading,
    results,
    settings,
    sign_in,
    spread,
    team,
    translations,
    try_out,
)
from bot.web.console.attempts import Attempts
from bot.web.console.credentials import SETUP_TICKETS
from bot.web.console.draft_presence import DRAFT_PRESENCE, DraftPresence
from bot.web.console.gate import gated
from bot.web.console.live_streams import LIVE_STREAMS, LiveStreams
from bot.web.console.provider import PROVIDER
from bot.web.console.push_desk import PUSH_DESK, PushDesk
from bot.web.console.registry import CONSOLE_PAGES
from bot.web.console.rendering import BASE, see_other
from bot.web.console.tickets import Tickets
from bot.web.context import SITE


def add_console_routes(application: web.Application) -> None:
    """Adds the pages of the sign-in, which need no session, and all registered pages."""
    keys = application[SITE].services.keys
    application[sign_in.ATTEMPTS] = Attempts(keys)
    application[sign_in.PENDING_TICKETS] = Tickets(keys, "pending")
    application[sign_in.CHALLENGES] = Tickets(keys, "challenge")
    application[settings.BACKUPS] = settings.BackupJobs()
    application[preview.PREVIEW_RUNS] = preview.PreviewRuns()
    application[DRAFT_PRESENCE] = DraftPresence()
    application[LIVE_STREAMS] = LiveStreams()
    application.on_shutdown.append(application[LIVE_STREAMS].close)
    application[PUSH_DESK] = PushDesk(application[SITE].services)
    application[SETUP_TICKETS] = Tickets(keys, "setup")
    application[provider_sign_in.PROVIDER_TICKETS] = Tickets(keys, "provider")
    application[provider_sign_in.IDENTITY_TICKETS] = Tickets(keys, "identity")
    options = application[SITE].services.settings.oidc
    if options.issuer:
        application[PROVIDER] = IdentityProvider(options, keys)
    router = application.router
    router.add_get(BASE, _home)
    router.add_get(f"{BASE}/sign-in", sign_in.show_sign_in)
    router.add_post(f"{BASE}/sign-in", sign_in.check_password)
    router.add_get(f"{BASE}/sign-in/code", sign_in.show_code)
    router.add_post(f"{BASE}/sign-in/code", sign_in.check_code)
    router.add_post(f"{BASE}/sign-in/passkey", sign_in.check_passkey)
    router.add_get(provider_sign_in.START, provider_sign_in.start_sign_in)
    router.add_get(provider_sign_in.RETURN, provider_sign_in.finish_sign_in)
    router.add_get(f"{BASE}/invite/{{token}}/provider", linked_accounts.start_invitation)
    router.add_post(f"{BASE}/invite/{{token}}/provider", linked_accounts.accept_with_account)
    router.add_get(f"{BASE}/{{kind:first|invite}}/{{token}}", invitation.show_invitation)
    router.add_post(f"{BASE}/{{kind:first|invite}}/{{token}}", invitation.accept_invitation)
    for page in CONSOLE_PAGES:
        router.add_route(page.method, BASE + page.path, gated(page))


async def _home(request: web.Request) -> web.Response:
    """Redirects to the home page."""
    return see_other(f"{BASE}/")
