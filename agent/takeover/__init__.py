"""Whether the student's answer stands: what is known of it, what that is worth, how far to believe that."""
