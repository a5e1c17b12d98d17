// AMX's tiles by AVX-512, for processors that have all that the kernels for AMX need but these: included
// before the kernels, so that their logic is tested there too, and under sanitizers everywhere.
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

/**
 * Adds to each number of `sum` the products of the pairs in a row of `left` and in a column of `right`: those
 * of the first of each pair and those of the second apart, and then both, as the processor does (TDPBF16PS in
 * Intel's manual; that it takes denormals for zero is left out).
 */
[[gnu::no_sanitize("address", "undefined"), gnu::optimize("O3")]]  // touches tiles alone, millions of times
inline void
multiply(int sum, int left, int right) {
  const __m512i second = _mm512_set1_epi32(0xffff0000);
  __m512 columns[2][16];
  for (int k = 0; k < 16; k++) {
    columns[0][k] = _mm512_castsi512_ps(_mm512_slli_epi32(tiles[right].row[k], 16));
    columns[1][k] = _mm512_castsi512_ps(_mm512_and_si512(tiles[right].row[k], second));
  }
  for (int m = 0; m < 16; m++) {
    float factors[2][16];
    _mm512_storeu_ps(factors[0], _mm512_castsi512_ps(_mm512_slli_epi32(tiles[left].row[m], 16)));
    _mm512_storeu_ps(factors[1], _mm512_castsi512_ps(_mm512_and_si512(tiles[left].row[m], second)));
    __m512 totals[2] = {};
    for (int k = 0; k < 16; k++)
      for (int which = 0; which < 2; which++)
        totals[which] = _mm512_fmadd_ps(_mm512_set1_ps(factors[which][k]), columns[which][k], totals[which]);
    __m512i& row = tiles[sum].row[m];
    row = _mm512_castps_si512(_mm512_castsi512_ps(row) + (totals[0] + totals[1]));
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
