"""From a checked document to a program: rules as plain data, and Python functions of their expressions.

Comes in: a document. Goes out: a program, and the source of one function that decides; the program is kept for the next
start, as data. Read program, program_builder, expression_code, program_functions with shipped/, function/,
kept_programs; reads tells which facts a gate reads.
"""
