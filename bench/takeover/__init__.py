"""`roomwise bench takeover`: whether the student is right as often as was asked for, where it answers.

`visits` replays rooms and keeps what each answer of the student rested on, `rows` says what would have stood
at which requested rate, `picture` draws it; with --fit the rooms make a calibration in place of judging one.
"""
