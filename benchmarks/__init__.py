"""Each script says what it claims, on what and against whom; equality is checked before the clock starts."""
