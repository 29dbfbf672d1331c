"""Processes on several machines that answer together, by the ring of MLX's own distributed engine.

Comes in: the hosts of a hostfile, and what each is to do. Goes out: what each machine has, and ranks that answer, or
the first reason why not. Read start_command, ranks, ending and joining (from outside), ask_machines (what each
says of itself); then rank, agreement, sharded and own_files (from inside); addresses is where they listen.
"""
