"""Faults under live traffic: `python3 -m tests.chaos` lists them, `… NAME --times 100 --seed 7` runs one.

Each fault is a file in `faults/` (prepare, disturb, check; see `fault.py`). A ledger beside the service knows what was
acknowledged; it decides what was lost or doubled, not the service.
"""
