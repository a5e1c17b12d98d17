// 3x3 convolutions that Winograd's filtering does not serve, of stride 2 or of few channels, and their
// gradients: of numbers in float32 or bfloat16, computed in float32.
#pragma once
#include <cstdint>

#include "convolution_shape.h"

namespace labelnoise::direct {

/**
 * A convolution with padding SAME.
 *
 * @param images [batch, height, width, inputs]
 * @param filter [3, 3, inputs, outputs]
 * @param result [batch, outHeight, outWidth, outputs]
 */
template <typename T>
void convolve(const Convolution& c, const T* images, const T* filter, T* result, int threads);

/**
 * @param gradient [batch, outHeight, outWidth, outputs]
 * @param filter [3, 3, inputs, outputs]
 * @param result [batch, height, width, inputs]
 */
template <typename T>
void imageGradient(const Convolution& c, const T* gradient, const T* filter, T* result, int threads);

/**
 * @param images [batch, height, width, inputs]
 * @param gradient [batch, outHeight, outWidth, outputs]
 * @param result float32 [3, 3, inputs, outputs]
 */
template <typename T>
void filterGradient(const Convolution& c, const T* images, const T* gradient, float* result, int threads);

}  // namespace labelnoise::direct
