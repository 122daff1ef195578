"""An answer as people meet it: figures, text, JSON."""
