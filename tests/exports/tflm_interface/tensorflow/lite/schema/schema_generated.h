// Declarations to compile against, not TensorFlow Lite Micro's header: see README.md.
#ifndef TFLM_INTERFACE_SCHEMA_GENERATED_H_
#define TFLM_INTERFACE_SCHEMA_GENERATED_H_

#include <stdint.h>

namespace tflite {

struct Model {
  uint32_t version() const;
};

const Model* GetModel(const void* buffer);

}  // namespace tflite

#endif  // TFLM_INTERFACE_SCHEMA_GENERATED_H_
