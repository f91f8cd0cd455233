"""Speech: words heard wrong, seconds to text, questions out of nothing."""
