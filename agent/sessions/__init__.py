"""Recorded sessions: listed, shown, exported, imported, redacted, deleted, and put before a screen."""
