"""Several machines that hold one model together, by MLX's own distributed engine.

Comes in: a hostfile as `mlx.launch` takes it. Goes out: its hosts as frozen values. Read hostfile.
"""
