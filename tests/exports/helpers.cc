// Calls every helper of an exported project: reads floats and logits from standard input, writes what comes out.
#include <stdio.h>

#include "model_io.h"

namespace {

template <typename T>
void Write(const T& value) {
  fwrite(&value, sizeof(value), 1, stdout);
}

}  // namespace

int main() {
  for (int channel = 0; channel < sixfold::kChannels; ++channel) {
    for (int pixel = 0; pixel < 256; ++pixel) {
      Write(sixfold::QuantizePixel(static_cast<uint8_t>(pixel), channel));
    }
  }
  uint8_t pixels[sixfold::kInputSize];
  int8_t codes[sixfold::kInputSize];
  if (fread(pixels, sizeof(pixels), 1, stdin) != 1) {
    return 1;
  }
  sixfold::QuantizeImage(pixels, codes);
  Write(codes);
  int32_t reals = 0;
  if (fread(&reals, sizeof(reals), 1, stdin) != 1) {
    return 1;
  }
  for (int32_t index = 0; index < reals; ++index) {
    float pixel = 0.0f;
    if (fread(&pixel, sizeof(pixel), 1, stdin) != 1) {
      return 1;
    }
    for (int channel = 0; channel < sixfold::kChannels; ++channel) {
      Write(sixfold::QuantizeUnitPixel(pixel, channel));
    }
  }
  for (int code = -128; code < 128; ++code) {
    Write(sixfold::DequantizeLogit(static_cast<int8_t>(code)));
  }
  int8_t logits[sixfold::kClasses];
  while (fread(logits, sizeof(logits), 1, stdin) == 1) {
    float probabilities[sixfold::kClasses];
    sixfold::Probabilities(logits, probabilities);
    Write(probabilities);
    Write(static_cast<int8_t>(sixfold::LargestClass(logits)));
  }
  for (int index = 0; index < sixfold::kClasses; ++index) {
    fputs(sixfold::kLabels[index], stdout);
    fputc(0, stdout);
  }
  return 0;
}
