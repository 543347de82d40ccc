"""The comparison with other libraries: every bot stores the answers, a wrong row is an error, a table comes out."""

import asyncio
import json
import sqlite3

import pytest

from bot.bootstrap.venv import SetupError
from bot.cli.bench import peers
from bot.common.errors import CommandError
from tests.interop.bench import __main__ as program
from tests.interop.bench import environments, goals, table
from tests.interop.bench.comparing import Cell, Compared, Options, compare
from tests.interop.bench.contestants import ALL, HANDLER, Contestant, check_rows
from tests.interop.bench.residents import Crowd, Measured, person, turns
from tests.interop.bench.rows import Rows
from tests.interop.bench.survey import GOODBYE, NOT_UNDERSTOOD, QUESTIONS, begin, step
from tests.interop.environment import Environment


@pytest.mark.parametrize("contestant", ALL, ids=lambda contestant: contestant.module)
def test_every_bot_stores_what_was_said_and_a_table_is_printed(tmp_path, contestant):
    if contestant.environment and not contestant.environment.is_ready():
        pytest.skip("libraries to compare with: get them with python3 -m tests.interop")
    said: list[str] = []
    options = Options(runs=1, seconds=0.1, residents=(2,), folder=tmp_path, contestants=[contestant])
    compared = compare(options, said.append)
    assert len(said) == len(contestant.ways)
    assert all(line.endswith("rows right") for line in said)
    lines = list(table.tables(compared))
    assert sum(line.startswith(f"| {contestant.title} |") for line in lines) == len(contestant.ways)
    assert table.medians(compared)[f"{contestant.module}.memory.2.turns_per_s"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", range(13))
def test_the_peers_understand_what_a_person_answers(number):
    made = begin()
    stored: dict[str, object] = {}
    for turn in turns(number, is_ours=False)[1:]:
        made = step(made.place, made.chosen, turn.text)
        stored |= dict([made.stored] if made.stored else [])
    assert made.reply == GOODBYE
    assert stored == person(number).stored


def test_the_peers_ask_again_where_they_do_not_understand():
    for place in range(len(QUESTIONS)):
        made = step(place, [], " ")
        assert (made.place, made.reply, made.stored) == (place, NOT_UNDERSTOOD, None)


def stored(database, people):
    """Rows of this number of people, as a peer writes them."""
    rows = Rows(database)
    for number in range(people):
        made = begin()
        for turn in turns(number, is_ours=False)[1:]:
            made = step(made.place, made.chosen, turn.text)
            rows.commit([(number, made)])
    rows.close()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE answers SET value = '\"maybe\"' WHERE chat = 1 AND question = 'again'", "a wrong row"),
        ("DELETE FROM answers WHERE chat = 1 AND question = 'safety'", "a wrong row"),
        ("DELETE FROM answers WHERE chat = 2", "2 people have answers, 3 gave some"),
        ("INSERT INTO answers SELECT 9, question, value FROM answers WHERE chat = 1", "4 people have answers"),
    ],
)
def test_a_wrong_row_is_an_error(tmp_path, change, words):
    stored(tmp_path / "bench.db", 3)
    check_rows(HANDLER, tmp_path / "bench.db", 3)
    connection = sqlite3.connect(tmp_path / "bench.db")
    with connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(AssertionError, match=words):
        check_rows(HANDLER, tmp_path / "bench.db", 3)


async def test_a_message_after_the_last_one_is_an_error():
    loop = asyncio.get_running_loop()
    said = []

    def say(chat, text):
        said.append(text)
        loop.call_soon(crowd.heard, chat)
        loop.call_soon(crowd.heard, -1)

    async def cpu():
        return 0.0

    crowd = Crowd(1, say, is_ours=False)
    with pytest.raises(AssertionError, match="messages came after the last one"):
        await crowd.measure(0.1, cpu)
    assert said[:2] == ["/start bench", "1"]


def test_each_run_is_compared_with_the_same_run_of_the_handler():
    other = ALL[1]

    def run(handler, rate):
        return {HANDLER: Measured(handler, 1, 2, 300, 1), other: Measured(rate, 1, 2, 100, 1)}

    compared = Compared(Cell("memory", 1), [run(100, 200), run(1000, 1000), run(10, 30)])
    _, _, first, second, _ = table.tables([compared])
    assert first == f"| {HANDLER.title} | 100 (10–1,000) | 1 | 1 / 2 | 300 (300–300) |"
    assert second == f"| {other.title} | 200 (30–1,000) | 2.00 (1.00–3.00) | 1 / 2 | 100 (100–100) |"


def test_goals_are_said_to_be_met_or_missed():
    sink = next(one for one in ALL if one.module == "ours_sink")

    def compared(residents, *rates):
        runs = [{HANDLER: Measured(100, 1, 2, 300, 1), sink: Measured(rate, 1, 2, 100, 1)} for rate in rates]
        return Compared(Cell("memory", residents), runs)

    lines = list(goals.goal_lines([compared(64, 500, 600, 900), compared(1, 101)]))
    assert lines[2:] == [
        f"| {sink.title}, in process, 64 residents | ≥ 8 | 6.00 | missed by 25% |",
        f"| {sink.title}, in process, alone | ≥ 1 | 1.01 | met |",
    ]
    assert not list(goals.goal_lines([compared(2, 500)]))


def test_without_the_repository_the_command_says_what_is_missing(tmp_path):
    with pytest.raises(CommandError, match="call it in the repository"):
        peers.run_peers(peers.PeerBenchOptions(5, 3, None, as_json=False), root=tmp_path)


def test_a_library_that_cannot_be_had_is_named_and_left_out(capsys):
    class Missing(Environment):
        def make(self):
            raise SetupError("no way to the index")

    there = Contestant("there", "there")
    missing = Contestant(
        "opsdroid", "opsdroid_skill", Missing(environments.OPSDROID.folder, environments.OPSDROID.lock)
    )
    assert list(program.made_ready([there, missing])) == [there]
    assert "not measured: opsdroid: no way to the index" in capsys.readouterr().err


def test_the_command_hands_on_what_was_asked_for(tmp_path):
    (tmp_path / "tests" / "interop" / "bench").mkdir(parents=True)
    (tmp_path / "tests" / "interop" / "bench" / "__main__.py").write_text(
        "import json, pathlib, sys; pathlib.Path('said').write_text(json.dumps(sys.argv[1:])); sys.exit(3)"
    )
    wish = peers.PeerBenchOptions(2, 0.5, tmp_path, as_json=True)
    assert peers.run_peers(wish, root=tmp_path) == 3
    said = json.loads((tmp_path / "said").read_text())
    assert said == ["--peers", "--runs", "2", "--seconds", "0.5", "--folder", str(tmp_path), "--json"]


def test_a_wrong_row_ends_the_command_with_a_sentence(monkeypatch):
    class Ready(Environment):
        def make(self):
            pass

    def compare(options, tell):
        raise AssertionError("a wrong row: {}")

    monkeypatch.setattr("tests.interop.bench.environments.TELEGRAM", Ready(*environments.TELEGRAM))
    monkeypatch.setattr("tests.interop.bench.__main__.ALL", ())
    monkeypatch.setattr("tests.interop.bench.__main__.compare", compare)
    monkeypatch.setattr("sys.argv", ["bench", "--runs", "1"])
    with pytest.raises(SystemExit, match="bench --peers: a wrong row"):
        program.main()
