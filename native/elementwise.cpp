// Element-wise work on bfloat16, in AVX-512.
#include "elementwise.h"

#include <algorithm>

#include "bfloat16.h"
#include "pool.h"

namespace labelnoise {
namespace {

constexpr size_t kBlock = 1 << 16;

template <typename Step>
void inBlocks(size_t size, int threads, const Step& step) {
  const int blocks = int((size + kBlock - 1) / kBlock);
  forEach(blocks, threads, [&](int block) {
    const size_t end = std::min(size, (block + 1) * kBlock);
    for (size_t i = block * kBlock; i < end; i += 32) step(i, firstOf(end - i));
  });
}

}  // namespace

void add(const uint16_t* a, const uint16_t* b, uint16_t* out, size_t size, int threads) {
  inBlocks(size, threads, [=](size_t i, __mmask32 mask) {
    const __m512i x = _mm512_maskz_loadu_epi16(mask, a + i), y = _mm512_maskz_loadu_epi16(mask, b + i);
    const __m512 low = _mm512_add_ps(floats(_mm512_castsi512_si256(x)), floats(_mm512_castsi512_si256(y)));
    const __m512 high =
        _mm512_add_ps(floats(_mm512_extracti64x4_epi64(x, 1)), floats(_mm512_extracti64x4_epi64(y, 1)));
    _mm512_mask_storeu_epi16(out + i, mask, rounded(low, high));
  });
}

void reluGradient(const uint16_t* gradient, const uint16_t* activation, uint16_t* out, size_t size,
                  int threads) {
  inBlocks(size, threads, [=](size_t i, __mmask32 mask) {
    // As integers of 16 bits, positive bfloat16 numbers are positive.
    const __mmask32 active =
        _mm512_cmpgt_epi16_mask(_mm512_maskz_loadu_epi16(mask, activation + i), _mm512_setzero_si512());
    _mm512_mask_storeu_epi16(out + i, mask, _mm512_maskz_loadu_epi16(active, gradient + i));
  });
}

}  // namespace labelnoise
