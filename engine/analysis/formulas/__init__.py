"""A policy's conditions over facts alone.

Comes in: a policy, whose conditions speak of derived facts, look-ups and sets. Goes out: formulas that say the same of
facts. Read new_nodes (nodes that no rule file has) and derived_from (what derived facts are made of), then constants
(what is said without any fact) and formula.
"""
