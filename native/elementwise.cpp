// Element-wise work in blocks that threads share.
#include "elementwise.h"

#include "vectors.h"

namespace labelnoise {

template <typename T>
void add(const T* a, const T* b, T* out, size_t size, int threads) {
  overVectors(size, threads,
              [=](size_t i, size_t rest) { store(out + i, load(a + i, rest) + load(b + i, rest), rest); });
}

template <typename T>
void reluGradient(const T* gradient, const T* activation, T* out, size_t size, int threads) {
  overVectors(size, threads, [=](size_t i, size_t rest) {
    // What is not a number is not 0 or less.
    store(out + i, load(activation + i, rest) <= 0.f ? Floats{} : load(gradient + i, rest), rest);
  });
}

template void add(const float*, const float*, float*, size_t, int);
template void add(const uint16_t*, const uint16_t*, uint16_t*, size_t, int);
template void reluGradient(const float*, const float*, float*, size_t, int);
template void reluGradient(const uint16_t*, const uint16_t*, uint16_t*, size_t, int);

}  // namespace labelnoise
