"""One model on several machines: what `run --hosts` starts and hears, and what each rank decides.

Read run_on_hosts, which a person called, and rank, which runs once on each machine.
"""
