"""Size by size: fit, score, record, stop."""
