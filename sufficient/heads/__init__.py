"""M fully connected networks at once: weights, one fit, losses of every object."""
