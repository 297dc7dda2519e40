// Declarations to compile against, not TensorFlow Lite Micro's header: see README.md.
#ifndef TFLM_INTERFACE_MICRO_MUTABLE_OP_RESOLVER_H_
#define TFLM_INTERFACE_MICRO_MUTABLE_OP_RESOLVER_H_

#include "tensorflow/lite/micro/micro_op_resolver.h"

namespace tflite {

const TFLMRegistration& Register_AVERAGE_POOL_2D();
const TFLMRegistration& Register_CONV_2D();
const TFLMRegistration& Register_DEPTHWISE_CONV_2D();

template <unsigned int tOpCount>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  TfLiteStatus AddAdd();
  TfLiteStatus AddAveragePool2D(const TFLMRegistration& registration = Register_AVERAGE_POOL_2D());
  TfLiteStatus AddConv2D(const TFLMRegistration& registration = Register_CONV_2D());
  TfLiteStatus AddDepthwiseConv2D(const TFLMRegistration& registration = Register_DEPTHWISE_CONV_2D());
  TfLiteStatus AddPad();
};

}  // namespace tflite

#endif  // TFLM_INTERFACE_MICRO_MUTABLE_OP_RESOLVER_H_
