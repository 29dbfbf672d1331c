"""Models that are not here yet: the hub asked, other forms of a model, and a log of what was downloaded all the same.

Comes in: a name as a person wrote it. Goes out: a shape to be probed, lines to print. Read hub_question, alternatives,
forced_log.
"""
