"""Exhaustive reasoning about a policy: its decision as a function of finitely many cases, by a solver.

Comes in: one policy, or two. Goes out: findings, or what is decided otherwise, each with facts that show it. Read
`formulas/` (the conditions over facts alone), `cases/` (what they can tell apart), gate_cases (a policy's gates over
it), witness (a case made into facts, and decided again), outputs, difference with substance, `changes/` (what was
edited, and what that changes) with version_bump, findings with finding; audit and audit_fix hold sets against the
installed libraries.
"""
