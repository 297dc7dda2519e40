"""TensorFlow Lite's file format: the integer graph written as one ``.tflite`` file, and what that asks of memory."""
