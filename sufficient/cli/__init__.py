"""Commands: arguments in, an answer or one sentence of error out."""
