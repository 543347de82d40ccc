"""Images beside a consultation: checked with it, freed of metadata, kept once under the hash of their content."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from bot.authoring import media
from bot.authoring.file_check import canonical_content, check_parsed_file, read_consultation_file
from bot.authoring.image_files import ImageRefused, read_image
from bot.authoring.publishing import PublishContext, publish_file
from bot.authoring.yaml_export import consultation_to_yaml
from bot.authoring.yaml_source import parse_yaml
from bot.consultations.changes import AnsweredRevision
from bot.consultations.comparison import compare
from flows.definition import Consultation
from tests.support import images
from tests.test_authoring.test_recordings import GOOD

SECRET = b"Anna, 52.52 N 13.40 E"


@pytest.fixture
def store(empty):
    return empty


@pytest.fixture
def desk(tmp_path):
    return PublishContext(count(1).__next__, datetime(2026, 11, 23, tzinfo=UTC), UTC, tmp_path / "data" / "media")


def written(path: Path, file: str, alt: str = "{de: Eine Lampe, en: A lamp}") -> Path:
    """The good file with an image beside its first question."""
    lines = GOOD.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("    text: ")) + 1
    lines.insert(at, f"    image: {{file: {file}, alt: {alt}}}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def issues(path: Path) -> list[str]:
    return [str(it).removeprefix(f"{path}:") for it in read_consultation_file(path).issues if not it.warning]


def stored(content: str) -> Consultation:
    return Consultation.model_validate_json(content)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("png", images.png(320, 200, images.png_chunk(b"tEXt", SECRET), images.png_chunk(b"eXIf", SECRET))),
        ("png", images.png() + SECRET),
        ("jpg", images.jpeg(320, 200, images.exif(), images.segment(0xFE, SECRET), images.segment(0xED, SECRET))),
        ("jpg", images.jpeg(320, 200, images.segment(0xE0, b"JFXX\0" + SECRET)) + SECRET),
        ("jpg", images.jpeg(320, 200, images.segment(0xE2, b"MPF\0" + SECRET))),
        ("webp", images.webp(320, 200, images.riff(b"EXIF", SECRET), images.riff(b"XMP ", SECRET))),
    ],
)
def test_images_lose_what_they_do_not_show(kind, given):
    clean = read_image(given)
    assert (clean.kind, clean.width, clean.height) == (kind, 320, 200)
    assert SECRET not in clean.content
    assert b"52.52" not in clean.content
    assert read_image(clean.content) == clean, "a clean image stays what it is"


def test_pixels_and_colours_stay():
    profile = images.png_chunk(b"iCCP", b"profile")
    assert read_image(images.png(320, 200, profile)).content == images.png(320, 200, profile)
    colours = images.segment(0xE2, b"ICC_PROFILE\0profile") + images.segment(0xEE, b"Adobe")
    assert read_image(images.jpeg(320, 200, colours)).content == images.jpeg(320, 200, colours)
    webp = read_image(images.webp()).content
    assert webp[20] == 0, "it announces no metadata"
    assert webp[21:] == images.webp()[21:]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG drawing"),
        (b"<html>", "is not a PNG, JPEG or WebP image"),
        (b"GIF89a" + bytes(100), "is not a PNG, JPEG or WebP image"),
        (images.png()[:-20], "is damaged"),
        (images.png().replace(b"IDAT", b"IDAX"), "is damaged"),
        (images.jpeg()[:-2], "is damaged"),
        (images.jpeg()[:30], "is damaged"),
        (images.webp()[:-4], "is damaged"),
        (b"\x89PNG\r\n\x1a\n", "is damaged"),
        (images.png(320, 200, images.png_chunk(b"acTL", bytes(8))), "moves"),
        (images.webp(320, 200, images.riff(b"ANIM", bytes(6))), "moves"),
        (images.jpeg(320, 200, images.exif(6)), "is stored sideways"),
        (images.png(99, 200), "has 99 × 200 pixels"),
        (images.jpeg(320, 2001), "has 320 × 2001 pixels"),
    ],
)
def test_unusable_images_are_refused_with_a_remedy(given, said):
    with pytest.raises(ImageRefused, match=said) as refused:
        read_image(given)
    assert refused.value.remedy


def test_damaged_images_never_raise_another_error():
    for given in (images.png(), images.jpeg(320, 200, images.exif()), images.webp()):
        for at in range(len(given)):
            for changed in (given[:at], given[:at] + b"\xff" + given[at + 1 :], given[:at] + b"\0" + given[at + 1 :]):
                try:
                    read_image(changed)
                except ImageRefused:
                    continue


@pytest.mark.parametrize(
    ("file", "alt", "said"),
    [
        ("none.png", "{de: Lampe, en: lamp}", "there is no image “none.png”; put it beside"),
        ("../secret.png", "{de: Lampe, en: lamp}", "is in another folder"),
        ("folder", "{de: Lampe, en: lamp}", "is not a file"),
        ("large.png", "{de: Lampe, en: lamp}", "is larger than 1 MB; save it in a smaller size"),
        ("page.png", "{de: Lampe, en: lamp}", "is not a PNG, JPEG or WebP image; save it as"),
        ("lamp.png", '{de: "", en: lamp}', "is empty"),
        ("lamp.png", "{de: " + "sehr lang " * 26 + ", en: lamp}", "the alternative text has 259 characters"),
        ("lamp.png", "{de: '{answer:lamps}', en: lamp}", "no answer is known where this text is shown"),
    ],
)
def test_a_bad_image_is_an_issue_with_its_line(tmp_path, file, alt, said):
    (tmp_path / "lamp.png").write_bytes(images.png())
    (tmp_path / "large.png").write_bytes(images.png() + bytes(2 * 1024 * 1024))
    (tmp_path / "page.png").write_bytes(b"<html>")
    (tmp_path / "folder").mkdir()
    outside = tmp_path.parent / "secret.png"
    outside.write_bytes(images.png())
    path = written(tmp_path / "park.yaml", file, alt)
    found = issues(path)
    outside.unlink()
    line = next(n for n, it in enumerate(path.read_text().splitlines(), start=1) if it.startswith("    image:"))
    assert len(found) == 1, found
    assert found[0].startswith(f"{line}: ")
    assert said in found[0]


def test_the_alternative_text_is_required_in_every_language(tmp_path):
    (tmp_path / "lamp.png").write_bytes(images.png())
    path = written(tmp_path / "park.yaml", "lamp.png", "{de: Lampe}")
    assert issues(path) == [], "German replaces it"
    path.write_text(path.read_text().replace(", fallback: de", ""))
    assert any("image" in it and "“en”" in it for it in issues(path)), issues(path)


def test_an_image_without_alternative_text_is_refused(tmp_path):
    (tmp_path / "lamp.png").write_bytes(images.png())
    path = written(tmp_path / "park.yaml", "lamp.png")
    path.write_text(path.read_text().replace(", alt: {de: Eine Lampe, en: A lamp}", ""))
    [issue] = issues(path)
    assert "“alt” is missing" in issue


def test_publishing_keeps_an_image_once_without_metadata(store, desk, tmp_path):
    given = images.jpeg(320, 200, images.exif())
    (tmp_path / "lamp.jpeg").write_bytes(given)
    published = publish_file(store, written(tmp_path / "park.yaml", "lamp.jpeg"), desk)
    assert published.revision is not None
    consultation = stored(published.revision.content)
    clean = read_image(given).content
    name = f"{hashlib.sha256(clean).hexdigest()}.jpg"
    image = consultation.questions[0].image
    assert image is not None
    assert (image.file, image.width, image.height) == (name, 320, 200)
    assert (desk.media / name).read_bytes() == clean
    assert [path.name for path in desk.media.iterdir()] == [name]
    shown = tmp_path / "elsewhere" / "shown.yaml"
    shown.parent.mkdir()
    shown.write_text(consultation_to_yaml(consultation, 1), encoding="utf-8")
    assert publish_file(store, shown, desk).revision == published.revision
    shown.write_text(consultation_to_yaml(consultation, 1).replace("width: 320", ""), encoding="utf-8")
    assert "width or height of a published image is missing" in str(publish_file(store, shown, desk).issues[-1])


def test_an_image_that_changes_while_it_is_published_is_refused(desk, tmp_path):
    (tmp_path / "lamp.png").write_bytes(images.png())
    checked = read_consultation_file(written(tmp_path / "park.yaml", "lamp.png"))
    (tmp_path / "lamp.png").write_bytes(b"<html>")
    assert media.store_media(checked.media, desk.media) == [str(tmp_path / "lamp.png")]
    assert not desk.media.exists()


def test_content_without_images_is_what_it_was():
    consultation = check_parsed_file(parse_yaml(GOOD, "x"), "x").consultation
    assert consultation is not None
    assert "image" not in canonical_content(consultation)


def test_more_than_ten_images_in_one_question_are_refused(tmp_path):
    (tmp_path / "lamp.png").write_bytes(images.png())
    lamp = "{file: lamp.png, alt: {de: Lampe, en: lamp}}"
    options = "".join(
        f"\n      - {{value: v{n}, label: {{de: Nummer {n}, en: Number {n}}}, image: {lamp}}}" for n in range(11, 22)
    )
    head, _, _ = GOOD.partition("questions:")
    question = f"questions:\n  - key: q\n    type: choice\n    text: {{de: Was?, en: What?}}\n    options:{options}\n"
    (tmp_path / "park.yaml").write_text(head + question, encoding="utf-8")
    found = issues(tmp_path / "park.yaml")
    assert any("there are 11 images in one question" in it for it in found), found


def test_another_image_has_to_be_confirmed():
    """It can show something else, so that answers before and after mean different things."""
    plain = check_parsed_file(parse_yaml(GOOD, "x"), "x").consultation
    assert plain is not None
    one, other = (with_image(plain, images.png(shade=shade)) for shade in (1, 2))
    key = one.questions[0].key

    def changes(old: Consultation, new: Consultation) -> list[tuple[str, str]]:
        before = AnsweredRevision(1, old, {key: 7})
        return [(change.kind, change.name) for change in compare(new, old, [before]) if change.key == key]

    assert changes(one, one) == []
    assert changes(one, other) == [("words", "image")]
    assert changes(plain, one) == [("words", "image")]


def with_image(consultation: Consultation, content: bytes) -> Consultation:
    data = consultation.model_dump(mode="json")
    data["questions"][0]["image"] = images.image_entry(content, "eine Lampe")
    return Consultation.model_validate(data)
