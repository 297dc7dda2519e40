"""Which MobileNetV2 fits which real board, by kernel library and way of taking the image."""
