// 3x3 convolutions of stride 1 in float32 and their gradients, by Winograd's minimal filtering.
#pragma once
#include "convolution_shape.h"

namespace labelnoise {

/** What else is done with a convolution's result while it is at hand, rather than in passes over memory of
 * their own. */
struct Fused {
  /** Added to the result, of its shape; null for nothing. */
  const float* residual = nullptr;
  /** For mean and biased variance of the result [outputs], as `moments` gives them; null if they are not
   * wanted. */
  float *mean = nullptr, *variance = nullptr;
};

/**
 * A convolution of stride 1 with padding SAME.
 *
 * @param images [batch, height, width, inputs]
 * @param filter [3, 3, inputs, outputs]
 * @param result [batch, height, width, outputs]
 */
void convolve(const Convolution& c, const float* images, const float* filter, const Fused& fused,
              float* result, int threads);

/**
 * @param gradient [batch, height, width, outputs]
 * @param filter [3, 3, inputs, outputs]
 * @param result [batch, height, width, inputs]
 */
void imageGradient(const Convolution& c, const float* gradient, const float* filter, float* result,
                   int threads);

/**
 * @param images [batch, height, width, inputs]
 * @param gradient [batch, height, width, outputs]
 * @param result [3, 3, inputs, outputs]
 */
void filterGradient(const Convolution& c, const float* images, const float* gradient, float* result,
                    int threads);

}  // namespace labelnoise
