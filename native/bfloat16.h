// Conversions between float32 and bfloat16.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

namespace labelnoise {

inline __m512 floats(__m256i v) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(v), 16));
}

inline __m512 floats(const uint16_t* v) {
  return floats(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(v)));
}

/** Rounded to nearest even. */
inline __m512i rounded(__m512 low, __m512 high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

inline __m256i rounded(__m512 v) { return (__m256i)_mm512_cvtneps_pbh(v); }

/** Mask of the first `count` of 32 elements. */
inline __mmask32 firstOf(size_t count) { return count >= 32 ? ~__mmask32(0) : (__mmask32(1) << count) - 1; }

}  // namespace labelnoise
