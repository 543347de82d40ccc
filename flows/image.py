"""An image beside a question or an option."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from flows.parts import ImagePart, Parts
from flows.wording import Text

if TYPE_CHECKING:  # the renderer creates messages, and those contain images
    from flows.renderer import Renderer

MOST_IMAGES: Final = 10
"""Images of one message. Telegram shows one per second."""
LONGEST_ALT: Final = 250
"""Characters of an alternative text."""


class Image(BaseModel):
    """An image file with the text that describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    """A path in a file, a media name in a published revision."""
    alt: Text
    """What the image shows, for all who cannot see it."""
    width: int | None = Field(default=None, ge=1, exclude_if=operator.not_)
    """Pixels, read from the file when it is published."""
    height: int | None = Field(default=None, ge=1, exclude_if=operator.not_)


def image_parts(image: Image | None, of_options: Iterable[tuple[int, Image]], renderer: Renderer) -> Parts:
    """Returns the image of a question and those of its options, given with their numbers, as parts of its message."""
    whole: Parts = (_part(image, renderer, 0),) if image else ()
    return (*whole, *(_part(it, renderer, number) for number, it in of_options))


def _part(image: Image, renderer: Renderer, number: int) -> ImagePart:
    alt = renderer.localized(image.alt)
    text = (
        renderer.text("image.of_option", number=number, alt=alt)
        if number
        else renderer.text("image.of_question", alt=alt)
    )
    return ImagePart(text, alt, image.file, width=image.width or 0, height=image.height or 0, number=number)
