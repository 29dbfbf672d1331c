"""The whole policy written as one Python function: facts in, decision out, nothing interpreted.

Comes in: a program. Goes out: a decider, plain data with the function's source. Read decider, policy_writer,
gate_order, rule_writer, expression_writer with file_patterns, fact_writer; gate_tables is looked into as it runs.
"""
