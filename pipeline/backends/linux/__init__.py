"""What every Linux board's artefact has: labels, preprocessing, self-test and the programs that use them."""

from pipeline.backends.linux.folder import write_device_files

__all__ = ["write_device_files"]
