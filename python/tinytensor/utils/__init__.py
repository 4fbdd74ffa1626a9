"""Help around training."""
