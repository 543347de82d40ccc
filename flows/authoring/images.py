"""Checks of the images of a consultation file, apart from their files (`bot.authoring.media`)."""

from __future__ import annotations

from collections.abc import Iterator

from flows.definition import Consultation
from flows.image import LONGEST_ALT, MOST_IMAGES
from flows.questions.base import Problem


def image_problems(consultation: Consultation) -> Iterator[Problem]:
    """Yields questions with too many images, and alternative texts that are too long for the caption of an image."""
    for index, node in enumerate(consultation.questions):
        images = list(node.images())
        if len(images) > MOST_IMAGES:
            reason = f"there are {len(images)} images in one question; channels that send them one by one take long"
            yield Problem(("questions", index), reason, f"use at most {MOST_IMAGES}")
        for path, image in images:
            for tag, wording in image.alt.items():
                if (length := len(wording.text)) > LONGEST_ALT:
                    reason = f"the alternative text has {length} characters"
                    remedy = f"say what matters for the question in {LONGEST_ALT}, and the rest in the question"
                    yield Problem(("questions", index, *path, "alt", tag), reason, remedy)
