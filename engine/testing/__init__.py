"""A policy's own cases: read, run, and asked what of the policy they notice (coverage, mutation). Prints nothing.

Comes in: a policy and its case files. Goes out: which cases fail, what none of them reaches, which mutants nobody
notices. Read case_files, reading, cases, binding, facts with folders, incremental, outcome, coverage,
mutation/.
"""
