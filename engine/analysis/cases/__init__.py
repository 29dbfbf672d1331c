"""All cases that a policy's conditions can tell apart, as variables with finitely many values, and a solver over them.

Comes in: formulas. Goes out: whether some case fulfils them, and which. Read uses and questions (what they ask of which
fact), text_kinds, fact_values and variables (a value of each kind that the questions tell apart), solver and space (the
laws between them, and z3); ordinary_model is what a case is told apart from.
"""
