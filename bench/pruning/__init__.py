"""What leaving out vision tokens saves: the language model's time against the share that is kept."""
