"""The integer graph: its types, its reader, its numpy reference and its cost."""
