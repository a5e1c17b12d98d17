// AMX's tiles in plain C++, for processors that have AVX-512 with bfloat16 but no AMX: included before the
// kernels, so that their logic is tested there too, and under sanitizers everywhere.
#pragma once
#define LABELNOISE_EMULATED_TILES
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace emulated {

struct Tile {
  uint8_t row[16][64];
};
inline thread_local Tile tiles[8];

inline void load(int tile, const void* from, size_t stride) {
  for (int r = 0; r < 16; r++)
    std::memcpy(tiles[tile].row[r], static_cast<const uint8_t*>(from) + r * stride, 64);
}

inline void store(int tile, void* to, size_t stride) {
  for (int r = 0; r < 16; r++) std::memcpy(static_cast<uint8_t*>(to) + r * stride, tiles[tile].row[r], 64);
}

inline float number(const uint8_t* halves, int which) {
  uint32_t bits = 0;
  std::memcpy(reinterpret_cast<uint8_t*>(&bits) + 2, halves + 2 * which, 2);
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/** Adds to each number of `sum` the products of the pairs in a row of `left` and in a column of `right`. */
[[gnu::no_sanitize("address", "undefined"), gnu::optimize("O3")]]  // touches tiles alone, millions of times
inline void
multiply(int sum, int left, int right) {
  const Tile a = tiles[left], b = tiles[right];
  float columns[2][16][16];
  for (int which = 0; which < 2; which++)
    for (int k = 0; k < 16; k++)
      for (int n = 0; n < 16; n++) columns[which][k][n] = number(b.row[k] + 4 * n, which);
  for (int m = 0; m < 16; m++) {
    float totals[16];
    std::memcpy(totals, tiles[sum].row[m], sizeof totals);
    for (int k = 0; k < 16; k++)
      for (int which = 0; which < 2; which++) {
        const float factor = number(a.row[m] + 4 * k, which);
        for (int n = 0; n < 16; n++) totals[n] += factor * columns[which][k][n];
      }
    std::memcpy(tiles[sum].row[m], totals, sizeof totals);
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
