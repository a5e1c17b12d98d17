// Vectors of float32 and bfloat16, as wide as the instruction set that this is compiled for, by the
// compiler's vector types: the same source serves AVX2, AVX-512 and, in a width of its own, any other
// processor.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__FMA__)
#include <immintrin.h>
#endif

#include "pool.h"

namespace labelnoise {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

/** Elements of a long vector that a thread takes at a time. */
constexpr size_t kBlock = 1 << 16;

inline int blocksOf(size_t size) { return int((size + kBlock - 1) / kBlock); }

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

// bfloat16, the upper half of a float32.

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

inline float number(float stored) { return stored; }

inline float number(uint16_t stored) {
  const uint32_t bits = uint32_t(stored) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** What is read where these numbers have been stored as T. */
template <typename T>
inline Floats asStored(Floats v) {
  if constexpr (sizeof(T) == sizeof(float)) return v;
  return (Floats)(__builtin_convertvector(rounded(v), Words) << 16);
}

/** The first `count` of a vector's numbers, zeros after them; reads no more. */
template <typename T>
inline Floats load(const T* from, size_t count) {
  if (count >= size_t(kLanes)) return load(from);
  T some[kLanes] = {};
  std::memcpy(some, from, count * sizeof(T));
  return load(some);
}

/** Writes the first `count` numbers and no more. */
template <typename T>
inline void store(T* to, Floats v, size_t count) {
  if (count >= size_t(kLanes)) return store(to, v);
  T some[kLanes];
  store(some, v);
  std::memcpy(to, some, count * sizeof(T));
}

/** Calls step(first element, how many there are from it on) for every vector; threads share blocks of them.
 */
template <typename Step>
void overVectors(size_t size, int threads, const Step& step) {
  forEach(blocksOf(size), threads, [&](int block) {
    const size_t end = std::min(size, (block + 1) * kBlock);
    for (size_t i = block * kBlock; i < end; i += kLanes) step(i, end - i);
  });
}

}  // namespace labelnoise
