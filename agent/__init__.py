"""The loop, one folder for each of its parts.

turns      one question, from asking to answer
takeover   whether the student's answer stands
learning   when and from what the student learns
loop       a session from its first question to its end
recording  a session on disk
station    a session before a screen: camera, microphone, meters
attach     screens in other processes
sessions   recorded sessions, and what can be done with them
replay     a session played again, and its report
doctor     a check-up of the installation

`build` puts the parts together; `console` is what a screen sees of a session and can want of it.
"""
