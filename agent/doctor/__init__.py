"""A check-up of the installation: what is missing, and the line that puts it right."""
