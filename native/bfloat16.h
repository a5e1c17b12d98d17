// Numbers in bfloat16, the upper half of a float32: what the kernels keep them in, and vectors of them.
#pragma once
#include <cstdint>

#include "vectors.h"

namespace labelnoise {

typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));
typedef uint16_t LooseHalves __attribute__((vector_size(2 * kLanes), aligned(2), may_alias));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));

inline Floats load(const uint16_t* from) {
  const Halves halves = *reinterpret_cast<const LooseHalves*>(from);
  return (Floats)(__builtin_convertvector(halves, Words) << 16);
}

/** Rounded to nearest even; what is not a number stays so. */
inline Halves rounded(Floats v) {
#if defined(__AVX512BF16__)
  return (Halves)_mm512_cvtneps_pbh(v);
#else
  const Words bits = (Words)v;
  const Words nearest = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const Words notANumber = (bits >> 16) | 0x40;
  return __builtin_convertvector((bits & 0x7fffffff) > 0x7f800000 ? notANumber : nearest, Halves);
#endif
}

inline void store(uint16_t* to, Floats v) { *reinterpret_cast<LooseHalves*>(to) = rounded(v); }

/** The first `count` of a vector's numbers, zeros after them; reads no more. */
inline Floats load(const uint16_t* from, size_t count) {
  if (count >= size_t(kLanes)) return load(from);
  uint16_t some[kLanes] = {};
  std::memcpy(some, from, count * sizeof(uint16_t));
  return load(some);
}

/** Writes the first `count` numbers and no more. */
inline void store(uint16_t* to, Floats v, size_t count) {
  if (count >= size_t(kLanes)) return store(to, v);
  uint16_t some[kLanes];
  store(some, v);
  std::memcpy(to, some, count * sizeof(uint16_t));
}

}  // namespace labelnoise
