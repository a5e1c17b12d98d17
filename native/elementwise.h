// Element-wise work in float32 or bfloat16, which TensorFlow's own kernels do slowly.
#pragma once
#include <cstddef>
#include <cstdint>

namespace labelnoise {

/** out = a + b; bfloat16 is rounded to nearest even. */
template <typename T>
void add(const T* a, const T* b, T* out, size_t size, int threads);

/** out = gradient, but 0 where the activation is 0 or less. */
template <typename T>
void reluGradient(const T* gradient, const T* activation, T* out, size_t size, int threads);

}  // namespace labelnoise
