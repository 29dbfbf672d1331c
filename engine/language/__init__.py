"""The expressions of the rules: JMESPath with places, types and functions of our own.

Comes in: an expression's text. Goes out: its syntax tree, each node with its place and its type, or what is wrong
with it. Read expression with other_languages, fact_paths, functions, type_check with call_check, list_check and
not_null, then function_code, memory_code and operators (what runs); interpreter is jmespath's own, and the
measure of all others.
"""
