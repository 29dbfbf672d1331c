"""What reading a prompt and a picture takes besides weights and cache, told by the library's own graph of it.

Comes in: a model that was loaded lazily. Goes out: bytes. Read graph (what MLX would compute), layout (how arrays lie),
pending_work (what is handed over and not done), replay (what all of it takes at once), estimate (what of that a prompt
and a picture take).
"""
