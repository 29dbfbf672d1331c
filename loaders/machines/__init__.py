"""Several machines that hold one model together, as facts.

Comes in: a hostfile as `mlx.launch` takes it, and what each of its machines has. Goes out: what each would hold of a
model. Read json_file (how both files are read), hostfile, machine (what one has), machines_file, machine_facts,
one_machine (the facts where nobody asks for more).
"""
