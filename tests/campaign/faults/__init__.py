"""The faults of the campaign, one kind a file."""
