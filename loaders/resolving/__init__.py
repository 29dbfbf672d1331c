"""From a model's name to its folder.

Comes in: a path, a repo of the Hugging Face cache, `repo@revision`, or the end of a repo's name. Goes out: one
folder, or an error that names what is there. Read model_names, hub_cache; snapshot tells what a snapshot lacks, stamp
whether a model is what it was.
"""
