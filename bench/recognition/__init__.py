"""Whether a room is known again: `roomwise bench recognition`, and what that is told by, fitted.

views            the views of rooms: rendered, rendered from near, of recorded sessions
discriminants    the projection that makes views of one room alike
fitting          projection and thresholds, from rooms that were rendered once
scores           top-1 and open-set AUROC, with intervals over rooms
"""
