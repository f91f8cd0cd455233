"""A session played again from its first question, and what came of it: terminal, curve, report."""
