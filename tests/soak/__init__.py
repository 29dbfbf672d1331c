"""A server under load and faults: `python -m tests.soak` prints what was seen, and fails where that may not be."""
