"""The rows of `list`: one a model, kept for as long as nothing that it was made of changed.

Comes in: the models that are here, and a policy. Goes out: rows, each as soon as it is known. Read rows, then
row_grounds (what a row was made of) and kept_rows (the file that holds them).
"""
