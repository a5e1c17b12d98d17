// 3x3 convolutions of stride 1 and their gradients, by Winograd's minimal filtering: of numbers in float32 or
// bfloat16, computed in float32.
#pragma once
#include <cstdint>

#include "convolution_shape.h"

namespace labelnoise::winograd {

/** What else is done with a convolution's result while it is at hand, rather than in passes over memory of
 * their own. */
template <typename T>
struct Fused {
  /** Added to the result, of its shape; null for nothing. */
  const T* residual = nullptr;
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
template <typename T>
void convolve(const Convolution& c, const T* images, const T* filter, const Fused<T>& fused, T* result,
              int threads);

/**
 * @param gradient [batch, height, width, outputs]
 * @param filter [3, 3, inputs, outputs]
 * @param result [batch, height, width, inputs]
 */
template <typename T>
void imageGradient(const Convolution& c, const T* gradient, const T* filter, T* result, int threads);

/**
 * @param images [batch, height, width, inputs]
 * @param gradient [batch, height, width, outputs]
 * @param result float32 [3, 3, inputs, outputs]
 */
template <typename T>
void filterGradient(const Convolution& c, const T* images, const T* gradient, float* result, int threads);

}  // namespace labelnoise::winograd
