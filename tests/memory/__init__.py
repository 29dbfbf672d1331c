"""Memory, predicted from a folder's facts and measured by loading: `python -m tests.memory.measure`."""
