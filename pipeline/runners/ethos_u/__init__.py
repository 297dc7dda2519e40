"""Ethos-U artefacts: executed by a functional model, or not at all; their cost is Vela's estimate either way."""

from pipeline.runners.ethos_u.run import SAMPLES, run_artefact

__all__ = ["SAMPLES", "run_artefact"]
