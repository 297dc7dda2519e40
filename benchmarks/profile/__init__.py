"""Profiles of the benchmark networks: which layers and instructions stand between a kernel library and the bound."""
