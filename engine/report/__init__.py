"""Answers for people and for programs: text, JSON, SARIF, JUnit, pages.

Comes in: traces, problems, results. Goes out: text, with nothing in it that could move a cursor (terminal). Prints
nothing.
"""
