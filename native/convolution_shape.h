// A 3x3 convolution's sizes.
#pragma once

namespace labelnoise {

/** A 3x3 convolution in NHWC. */
struct Convolution {
  int batch, height, width, inputs;
  int outHeight, outWidth, outputs;
  int stride, padTop, padLeft;
};

}  // namespace labelnoise
