"""`roomwise bench learning`: what a student gains from an expert's answers about a room, method by method.

One room with one seed is a unit, measured and kept by itself: `places` says which rooms there are, `unit`
replays one through the very loop that people use and lets further `methods` learn what that replay left,
`stream` visits rooms one after another first, `rows` and `picture` say what came of it.
"""
