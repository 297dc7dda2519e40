"""The numerics of post-training quantisation: everything that decides a scale, a zero point or a rounding."""
