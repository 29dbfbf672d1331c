"""The backends' own servers as child processes, one a loaded model, behind guards and a socket that nobody else has.

Comes in: a folder, its fingerprint and the backend that was decided. Goes out: an HTTP client of that server, and an
end that gives all memory back. Read backend_server (the parent's side), child (the process itself), companions (the
adapter and the draft model that it loads with a model), adapter (what an adapter's folder is), speech (the server for
recordings, which mlx-audio's own is not fit for). answering_thread, client_left
and sampling_bounds mend what the backends' servers lack.
"""
