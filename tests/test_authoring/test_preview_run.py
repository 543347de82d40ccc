"""Runs of the preview: the real engine without a store, and ways to every question of every sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.authoring.file_check import read_consultation_file
from bot.authoring.preview_run import PreviewStep, compile_preview, find_way, play_run
from bot.authoring.publishing import SAMPLES
from flows.definition import Consultation

FOLDER = Path(__file__).parents[1] / "consultations"
FILES = [*sorted(SAMPLES.glob("*.yaml")), *(FOLDER / f"{name}.yaml" for name in ("good", "ideas", "pairs", "weighing"))]


def read(path: Path) -> Consultation:
    consultation = read_consultation_file(path).consultation
    assert consultation
    return consultation


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_there_is_a_way_to_every_question_in_every_language(path: Path) -> None:
    flow = compile_preview(read(path))
    for language in flow.languages:
        for key in flow.questions:
            way = find_way(flow, language, key)
            assert way is not None, (language, key)
            assert play_run(flow, language, way).session.at == key


def test_seeds_are_rated_one_after_another() -> None:
    flow = compile_preview(read(SAMPLES / "kiez-ideen.yaml"))
    (key,) = (it for it in flow.questions if flow.nodes[it].type == "statements")
    way = find_way(flow, "de", key) or ()
    first = play_run(flow, "de", way).steps[-1].messages[-1]
    after = play_run(flow, "de", (*way, PreviewStep(choice=first.quick_replies[0].token)))
    assert first.text != after.steps[-1].messages[-1].text
    assert after.session.at == key


def test_a_run_goes_on_in_another_language() -> None:
    flow = compile_preview(read(SAMPLES / "mein-kiez.yaml"))
    way = find_way(flow, "de", flow.questions[2]) or ()
    assert play_run(flow, "tr", way).session.at == flow.questions[2]
