"""kill -9, again and again, under live traffic: `python3 -m tests.campaign --kills 1000 --channel telegram`.

Residents talk to the bot without a pause, each saying something nobody said before; the house is killed at named steps
and at random moments, and starts again. The counterpart's ledger decides what was lost or doubled, not the house.
"""
