"""mlx_lm.server with several ranks behind the door of `serve --hosts`.

Comes in: hosts, and a job that each rank decides on as for `run --hosts`. Goes out: a server at a private socket, as of
a child on one machine. Read ring_server (from outside), then rank_server and same_on_all (from inside).
"""
