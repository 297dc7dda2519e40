"""MobileNetV2 row by row: schedule, code and packed weights for `firmware/kernels/streaming`."""
