"""`roomwise bench learning`: what a student gains from an expert's answers about a room, method by method.

One room with one seed is a unit, measured and kept by itself: `places` says which rooms there are, `unit` replays
one through the loop that people use and trains further `methods` on what the replay left, `stream` visits rooms
one after another first, `rows` and `result` report.
"""
