"""`roomwise bench learning`: what a student gains from an expert's answers about a room, method by method.

One room with one seed is a unit: `unit` replays it through the loop that people use and trains further
`methods` on what the replay left; `stream` visits rooms one after another first; `rows` and `result` report.
"""
