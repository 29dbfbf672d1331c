"""What a model that was loaded without weights would take: its cache, a prompt, a picture.

Comes in: the backend's model. Goes out: bytes, in forms from which those at any context follow. Read settings,
cache_sizes, prompt_sizes, working_memory (the same more exactly, in seconds), load_peak, shares (of several machines).
"""
