"""Quantised networks that others made, read into the integer graph; one module per file format."""
