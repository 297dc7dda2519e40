"""One module per DVC stage, named as the stage; run as `python -m pipeline.stages.<stage>`."""
