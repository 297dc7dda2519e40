"""One module per build of `firmware/kernels/streaming`."""
