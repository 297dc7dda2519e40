// Declarations to compile against, not TensorFlow Lite Micro's header: see README.md.
#ifndef TFLM_INTERFACE_MICRO_OP_RESOLVER_H_
#define TFLM_INTERFACE_MICRO_OP_RESOLVER_H_

#include "tensorflow/lite/core/c/common.h"

namespace tflite {

class MicroOpResolver {
 public:
  virtual ~MicroOpResolver() {}
};

}  // namespace tflite

#endif  // TFLM_INTERFACE_MICRO_OP_RESOLVER_H_
