// Training-mode batch normalisation of bfloat16 values, followed by ReLU where asked for, and its gradient.
#pragma once
#include <cstddef>
#include <cstdint>

namespace labelnoise {

/** What normalises one batch: float32 vectors, one number a channel. */
struct Normalisation {
  const float *mean, *variance, *scale, *offset;
  float epsilon;
  bool relu;
};

/** Mean and biased variance over the rows of x [rows, channels]. */
void moments(const uint16_t* x, size_t rows, int channels, float* mean, float* variance, int threads);

/** y = (x - mean) / sqrt(variance + epsilon) * scale + offset, or 0 where that is negative and ReLU follows.
 */
void normalise(const Normalisation& n, const uint16_t* x, size_t rows, int channels, uint16_t* y,
               int threads);

/** Gradients of x [rows, channels], scale and offset [channels], where `gradient` is that of y. */
void normaliseGradient(const Normalisation& n, const uint16_t* gradient, const uint16_t* x, size_t rows,
                       int channels, uint16_t* dx, float* dScale, float* dOffset, int threads);

}  // namespace labelnoise
