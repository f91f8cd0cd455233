"""What a student can be taught beside the expert's words: losses on attention maps, vision tokens and outputs."""
