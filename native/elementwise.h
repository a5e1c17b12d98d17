// Element-wise work on bfloat16, which TensorFlow's own kernels do slowly.
#pragma once
#include <cstddef>
#include <cstdint>

namespace labelnoise {

/** out = a + b, rounded to nearest even. */
void add(const uint16_t* a, const uint16_t* b, uint16_t* out, size_t size, int threads);

/** out = gradient where activation > 0, else 0. */
void reluGradient(const uint16_t* gradient, const uint16_t* activation, uint16_t* out, size_t size,
                  int threads);

}  // namespace labelnoise
