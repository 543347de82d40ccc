"""What a form needs of the conversation that it writes to: the stored one of a visitor, or a preview of the console."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from adapters.web.log import ChatEntry
from adapters.web.sessions import WebConversation
from bot.web.consultation_cache import PublishedConsultation
from bot.web.public.chat import conversation_log, requested_consultation, send_message


class FormChat(Protocol):
    """A conversation that forms write to."""

    @property
    def published(self) -> PublishedConsultation:
        """The consultation that the conversation is about."""

    async def entries(self) -> list[ChatEntry]:
        """Returns the conversation so far. Raises RequestError."""

    async def send(self, client_id: str, *, text: str = "", choice: str = "", label: str = "") -> None:
        """Sends a message to the bot and waits for the reply. Raises RequestError."""


@dataclass(frozen=True, slots=True)
class VisitorFormChat:
    """The stored conversation of the visitor who sent a request."""

    request: web.Request
    conversation: WebConversation

    @property
    def published(self) -> PublishedConsultation:
        """The consultation of the path. Raises RequestError."""
        return requested_consultation(self.request, trials=True)

    async def entries(self) -> list[ChatEntry]:
        """Returns the conversation so far. Raises RequestError."""
        return await conversation_log(self.request, self.conversation)

    async def send(self, client_id: str, *, text: str = "", choice: str = "", label: str = "") -> None:
        """Sends a message to the bot and waits for the reply. Raises RequestError."""
        await send_message(self.request, self.conversation, client_id, text=text, choice=choice, label=label)
