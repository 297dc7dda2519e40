"""The regression gate: what a target's verification found now, against what was accepted before."""
