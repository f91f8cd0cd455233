"""The screen, and nothing else: it draws what a console tells, and wants what a person wants.

app         keys, screens, the mailbox, the way to and from the console
├── state   what is known, as a pure fold over what was heard
├── words   values and foreign texts as what can be drawn
├── picture, plot, themes, terminal     pixels and curves in cells; colours; who else prints
├── screens, parts, table, dialogs, bar what screens are made of
├── front   the first screen: live, conversation, panels, asking
└── memory, adapters, sessions, settings, manual     the others
"""
