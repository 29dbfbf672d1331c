"""Exhaustive reasoning about a policy: its decision as a function of finitely many cases, held in a decision diagram.

In the order the data flows: `formula` (expressions without derived facts), `uses` (what they ask of a fact), `words` and
`cells` (the cases of a fact that nothing asked can tell apart), `space` (the variables and the laws between them),
`symbolic` (a policy as a diagram), `witness` (a case made into facts, and decided again), `findings`, `difference`.
"""
