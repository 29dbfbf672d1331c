"""Several machines that hold one model together, by MLX's own distributed engine.

Comes in: a hostfile as `mlx.launch` takes it, and what each of its machines has. Goes out: the facts of what each would
hold of a model, and a ring of ranks that answer together. Read hostfile, machine and asked (what they have), shares
(the facts); then start, ranks and ending (the ring from outside), rank, ring, agreement and sharded (from inside).
"""
