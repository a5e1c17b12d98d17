// Numbers in bfloat16, the upper half of a float32: what the kernels keep them in, and vectors of them.
#pragma once
#include <cstdint>

#include "vectors.h"
#if defined(__AVX512BF16__)
#include <immintrin.h>

namespace labelnoise {

inline __m512 floats(__m256i v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

/** Rounded to nearest even. */
inline __m256i rounded(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }

inline Floats load(const uint16_t* from) {
  return floats(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

inline void store(uint16_t* to, Floats v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), rounded(v)); }

/** Mask of the first `count` of 32 elements. */
inline __mmask32 firstOf(size_t count) { return count >= 32 ? ~__mmask32(0) : (__mmask32(1) << count) - 1; }

}  // namespace labelnoise
#endif
