// The gradient of a 3x3 convolution's filter on AMX tiles: pixels are the summed dimension.
//
// Images of a group are interleaved, pixel by pixel, so that each pair of numbers a tile multiplies at once
// comes from the same pixel of two images. A shift of the filter by one pixel is then a shift by whole rows
// of a tile, and one packed copy of the images serves all nine positions of the filter.
#include "filter_gradient.h"

#include <algorithm>
#include <vector>

#include "pool.h"
#include "scratch.h"
#include "tiles.h"

namespace labelnoise::tiles {
namespace {

/** Steps along the sum that are packed before they are multiplied: more do not stay in the cache. */
constexpr int kChunkSteps = 64;
/** Bytes of a filter's sum above which threads share its channels, else the images: a sum each would not fit.
 */
constexpr size_t kLargeSum = 1 << 20;

/** Where everything is in the packed operands of one group of images. */
struct Layout {
  /** Pairs of images in a group: a row of output pixels fills whole tiles. */
  int pairs;
  /** Tiles along the sum, per group. */
  int steps;
  int rows, columns;
  /** Packed row and column of the first pixel that position k of the filter meets. */
  int rowOffset[3], columnOffset[3];
  /** The image's row and column of each packed one; outside of the image it is zero. */
  std::vector<int> imageRow, imageColumn;
};

void axis(int out, int stride, int pad, int& size, int offset[3], std::vector<int>& image) {
  if (stride == 1) {
    size = out + 2;
    for (int k = 0; k < 3; k++) offset[k] = k;
    for (int i = 0; i < size; i++) image.push_back(i - pad);
    return;
  }
  // Even positions first, then the odd ones: what one position of the filter meets is contiguous.
  size = 2 * out + 1;
  offset[0] = 0, offset[1] = out + 1, offset[2] = 1;
  for (int i = 0; i <= out; i++) image.push_back(2 * i - pad);
  for (int i = 0; i < out; i++) image.push_back(2 * i + 1 - pad);
}

Layout layoutOf(const Convolution& c) {
  Layout l;
  l.pairs = std::max(1, 16 / c.outWidth);
  l.steps = c.outHeight * c.outWidth * l.pairs / 16;
  axis(c.outHeight, c.stride, c.padTop, l.rows, l.rowOffset, l.imageRow);
  axis(c.outWidth, c.stride, c.padLeft, l.columns, l.columnOffset, l.imageColumn);
  return l;
}

/** Packs channels of a group, 16 to a plane: [planes][rows][columns][pairs] rows of a tile. */
void packImages(const Convolution& c, const Layout& l, const uint16_t* images, int count, int planes,
                uint8_t* out, size_t plane) {
  const size_t size = size_t(c.height) * c.width * c.inputs;
  for (int row : l.imageRow)
    for (int column : l.imageColumn) {
      const bool inside = row >= 0 && row < c.height && column >= 0 && column < c.width;
      const uint16_t* pixel = images + (size_t(row) * c.width + column) * c.inputs;
      for (int p = 0; p < l.pairs; p++, out += 64) {
        const uint16_t* a = pixel + 2 * p * size;
        if (inside && 2 * p + 1 < count)
          for (int i = 0; i < planes; i++)
            _mm512_store_si512(out + i * plane, paired(a + i * 16, a + size + i * 16));
        else
          for (int i = 0; i < planes; i++)
            _mm512_store_si512(out + i * plane, inside && 2 * p < count ? paired(a + i * 16, nullptr)
                                                                        : _mm512_setzero_si512());
      }
    }
}

/** Packs the channels of a group, transposed: [planes][steps] tiles of [16 channels][pixels]. */
void packGradient(const Convolution& c, const Layout& l, const uint16_t* gradient, int count, int planes,
                  uint8_t* out, size_t plane) {
  const size_t size = size_t(c.outHeight) * c.outWidth * c.outputs;
  const int pixels = 16 / l.pairs;
  for (int step = 0; step < l.steps; step++, out += kTileBytes)
    for (int o = 0; o < planes; o++) {
      __m512i r[16];
      if (count == 2 * l.pairs)
        for (int t = 0; t < 16; t++) {
          const uint16_t* pixel =
              gradient + size_t(step * pixels + t / l.pairs) * c.outputs + o * 16 + 2 * (t % l.pairs) * size;
          r[t] = paired(pixel, pixel + size);
        }
      else
        for (int t = 0; t < 16; t++) {
          const int p = t % l.pairs;
          const uint16_t* pixel =
              gradient + size_t(step * pixels + t / l.pairs) * c.outputs + o * 16 + 2 * p * size;
          r[t] = paired(2 * p < count ? pixel : nullptr, 2 * p + 1 < count ? pixel + size : nullptr);
        }
      transpose(r);
      for (int t = 0; t < 16; t++) _mm512_store_si512(out + o * plane + t * 64, r[t]);
    }
}

/** One image row against the gradient's: position `kh` of the filter has its sum in tile kh. */
#define LABELNOISE_ROW(gradientTile, first, second, third) \
  _tile_dpbf16ps(0, gradientTile, first);                  \
  _tile_dpbf16ps(1, gradientTile, second);                 \
  _tile_dpbf16ps(2, gradientTile, third)

/**
 * Adds a column of output pixels. Each row of the image is loaded once and serves the three rows of the
 * filter, as loads are what limits tiles where another hyper-thread shares the core.
 */
void addColumnStride1(int height, const uint8_t* a, size_t aRow, const uint8_t* b, size_t bRow) {
  _tile_loadd(4, b, 64);
  _tile_loadd(5, b + bRow, 64);
  b += 2 * bRow;
  int h = height;
  for (; h >= 3; h -= 3, a += 3 * aRow, b += 3 * bRow) {
    _tile_loadd(3, a, 64);
    _tile_loadd(6, b, 64);
    LABELNOISE_ROW(3, 4, 5, 6);
    _tile_loadd(7, a + aRow, 64);
    _tile_loadd(4, b + bRow, 64);
    LABELNOISE_ROW(7, 5, 6, 4);
    _tile_loadd(3, a + 2 * aRow, 64);
    _tile_loadd(5, b + 2 * bRow, 64);
    LABELNOISE_ROW(3, 6, 4, 5);
  }
  if (h >= 1) {
    _tile_loadd(3, a, 64);
    _tile_loadd(6, b, 64);
    LABELNOISE_ROW(3, 4, 5, 6);
  }
  if (h >= 2) {
    _tile_loadd(7, a + aRow, 64);
    _tile_loadd(4, b + bRow, 64);
    LABELNOISE_ROW(7, 5, 6, 4);
  }
}

/** The same for stride 2, where only even rows serve twice. */
void addColumnStride2(int height, const uint8_t* a, size_t aRow, const uint8_t* even, const uint8_t* odd,
                      size_t bRow) {
  _tile_loadd(4, even, 64);
  int h = height;
  for (; h >= 2; h -= 2, a += 2 * aRow, even += 2 * bRow, odd += 2 * bRow) {
    _tile_loadd(3, a, 64);
    _tile_loadd(5, odd, 64);
    _tile_loadd(6, even + bRow, 64);
    LABELNOISE_ROW(3, 4, 5, 6);
    _tile_loadd(7, a + aRow, 64);
    _tile_loadd(5, odd + bRow, 64);
    _tile_loadd(4, even + 2 * bRow, 64);
    LABELNOISE_ROW(7, 6, 5, 4);
  }
  if (h) {
    _tile_loadd(3, a, 64);
    _tile_loadd(5, odd, 64);
    _tile_loadd(6, even + bRow, 64);
    LABELNOISE_ROW(3, 4, 5, 6);
  }
}
#undef LABELNOISE_ROW

/**
 * Sums over the images [begin, end) for the input channels [from, to).
 *
 * @param sum tiles [outputs / 16][(to - from) / 16][9]
 */
void partialSum(const Convolution& c, const Layout& l, const uint16_t* images, const uint16_t* gradient,
                int begin, int end, int from, int to, float* sum) {
  const int group = 2 * l.pairs;
  const int inTiles = (to - from) / 16, outTiles = c.outputs / 16;
  const size_t imageBytes = size_t(l.rows) * l.columns * l.pairs * 64;
  const int groups = std::max(1, kChunkSteps / l.steps);
  const int chunkSteps = groups * l.steps;
  static thread_local Scratch memory;
  uint8_t* x = memory.get(inTiles * groups * imageBytes + size_t(outTiles) * chunkSteps * kTileBytes);
  uint8_t* dy = x + inTiles * groups * imageBytes;
  const size_t rowFloats = size_t(inTiles) * 9 * kTileFloats;
  const int across = l.steps / c.outHeight;
  const size_t bRow = size_t(l.columns) * l.pairs * 64;
  bool first = true;
  const size_t imageSize = size_t(c.height) * c.width * c.inputs,
               gradientSize = size_t(c.outHeight) * c.outWidth * c.outputs;
  for (int n = begin; n < end; n += groups * group, first = false) {
    const int present = std::min(groups, (end - n + group - 1) / group);
    for (int g = 0; g < present; g++) {
      const int at = n + g * group, count = std::min(group, end - at);
      packImages(c, l, images + at * imageSize + from, count, inTiles, x + g * imageBytes,
                 groups * imageBytes);
      packGradient(c, l, gradient + at * gradientSize, count, outTiles, dy + size_t(g) * l.steps * kTileBytes,
                   size_t(chunkSteps) * kTileBytes);
    }
    for (int o = 0; o < outTiles; o++)
      for (int i = 0; i < inTiles; i++)
        for (int kw = 0; kw < 3; kw++) {
          float* to = sum + o * rowFloats + size_t(i * 9 + kw) * kTileFloats;
          if (first) {
            _tile_zero(0);
            _tile_zero(1);
            _tile_zero(2);
          } else {
            _tile_loadd(0, to, 64);
            _tile_loadd(1, to + 3 * kTileFloats, 64);
            _tile_loadd(2, to + 6 * kTileFloats, 64);
          }
          for (int g = 0; g < present; g++)
            for (int w = 0; w < across; w++) {
              const uint8_t* a = dy + (size_t(o) * chunkSteps + g * l.steps + w) * kTileBytes;
              const uint8_t* b = x + (size_t(i) * groups + g) * imageBytes +
                                 (size_t(l.columnOffset[kw]) * l.pairs + w * 16) * 64;
              if (c.stride == 1)
                addColumnStride1(c.outHeight, a, across * kTileBytes, b, bRow);
              else
                addColumnStride2(c.outHeight, a, across * kTileBytes, b, b + l.rowOffset[1] * bRow, bRow);
            }
          _tile_stored(0, to, 64);
          _tile_stored(1, to + 3 * kTileFloats, 64);
          _tile_stored(2, to + 6 * kTileFloats, 64);
        }
  }
}

/** Adds the parts in their order and turns the tiles into a filter, for 16 input channels. */
void reduce(const Convolution& c, const float* sums, int parts, size_t partFloats, int inTiles, int tile,
            int channel, float* result) {
  const int outTiles = c.outputs / 16;
  for (int k = 0; k < 9; k++)
    for (int o = 0; o < outTiles; o++) {
      const float* from = sums + (size_t(o) * inTiles * 9 + tile * 9 + k) * kTileFloats;
      __m512i r[16];
      for (int i = 0; i < 16; i++) {
        __m512 v = _mm512_loadu_ps(from + i * 16);
        for (int p = 1; p < parts; p++) v = _mm512_add_ps(v, _mm512_loadu_ps(from + p * partFloats + i * 16));
        r[i] = _mm512_castps_si512(v);
      }
      transpose(r);
      for (int i = 0; i < 16; i++)
        _mm512_storeu_ps(result + (size_t(k) * c.inputs + channel + i) * c.outputs + o * 16,
                         _mm512_castsi512_ps(r[i]));
    }
}

}  // namespace

void filterGradient(const Convolution& c, const uint16_t* images, const uint16_t* gradient, float* result,
                    int threads) {
  const Layout l = layoutOf(c);
  const int group = 2 * l.pairs;
  const int groups = (c.batch + group - 1) / group;
  // How the sum is cut depends on the shape alone, never on the threads: so do the bits of the result.
  const size_t tiles = size_t(c.inputs) * c.outputs / 256 * 9;
  const bool byChannels = tiles * kTileBytes > kLargeSum && c.inputs >= 64;
  const int parts = byChannels ? 1 : std::min(groups, 4);
  const int slice = byChannels ? 64 : c.inputs;
  const int slices = (c.inputs + slice - 1) / slice;
  static thread_local Scratch memory;
  float* sums = reinterpret_cast<float*>(memory.get(tiles * parts * kTileBytes));
  const auto sumOf = [&](int part, int s) {
    return sums + (part * tiles + size_t(s) * slice / 16 * 9 * (c.outputs / 16)) * kTileFloats;
  };
  const auto width = [&](int s) { return std::min(slice, c.inputs - s * slice); };
  forEach(parts * slices, threads, [&](int task) {
    Tiles configured;
    const int part = task / slices, s = task % slices;
    const int begin = groups * part / parts * group,
              end = std::min(c.batch, groups * (part + 1) / parts * group);
    partialSum(c, l, images, gradient, begin, end, s * slice, s * slice + width(s), sumOf(part, s));
  });
  forEach(c.inputs / 16, threads, [&](int t) {
    const int s = t * 16 / slice;
    reduce(c, sumOf(0, s), parts, tiles * kTileFloats, width(s) / 16, t - s * slice / 16, t * 16, result);
  });
}

}  // namespace labelnoise::tiles
