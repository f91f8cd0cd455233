"""The loop, one folder for each of its parts; each imports none but those above it.

machine     what the machine tells: memory, heat, power
takeover    whether the student's answer stands
recording   a session on disk, and what its events amount to
whereabouts which room this is
turns       one question, from asking to answer
learning    what is learnt beside a session, in one lane
loop        a session from its first question to its end; `build` puts the parts together
looking     where student and expert look
sessions    recorded sessions, and what can be done with them
replay      a session played again, and its report
attach      screens in other processes
station     a session before a screen: camera, microphone, meters
doctor      a check-up of the installation

Below all of them lie `console`, what a screen sees of a session and can want of it, and `sentences`, events
as lines for people.
"""
