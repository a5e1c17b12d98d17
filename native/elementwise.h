// Element-wise work in float32 or bfloat16, which TensorFlow's own kernels do slowly.
#pragma once
#include <cstddef>
#include <cstdint>

namespace labelnoise {

/** out = a + b; bfloat16 is rounded to nearest even. */
void add(const float* a, const float* b, float* out, size_t size, int threads);
void add(const uint16_t* a, const uint16_t* b, uint16_t* out, size_t size, int threads);

/** out = gradient, but 0 where the activation is 0 or less. */
void reluGradient(const float* gradient, const float* activation, float* out, size_t size, int threads);
void reluGradient(const uint16_t* gradient, const uint16_t* activation, uint16_t* out, size_t size,
                  int threads);

}  // namespace labelnoise
