// Training-mode batch normalisation, followed by ReLU where asked for, and its gradient, of numbers in
// float32 or bfloat16.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace labelnoise {

/** What normalises one batch: float32 vectors, one number a channel. */
struct Normalisation {
  const float *mean, *variance, *scale, *offset;
  float epsilon;
  bool relu;
};

/** Channels come in whole groups of so many. */
constexpr int kNormalisedGroup = 16;

/** Some of a channel's values: how many, their mean, and the sum of their squared distances from it. */
struct PartMoments {
  double count, mean, spread;
};

/** Mean and biased variance of a channel from those of its parts, after Chan, Golub and LeVeque (1983). */
template <typename PartOf>
void combineMoments(int parts, const PartOf& partOf, float* mean, float* variance) {
  double count = 0, sum = 0, spread = 0;
  for (int i = 0; i < parts; i++) {
    const PartMoments part = partOf(i);
    count += part.count;
    sum += part.mean * part.count;
  }
  for (int i = 0; i < parts; i++) {
    const PartMoments part = partOf(i);
    const double distance = part.mean - sum / count;
    spread += part.spread + part.count * distance * distance;
  }
  *mean = float(sum / count);
  *variance = float(std::max(spread, 0.0) / count);
}

/** Mean and biased variance over the rows of x [rows, channels]. */
template <typename T>
void moments(const T* x, size_t rows, int channels, float* mean, float* variance, int threads);

/** y = (x - mean) / sqrt(variance + epsilon) * scale + offset, or 0 where that is negative and ReLU follows.
 */
template <typename T>
void normalise(const Normalisation& n, const T* x, size_t rows, int channels, T* y, int threads);

/**
 * Gradients of x [rows, channels], scale and offset [channels], where `gradient` is that of y. What
 * `residual` has, of x's shape, is added to dx; null for nothing.
 */
template <typename T>
void normaliseGradient(const Normalisation& n, const T* gradient, const T* x, const T* residual, size_t rows,
                       int channels, T* dx, float* dScale, float* dOffset, int threads);

}  // namespace labelnoise
