"""How a question is laid out on a page, from what its type says about itself."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from bot.common.i18n.locale import Locale
from bot.web.consultation_cache import PublishedConsultation
from bot.web.public.form_model import FormStep
from flows.questions.base import Question
from flows.tally import BudgetTerms

Layout = Literal["tiles", "chips", "scale", "votes", "single", "confirm", "rank", "points", "field"]
"""`tiles`: one answer per row. `chips`: several answers, side by side. `scale`: the steps in one row. `votes`: each
answer is a button that sends it. `single`: the only answer, a button beside the others. `confirm`: a text as it will be
stored, with buttons. `rank`, `points`: a number for each option. `field`: text, a number or a date."""
SUBMIT: Final = "submit"
"""Value of the answer that stores a text as it is shown."""
_MOST_LINES: Final = 60
"""Budgets with more steps are written as amounts; a page would have to list too many sentences."""


class Widget(NamedTuple):
    """The layout of one question with what its script needs to know."""

    layout: Layout
    most_characters: int = 0
    """The longest text; 0 if the question takes none."""
    most: int = 0
    """How many options may be chosen; 0 for any number."""
    alone: str = ""
    """Token of the option that excludes all others."""
    is_unsent: bool = False
    """Whether the visitor's text is shown once more before it is stored."""
    places: str = ""
    """Names that may be typed instead of an option: `01:Moabit,Wedding;02:Kreuzberg`."""
    has_codes: bool = False
    """Whether postal codes are among these names."""
    budget: int = 0
    step: int = 1
    unit: str = ""
    """The unit of the budget; "" for points."""
    rest: str = ""
    """The sentences about the rest of the budget, one per line and step that is left; "" for large budgets."""


def node_of(published: PublishedConsultation, step: FormStep, key: str = "") -> Question | None:
    """Returns the question of a page: by the key in its tokens, else by `key`; None for pages without a question."""
    keys = {option.parsed.key for option in step.options} or {key}
    asked = (node for node in published.consultation.nodes() if isinstance(node, Question))
    return next((node for node in asked if node.key in keys), None)


def widget_of(published: PublishedConsultation, step: FormStep, locale: Locale, key: str = "") -> Widget:
    """Returns the layout of the current question. `key` is that of the open question, for questions without options."""
    node = node_of(published, step, key)
    widget = Widget(_layout(step, node))
    if node is None:
        return widget
    if node.carries == "proposal":
        widget = widget._replace(is_unsent=bool(step.options))
    if widget.layout == "field":
        return widget._replace(most_characters=node.most_characters)
    if widget.layout == "points" and (terms := node.budget_terms()):
        unit = published.text(terms.unit, locale.tag) if terms.unit else ""
        return widget._replace(budget=terms.amount, step=terms.step, unit=unit, rest=_rest(terms, unit, locale))
    if widget.layout == "chips" and node.exclusive_value:
        return widget._replace(alone=step.options[0].parsed._replace(value=node.exclusive_value).format())
    if widget.layout == "tiles" and (places := node.named_places()):
        listed = ";".join(f"{value}:{','.join(names)}" for value, names in places.items())
        has_codes = any(name.isdigit() for names in places.values() for name in names)
        return widget._replace(places=listed, has_codes=has_codes)
    return widget


def _layout(step: FormStep, node: Question | None) -> Layout:
    if not step.options or step.expects == "text":
        return "field"
    if step.expects == "order":
        return "rank"
    if step.expects == "amounts":
        return "points"
    if step.expects == "many":
        return "chips"
    if step.options[0].parsed.value == SUBMIT:
        return "confirm"
    if len(step.options) == 1:
        return "single"
    if node is not None and node.carries == "votes":
        return "votes"
    return "scale" if node is not None and node.paper_layout == "line" else "tiles"


def amount_text(number: int, unit: str, locale: Locale) -> str:
    """Returns an amount of a budget with its unit, which is points if there is none."""
    return f"{number} {unit}" if unit else locale.text("points.unit", n=number)


def _rest(terms: BudgetTerms, unit: str, locale: Locale) -> str:
    """Returns the sentences about the rest, from nothing to all of it; "" for large budgets."""
    if terms.amount // terms.step > _MOST_LINES:
        return ""
    steps = range(0, terms.amount + 1, terms.step)
    return "\n".join(locale.text("points.left", amount=amount_text(number, unit, locale)) for number in steps)
