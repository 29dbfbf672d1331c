"""The shipped rule data, and what is kept on disk between two starts.

Comes in: names and plain values. Goes out: bytes of rules/, values that were kept of the same files, files written
whole or not at all.
"""
