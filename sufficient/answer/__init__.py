"""What follows from a Record: pure functions, well under a second."""
