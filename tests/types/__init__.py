"""Every model type, each with its default config, held against the libraries: `python -m tests.types.sweep`."""
