"""What an editor asks of a rule file while it is written. Pure: text and a place in, values out; nothing of a protocol.

Comes in: the text of a rule file and the folder that it stands in. Goes out: problems, words that fit, sentences about
a word, places. Read opened (a file as it stands in an editor), words (the word at a place), completion, hover, places,
suggestions.
"""
