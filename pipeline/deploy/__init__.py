"""Putting an artefact's folder on a Linux board, over SSH, so that a bad one never runs there."""
