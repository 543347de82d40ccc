"""Segments: what may be typed, what it means, and that nonsense is named with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.broadcasts.segments import DEEPEST, SegmentError, SubscriberFacts, parse_segment

SLUGS, CHANNELS = ("park", "trees"), ("telegram", "town")
ATOMS = {
    "everybody": lambda known: True,
    "topic=economy": lambda known: known.wants_all or "economy" in known.topics,
    "district=08": lambda known: "08" in known.districts,
    "district=Neukölln": lambda known: "08" in known.districts,
    "language=tr": lambda known: known.language == "tr",
    "channel=town": lambda known: known.channel == "town",
    "took_part=park": lambda known: "park" in known.took_part,
    "began=trees": lambda known: "trees" in known.began,
    "finished=trees": lambda known: "trees" in known.finished,
}
people = st.builds(
    SubscriberFacts,
    topics=st.frozensets(st.sampled_from(["economy", "inclusion"])),
    districts=st.frozensets(st.sampled_from(["01", "08"])),
    wants_all=st.booleans(),
    language=st.sampled_from(["", "de", "tr"]),
    channel=st.sampled_from(CHANNELS),
    began=st.sets(st.sampled_from(SLUGS)),
    took_part=st.sets(st.sampled_from(SLUGS)),
    finished=st.sets(st.sampled_from(SLUGS)),
)
# An expression as text, and what it means as a function.
expressions = st.recursive(
    st.sampled_from(list(ATOMS.items())),
    lambda inner: st.one_of(
        inner.map(lambda one: (f"not ({one[0]})", lambda known: not one[1](known))),
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]}) and ({two[1][0]})", lambda known: two[0][1](known) and two[1][1](known))
        ),
        st.tuples(inner, inner).map(
            lambda two: (f"( {two[0][0]} OR  {two[1][0]} )", lambda known: two[0][1](known) or two[1][1](known))
        ),
    ),
    max_leaves=8,
)


@given(expressions, people)
def test_means_what_it_says(expression, known):
    text, meaning = expression
    assert parse_segment(text, SLUGS, CHANNELS).includes(known) == meaning(known)


@given(people)
def test_and_binds_tighter_than_or(known):
    loose = parse_segment("language=tr or topic=economy and channel=town", SLUGS, CHANNELS)
    tight = parse_segment("language=tr or (topic=economy and channel=town)", SLUGS, CHANNELS)
    assert loose.includes(known) == tight.includes(known)


@given(st.text(alphabet="()= andortpicxyz01é\x00\n", max_size=60))
def test_any_text_is_understood_or_refused_with_its_place(text):
    try:
        understood = parse_segment(text, SLUGS, CHANNELS).includes(SubscriberFacts()) in {True, False}
    except SegmentError as refused:
        understood = 0 <= refused.position <= len(text) and bool(str(refused))
    assert understood


def test_knows_which_participation_must_be_looked_up():
    assert parse_segment("began=park and not (took_part=trees or everybody)", SLUGS, CHANNELS).slugs == {
        "park",
        "trees",
    }
    assert parse_segment("everybody", SLUGS, CHANNELS).slugs == frozenset()


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 1, "a condition is missing; write e.g. topic="),
        ("topic=economy and", 18, "a condition is missing"),
        ("topic=religion", 1, "there is no topic 'religion'; there is administration, chances, economy"),
        ("everybody and gender=female", 15, "there is no 'gender'; there is everybody, topic="),
        ("everybody and (language=de", 15, 'the closing bracket is missing; add ")"'),
        ("everybody language=de", 11, "is unexpected; join conditions"),
        ("took_part=meadow", 1, "there is park, trees"),
        ("channel=sms", 1, "there is telegram, town"),
        ("district=13", 1, "there is no district '13'; there is 01 Mitte"),
        ("young", 1, "'young' is not a condition"),
        ("topic", 1, "topic needs a value"),
        ("=", 1, "is not allowed here"),
        ("(" * (DEEPEST + 2) + "everybody", DEEPEST + 2, "nested too deeply"),
        ("x" * 1001, 1001, "too long"),
    ],
)
def test_says_where_and_what_to_do(text, position, said):
    with pytest.raises(SegmentError) as refused:
        parse_segment(text, SLUGS, CHANNELS)
    assert str(refused.value).startswith(f"segment, character {position}: ")
    assert said in str(refused.value)
