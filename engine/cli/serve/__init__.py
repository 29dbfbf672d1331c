"""The OpenAI-shaped door: a request is read, its model found, its facts completed, decided, and only then given on.

Comes in: HTTP requests, and the words of the command line. Goes out: a backend's own answer, or a refusal with the
decision's HTTP status. Read settings, asked/ (the request), deciding (the policy's answer), companions (what is asked
for beside the model), loaded/ (who has to go for whom, and the answer), kept/ (rules, log, counters), then server,
which holds all of it, endpoints, views and listening.
"""
