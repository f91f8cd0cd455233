"""`roomwise bench takeover`: whether the student is right as often as was asked for, where it answers.

`visits` replays rooms, `calibrating` fits to them, `rows` says what would have stood at each requested rate.
"""
