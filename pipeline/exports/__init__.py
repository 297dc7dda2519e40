"""Projects for other build systems, made from the integer graph."""
