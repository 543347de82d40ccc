"""Tokens: what stands behind buttons that were shown long ago is understood, and read in one place only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.messages import QuickReply
from flows.tokens import Token, arguments_of
from tests.upgrades import FACTS, FOLDER

ROOT: Final = Path(__file__).parents[2]
SHOWN: Final = [token for buttons in ("queue_buttons", "open_buttons") for _, token in FACTS[buttons]]
KNOWN: Final = {
    "b69eca.wahl.bus": Token("b69eca", "wahl", "bus"),
    "b69eca.wahl.+done": Token("b69eca", "wahl", "+done"),
    "b69eca.wahl.-bus": Token("b69eca", "wahl", "-bus"),
    "b69eca.ideen.agree-4711": Token("b69eca", "ideen", "agree-4711"),
    "b69eca.idee.same-2": Token("b69eca", "idee", "same-2"),
    "b69eca.preis.0.5": Token("b69eca", "preis", "0.5"),
    "b69eca..skip": Token.of_command("b69eca", "skip"),
    "b69eca..change.2": Token.of_command("b69eca", "change", 2),
    "b69eca..language.de-simple": Token.of_command("b69eca", "language", "de-simple"),
    "b69eca..news.about.mein-kiez": Token.of_command("b69eca", "news", "about", "mein-kiez"),
    "b69eca..start.mein-kiez": Token.of_command("b69eca", "start", "mein-kiez"),
    "lobby.start.mein-kiez": Token("lobby", "start", "mein-kiez"),
    "lobby..news.district.01.no": Token.of_command("lobby", "news", "district", "01", "no"),
    "lobby..news.topic.economy": Token.of_command("lobby", "news", "topic", "economy"),
    "lobby..link.join.here": Token.of_command("lobby", "link", "join", "here"),
    "lobby..mine.ask.delete.P-CR19-DHFD": Token.of_command("lobby", "mine", "ask", "delete", "P-CR19-DHFD"),
    "lobby..mine.more.2": Token.of_command("lobby", "mine", "more", 2),
    "lobby..delete_all": Token.of_command("lobby", "delete_all"),
    "desk..merge.P-CR19-DHFD.P-VGCT-Z81Q.=64493316a2fd": Token.of_command(
        "desk", "merge", "P-CR19-DHFD", "P-VGCT-Z81Q", "=64493316a2fd"
    ),
    "desk..push.pause.17": Token.of_command("desk", "push", "pause", 17),
    "push.start.mein-kiez": Token("push", "start", "mein-kiez"),
    "push..stop": Token.of_command("push", "stop"),
}
"""Tokens of every kind that was ever written."""
NO_TOKENS: Final = ["", "b69eca", "b69eca.wahl", "b69eca.", "b69eca..", ".", "..", "?start=mein-kiez", "kiosk"]


@pytest.mark.parametrize("text", KNOWN)
def test_tokens_are_written_as_ever_and_read(text):
    assert Token.parse(text) == KNOWN[text]
    assert KNOWN[text].format() == text


@pytest.mark.parametrize("text", SHOWN)
def test_tokens_shown_before_the_upgrade_are_read(text):
    token = Token.parse(text)
    assert token.format() == text
    assert bool(token.command) is not bool(token.key)


def test_tokens_waiting_in_the_old_outbox_are_read():
    dump = (FOLDER / "mitsprache.sql").read_text(encoding="utf-8")
    waiting = set(re.findall(r'\["([^"]+\.[^"]*\.[^"]+)","', dump))
    assert waiting
    for text in waiting:
        token = Token.parse(text)
        assert token.format() == text
        assert token.key or token.command


@pytest.mark.parametrize("text", NO_TOKENS)
def test_what_is_no_token_is_neither_answer_nor_command(text):
    token = Token.parse(text)
    assert (token.code, token.key, token.value, token.command, token.arguments) == (text, "", "", "", ())
    assert token.format() == text


@given(st.one_of(st.text(), st.text(alphabet=".ab+-=_0"), st.sampled_from([*KNOWN, *SHOWN])))
def test_format_is_the_inverse_of_parse(text):
    assert Token.parse(text).format() == text


@given(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), st.lists(st.from_regex(r"[A-Za-z0-9=+-]+", fullmatch=True)))
def test_arguments_come_back(code, arguments):
    token = Token.parse(Token.of_command(code, "push", *arguments).format())
    assert (token.code, token.command, token.arguments) == (code, "push", tuple(arguments))
    assert arguments_of(token.argument) == tuple(arguments)


def test_an_answer_is_no_command():
    answer = Token.parse("b69eca.wahl.bus.x")
    assert (answer.command, answer.argument, answer.arguments) == ("", "", ())


def test_a_button_gets_more_arguments():
    reply = QuickReply("lobby..mine", "Meins", 3)
    assert reply.with_arguments("more", 2) == reply._replace(token="lobby..mine.more.2")
    assert reply.with_arguments("votes", label="Ja").label == "Ja"


ELSEWHERE: Final = {
    "adapters/web/sessions.py": "cookies: an id and its signature",
    "bot/bootstrap/install.py": "releases of Python",
    "bot/authoring/media.py": "names of files",
    "bot/settings.py": "keys of settings",
    "bot/staff/sign_in.py": "tickets: a number, an hour and a signature",
}
"""Files that take other things apart at dots."""
TAKING_APART: Final = frozenset({"partition", "rpartition", "split", "rsplit"})
LOOKING_AT: Final = TAKING_APART | {"startswith", "endswith", "removeprefix", "removesuffix", "replace"}
COMMAND: Final = re.compile(r"^(\w+)?\.\.\w|^\.\.$|\.\.\w+\.$")


def taken_apart(path: str, code: str) -> Iterator[str]:
    """Where a token seems to be made or read by hand."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Attribute(attr=method), args=[ast.Constant(value="."), *_]):
                is_found = method in TAKING_APART and path not in ELSEWHERE
            case ast.Call(func=ast.Attribute(value=ast.Attribute() as of, attr=method)):
                is_found = carries_token(of) and method in LOOKING_AT
            case ast.JoinedStr(values=parts):
                is_found = any(goes_on(*pair) for pair in pairwise(parts))
            case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[of]):
                is_found = carries_token(of)
            case ast.Constant(value=str(text)):
                is_found = bool(COMMAND.search(text))
            case _:
                is_found = False
        if is_found and isinstance(node, ast.expr):
            yield f"{path}:{node.lineno}: {ast.unparse(node)}"


def goes_on(part: ast.expr, after: ast.expr) -> bool:
    """Whether a text goes on behind a token with a dot."""
    match part, after:
        case ast.FormattedValue(value=of), ast.Constant(value=str(text)):
            return carries_token(of) and text.startswith(".")
    return False


def carries_token(node: ast.expr) -> bool:
    """Whether it holds a token; in a reply to a question is its value only."""
    match node:
        case ast.Attribute(attr="token"):
            return True
        case ast.Attribute(value=of, attr="choice"):
            return ast.unparse(of) != "reply"
    return False


def test_tokens_are_taken_apart_in_their_own_module_only():
    sources = {
        file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
        for package in ("adapters", "bot", "flows")
        for file in ROOT.joinpath(package).rglob("*.py")
    }
    assert sources.keys() >= ELSEWHERE.keys()
    del sources["flows/tokens.py"]
    assert not [found for path, code in sources.items() for found in taken_apart(path, code)]
    templates = [*ROOT.joinpath("bot/web/templates").rglob("*.html")]
    assert len(templates) > 20
    assert not [file.name for file in templates if re.search(r"token\.(\w*with|split)\b", file.read_text("utf-8"))]


@pytest.mark.parametrize(
    "code",
    [
        'msg.choice.partition(".")',
        'x.split(".", 1)',
        'reply.token.endswith("+done")',
        '"..news." in reply.token',
        'f"{change.token}.{number}"',
        'f"{flow.code}..skip"',
        'STOP = "push..stop"',
    ],
)
def test_a_token_taken_apart_by_hand_is_found(code):
    assert list(taken_apart("bot/anything.py", code))
