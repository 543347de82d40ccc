"""The faults of the chaos tests, one kind a file."""
