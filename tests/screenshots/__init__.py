"""Images of the guide: `python3 -m tests.screenshots` takes them from a running service with invented data."""
