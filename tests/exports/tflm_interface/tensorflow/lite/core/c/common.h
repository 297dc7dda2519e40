// Declarations to compile against, not TensorFlow Lite Micro's header: see README.md.
#ifndef TFLM_INTERFACE_COMMON_H_
#define TFLM_INTERFACE_COMMON_H_

#include <stddef.h>
#include <stdint.h>

typedef enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 } TfLiteStatus;

typedef union TfLitePtrUnion {
  float* f;
  uint8_t* uint8;
  int8_t* int8;
} TfLitePtrUnion;

typedef struct TfLiteTensor {
  TfLitePtrUnion data;
  size_t bytes;
} TfLiteTensor;

struct TFLMRegistration;

#endif  // TFLM_INTERFACE_COMMON_H_
