"""One question from asking to answer: who answers, what else is asked about its frame, what is corrected."""
