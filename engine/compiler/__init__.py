"""From a checked document to a program: rules as plain data, and Python functions of their expressions.

Comes in: a document. Goes out: a program, and the source of one function that decides; both are kept for the next
start. Read program, program_builder, expression_code, function/, kept_programs; reads tells which facts a gate reads.
"""
