"""What our quantisation and others' cost the network, on the same images: ``python -m benchmarks.quantisation``."""
