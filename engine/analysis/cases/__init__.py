"""All cases that a policy's conditions can tell apart, as variables with finitely many values, and a solver over them.

Comes in: conditions over facts. Goes out: whether some case fulfils them, and which. Read formula, uses, text_kinds,
fact_values, variables, questions, space, solver; ordinary_model is what a case is told apart from.
"""
