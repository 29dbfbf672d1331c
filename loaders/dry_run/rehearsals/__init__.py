"""A backend's own load and its own handling of one message, without weights and without computing: in the child alone.

Comes in: a folder's shape and a request. Goes out: a rehearsal's facts. Read rehearsal, mlx_lm, mlx_vlm, mlx_audio;
stand_ins and media are what they use.
"""
