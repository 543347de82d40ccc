"""A simulated city: residents answer a consultation of all question types while a moderator works, and a ledger of its
own says what every cell of every output must hold.

The ledger follows from what residents said and from `survey.py`, never from the program: nothing here that expects a
figure imports `flows` or asks `bot` for it. `python3 -m tests.city --residents 2000 --seed 7` runs a large one.

`survey`: what is asked; `answering`: how it is answered; `residents`: what people do; `ledger`: what must come of
it; `moderator`: who reads; `town`: all of them; `outputs`: what the program gives out; `verify`: cell by cell.
"""
