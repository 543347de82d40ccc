"""Our bot beside its peers: the same survey, held by programs of other libraries and by ours, one after another.

`python3 -m bot bench --peers` runs it. Every bot is a program of its own (`bots/`), in the environment it needs; the
residents who answer are in the same process (a Bot API in memory) or in the stand-in of the Bot API, another process.
"""
