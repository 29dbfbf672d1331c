"""From a program and facts to a decision, and the reasons for it.

Comes in: a program, or the function written of it, and facts. Goes out: a decision; a trace of how it came about. Read
compiled (the one function), exact (rule by rule, which says what is wrong where), trace.
"""
