"""Exhaustive reasoning about a policy: its decision as a function of finitely many cases, by a solver.

In the order the data flows: `formula` (expressions without derived facts), `uses` and `questions` (what they ask of
which fact), `words`, `cells` and `variables` (a value of each kind that the questions tell apart), `cases` and `space`
(the laws between them, and z3), `symbolic` (a policy's gates in a space), `witness` (a case made into facts, and
decided again), `findings`, `difference`, `bump`, `report`.
"""
