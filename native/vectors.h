// Vectors as wide as the instruction set that this is compiled for, by the compiler's vector types: the same
// source serves AVX2, AVX-512 and, in a width of its own, any other processor.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__FMA__)
#include <immintrin.h>
#endif

namespace labelnoise {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef float LooseFloats __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

inline Floats load(const float* from) { return *reinterpret_cast<const LooseFloats*>(from); }

inline void store(float* to, Floats v) { *reinterpret_cast<LooseFloats*>(to) = v; }

/** a * b + c, rounded once: where products are added to products, which of them is rounded is not the
 * compiler's choice. */
inline Floats fused(Floats a, Floats b, Floats c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
  return _mm256_fmadd_ps(a, b, c);
#else
  for (int i = 0; i < kLanes; i++) c[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return c;
#endif
}

/** A vector of one value. */
inline Floats every(float value) { return value - Floats{}; }

/** The first `count` of a vector's numbers, zeros after them; reads no more. */
inline Floats load(const float* from, size_t count) {
  if (count >= size_t(kLanes)) return load(from);
  float some[kLanes] = {};
  std::memcpy(some, from, count * sizeof(float));
  return load(some);
}

/** Writes the first `count` numbers and no more. */
inline void store(float* to, Floats v, size_t count) {
  if (count >= size_t(kLanes)) return store(to, v);
  float some[kLanes];
  store(some, v);
  std::memcpy(to, some, count * sizeof(float));
}

}  // namespace labelnoise
