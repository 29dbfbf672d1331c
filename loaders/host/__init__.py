"""What this machine has: memory, Python, and the backends with what they support; none of them is imported.

Comes in: nothing. Goes out: facts. Read this_machine, installed, memory, python_source (a backend's own source, read
as text), kept_support.
"""
