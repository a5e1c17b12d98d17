// AMX's tiles by AVX512_BF16, for processors that have this but no AMX: included before the kernels, so that
// their logic is tested there too, and under sanitizers everywhere.
#pragma once
#define LABELNOISE_EMULATED_TILES
#include <immintrin.h>

#include <cstddef>

namespace emulated {

struct Tile {
  __m512i row[16];
};
inline thread_local Tile tiles[8];

inline void load(int tile, const void* from, size_t stride) {
  for (int r = 0; r < 16; r++)
    tiles[tile].row[r] = _mm512_loadu_si512(static_cast<const char*>(from) + r * stride);
}

inline void store(int tile, void* to, size_t stride) {
  for (int r = 0; r < 16; r++) _mm512_storeu_si512(static_cast<char*>(to) + r * stride, tiles[tile].row[r]);
}

/** Adds to each number of `sum` the products of the pairs in a row of `left` and in a column of `right`. */
[[gnu::no_sanitize("address", "undefined"), gnu::optimize("O3")]]  // touches tiles alone, millions of times
inline void
multiply(int sum, int left, int right) {
  const Tile &a = tiles[left], &b = tiles[right];
  for (int m = 0; m < 16; m++) {
    int pairs[16];
    _mm512_storeu_si512(pairs, a.row[m]);
    __m512 total = _mm512_castsi512_ps(tiles[sum].row[m]);
    for (int k = 0; k < 16; k++)
      total = _mm512_dpbf16_ps(total, (__m512bh)_mm512_set1_epi32(pairs[k]), (__m512bh)b.row[k]);
    tiles[sum].row[m] = _mm512_castps_si512(total);
  }
}

}  // namespace emulated

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#define _tile_loadd(tile, from, stride) emulated::load(tile, from, stride)
#define _tile_stored(tile, to, stride) emulated::store(tile, to, stride)
#define _tile_zero(tile) emulated::tiles[tile] = {}
#define _tile_dpbf16ps(sum, left, right) emulated::multiply(sum, left, right)
#define _tile_loadconfig(config) static_cast<void>(config)
#define _tile_release() static_cast<void>(0)
