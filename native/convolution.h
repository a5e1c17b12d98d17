// A 3x3 convolution, and the gradient of its images, on AMX tiles.
#pragma once
#include <cstdint>

#include "convolution_shape.h"

namespace labelnoise::tiles {

/**
 * @param images bfloat16 [batch, height, width, inputs]
 * @param filter bfloat16 [3, 3, inputs, outputs]
 * @param result bfloat16 [batch, outHeight, outWidth, outputs]
 */
void convolve(const Convolution& c, const uint16_t* images, const uint16_t* filter, uint16_t* result,
              int threads);

/**
 * @param gradient bfloat16 [batch, outHeight, outWidth, outputs]
 * @param filter bfloat16 [3, 3, inputs, outputs]
 * @param result bfloat16 [batch, height, width, inputs]
 */
void imageGradient(const Convolution& c, const uint16_t* gradient, const uint16_t* filter, uint16_t* result,
                   int threads);

}  // namespace labelnoise::tiles
