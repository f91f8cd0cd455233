"""`roomwise bench dashboard`: what the dashboard costs, and how soon it answers a key.

cli       the verb
terminal  a terminal of its own for a program: keys in, bytes out
session   a session of `roomwise run`, with its dashboard or without, and questions put to it
"""
