"""One module a backend, with what it supports, its load and its generation; and what holds around each of them.

Comes in: a folder and a request. Goes out: text, or one LoaderError of one line. Read request, mlx_lm, mlx_vlm,
mlx_audio, running, surroundings, remote_code, read_once, failure.
"""
