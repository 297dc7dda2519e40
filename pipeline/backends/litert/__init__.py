"""TensorFlow Lite: the integer graph as one ``.tflite`` file."""
