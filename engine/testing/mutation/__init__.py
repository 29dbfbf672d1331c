"""Copies of a policy with one thing wrong each, and whether its cases notice.

Comes in: a policy and its cases. Goes out: the mutants that nobody noticed. Read slips, mutants, survivors.
"""
