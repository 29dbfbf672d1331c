"""A policy's own cases: read, run, and asked what of the policy they notice (coverage, mutation). Prints nothing."""
