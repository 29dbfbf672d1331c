"""A model that is not here yet: what the hub tells of it before the download, and the download itself.

Comes in: hf://org/name[@revision], or a page of the hub as a browser shows it. Goes out: a folder of the model's shape
(its small files, true headers, no weights) that is probed like any other and that no loader takes; and, by `pull`, the
real files in the Hugging Face cache. Read names, client (and failures, what goes wrong there), listing, excerpts (with
tokenizer_excerpt and npz_excerpt), shape, needed_files, hub_facts, download, relatives.

Only what is asked for by such a name opens a connection, by huggingface_hub's own client. The package comes with
the extra `hub`.
"""
