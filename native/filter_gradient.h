// The gradient of a 3x3 convolution's filter on AMX tiles.
#pragma once
#include <cstdint>

#include "convolution_shape.h"

namespace labelnoise::tiles {

/**
 * @param images bfloat16 [batch, height, width, inputs]
 * @param gradient bfloat16 [batch, outHeight, outWidth, outputs]
 * @param result float32 [3, 3, inputs, outputs]
 */
void filterGradient(const Convolution& c, const uint16_t* images, const uint16_t* gradient, float* result,
                    int threads);

}  // namespace labelnoise::tiles
