// Declarations to compile against, not TensorFlow Lite Micro's header: see README.md.
#ifndef TFLM_INTERFACE_SYSTEM_SETUP_H_
#define TFLM_INTERFACE_SYSTEM_SETUP_H_

namespace tflite {

void InitializeTarget();

}  // namespace tflite

#endif  // TFLM_INTERFACE_SYSTEM_SETUP_H_
