// Work on the vector of all weights in float32.
#include "weight_vectors.h"

#include <algorithm>
#include <vector>

#include "vectors.h"

namespace labelnoise {
namespace {

/** Sums that run side by side, whatever the width of vectors: no addition waits for the one before. */
constexpr int kSums = 64;

}  // namespace

float sumOfSquares(const float* x, size_t size, int threads) {
  std::vector<double> sums(blocksOf(size));
  forEach(int(sums.size()), threads, [&](int block) {
    const size_t end = std::min(size, (block + 1) * kBlock);
    Floats s[kSums / kLanes] = {};
    for (size_t i = block * kBlock; i < end; i += kSums)
      for (int k = 0; k < kSums / kLanes; k++) {
        const size_t at = i + k * kLanes;
        const Floats v = at < end ? load(x + at, end - at) : Floats{};
        s[k] += v * v;
      }
    float all[kSums];
    for (int k = 0; k < kSums / kLanes; k++) store(all + k * kLanes, s[k]);
    for (int i = 0; i < 16; i++) all[i] = (all[i] + all[16 + i]) + (all[32 + i] + all[48 + i]);
    for (int half = 8; half > 0; half /= 2)
      for (int i = 0; i < half; i++) all[i] += all[half + i];
    sums[block] = all[0];
  });
  double sum = 0;
  for (double part : sums) sum += part;
  return float(sum);
}

void plusScaled(const float* a, const float* b, float factor, float* out, size_t size, int threads) {
  overVectors(size, threads, [=](size_t i, size_t rest) {
    store(out + i, factor * load(b + i, rest) + load(a + i, rest), rest);
  });
}

void descend(const Descent& step, const float* weights, const float* gradient, const float* momentum,
             float* newWeights, float* newMomentum, size_t size, int threads) {
  const Floats factor = every(step.momentum), descent = every(-step.learningRate);
  overVectors(size, threads, [=](size_t i, size_t rest) {
    const Floats g = step.clip * load(gradient + i, rest);
    const Floats m = fused(factor, load(momentum + i, rest), g);
    store(newMomentum + i, m, rest);
    store(newWeights + i, fused(descent, fused(factor, m, g), load(weights + i, rest)), rest);
  });
}

}  // namespace labelnoise
