"""Every fault of the fault programme, what is expected of it, and what was seen: `python -m tests.faults`."""
