"""A simulated city: residents answer a consultation with all question types while a moderator works, and an independent
ledger defines the expected value of every cell of every output.

The ledger is computed from the residents' messages and `survey.py`, never from the program: no code that computes an
expected figure imports `flows` or takes it from `bot`. `python3 -m tests.city --residents 2000 --seed 7` runs a large
one.

`survey`: the questions; `answering`: how they are answered; `residents`: behaviour in conversations; `ledger`: expected
values; `moderator`: review; `town`: the simulation; `outputs`: reads the program's outputs; `verify`: compares them
cell by cell.
"""
