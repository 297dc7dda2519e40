// Declarations to compile against, not TensorFlow Lite Micro's header: see README.md.
#ifndef TFLM_INTERFACE_MICRO_LOG_H_
#define TFLM_INTERFACE_MICRO_LOG_H_

extern "C" void MicroPrintf(const char* format, ...);

#endif  // TFLM_INTERFACE_MICRO_LOG_H_
