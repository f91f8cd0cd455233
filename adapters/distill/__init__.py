"""What teaches a student beside the expert's words: losses on attention, vision tokens and outputs."""
