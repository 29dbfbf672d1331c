"""From a folder to what its files say: names, sizes, documents, headers of weights; no tensor is read.

Comes in: a folder that nobody vouches for. Goes out: plain JSON within bounds. Read folder, documents, tokenizer,
readme, safetensors, weights, folder_facts; kept_facts spares finding them out again. token_vocabularies compares
two folders.
"""
