// Element-wise work in blocks that threads share.
#include "elementwise.h"

#include <algorithm>

#include "bfloat16.h"
#include "pool.h"
#include "vectors.h"

namespace labelnoise {
namespace {

constexpr size_t kBlock = 1 << 16;

/** Calls step(first element, how many there are from it on) for every vector of so many lanes. */
template <size_t kStep, typename Step>
void inBlocks(size_t size, int threads, const Step& step) {
  const int blocks = int((size + kBlock - 1) / kBlock);
  forEach(blocks, threads, [&](int block) {
    const size_t end = std::min(size, (block + 1) * kBlock);
    for (size_t i = block * kBlock; i < end; i += kStep) step(i, end - i);
  });
}

}  // namespace

void add(const float* a, const float* b, float* out, size_t size, int threads) {
  inBlocks<kLanes>(size, threads, [=](size_t i, size_t rest) {
    store(out + i, load(a + i, rest) + load(b + i, rest), rest);
  });
}

void reluGradient(const float* gradient, const float* activation, float* out, size_t size, int threads) {
  inBlocks<kLanes>(size, threads, [=](size_t i, size_t rest) {
    // What is not a number is not 0 or less.
    store(out + i, load(activation + i, rest) <= 0.f ? Floats{} : load(gradient + i, rest), rest);
  });
}

#if defined(__AVX512BF16__)
void add(const uint16_t* a, const uint16_t* b, uint16_t* out, size_t size, int threads) {
  inBlocks<32>(size, threads, [=](size_t i, size_t rest) {
    const __mmask32 mask = firstOf(rest);
    const __m512i x = _mm512_maskz_loadu_epi16(mask, a + i), y = _mm512_maskz_loadu_epi16(mask, b + i);
    const __m512 low = floats(_mm512_castsi512_si256(x)) + floats(_mm512_castsi512_si256(y));
    const __m512 high = floats(_mm512_extracti64x4_epi64(x, 1)) + floats(_mm512_extracti64x4_epi64(y, 1));
    _mm512_mask_storeu_epi16(out + i, mask, (__m512i)_mm512_cvtne2ps_pbh(high, low));
  });
}

void reluGradient(const uint16_t* gradient, const uint16_t* activation, uint16_t* out, size_t size,
                  int threads) {
  inBlocks<32>(size, threads, [=](size_t i, size_t rest) {
    const __mmask32 mask = firstOf(rest);
    // As integers of 16 bits, positive bfloat16 numbers are positive.
    const __mmask32 active =
        _mm512_cmpgt_epi16_mask(_mm512_maskz_loadu_epi16(mask, activation + i), _mm512_setzero_si512());
    _mm512_mask_storeu_epi16(out + i, mask, _mm512_maskz_loadu_epi16(active, gradient + i));
  });
}
#endif

}  // namespace labelnoise
