// Work on the vector of all weights in float32, in AVX-512.
#include "weight_vectors.h"

#include <immintrin.h>

#include <algorithm>
#include <vector>

#include "pool.h"

namespace labelnoise {
namespace {

constexpr size_t kBlock = 1 << 16;

int blocksOf(size_t size) { return int((size + kBlock - 1) / kBlock); }

/** Mask of the first `count` of 16 elements. */
__mmask16 firstOf16(size_t count) { return count >= 16 ? __mmask16(~0) : __mmask16((1u << count) - 1); }

template <typename Step>
void inBlocks(size_t size, int threads, const Step& step) {
  forEach(blocksOf(size), threads, [&](int block) {
    const size_t end = std::min(size, (block + 1) * kBlock);
    for (size_t i = block * kBlock; i < end; i += 16) step(i, firstOf16(end - i));
  });
}

}  // namespace

float sumOfSquares(const float* x, size_t size, int threads) {
  std::vector<double> sums(blocksOf(size));
  forEach(int(sums.size()), threads, [&](int block) {
    const size_t end = std::min(size, (block + 1) * kBlock);
    // Several sums at once, so that no addition waits for the one before.
    __m512 s[4];
    for (auto& part : s) part = _mm512_setzero_ps();
    for (size_t i = block * kBlock; i < end; i += 64)
      for (int k = 0; k < 4; k++) {
        const size_t at = i + k * 16;
        const __m512 v = _mm512_maskz_loadu_ps(at < end ? firstOf16(end - at) : __mmask16(0), x + at);
        s[k] = _mm512_fmadd_ps(v, v, s[k]);
      }
    sums[block] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(s[0], s[1]), _mm512_add_ps(s[2], s[3])));
  });
  double sum = 0;
  for (double part : sums) sum += part;
  return float(sum);
}

void plusScaled(const float* a, const float* b, float factor, float* out, size_t size, int threads) {
  const __m512 f = _mm512_set1_ps(factor);
  inBlocks(size, threads, [=](size_t i, __mmask16 mask) {
    const __m512 sum =
        _mm512_fmadd_ps(f, _mm512_maskz_loadu_ps(mask, b + i), _mm512_maskz_loadu_ps(mask, a + i));
    _mm512_mask_storeu_ps(out + i, mask, sum);
  });
}

void descend(const Descent& step, const float* weights, const float* gradient, const float* momentum,
             float* newWeights, float* newMomentum, size_t size, int threads) {
  const __m512 clip = _mm512_set1_ps(step.clip), factor = _mm512_set1_ps(step.momentum),
               rate = _mm512_set1_ps(step.learningRate);
  inBlocks(size, threads, [=](size_t i, __mmask16 mask) {
    const __m512 g = _mm512_mul_ps(clip, _mm512_maskz_loadu_ps(mask, gradient + i));
    const __m512 m = _mm512_fmadd_ps(factor, _mm512_maskz_loadu_ps(mask, momentum + i), g);
    const __m512 nesterov = _mm512_fmadd_ps(factor, m, g);
    const __m512 w = _mm512_fnmadd_ps(rate, nesterov, _mm512_maskz_loadu_ps(mask, weights + i));
    _mm512_mask_storeu_ps(newMomentum + i, mask, m);
    _mm512_mask_storeu_ps(newWeights + i, mask, w);
  });
}

}  // namespace labelnoise
