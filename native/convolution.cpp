// A 3x3 convolution, and the gradient of its images, on AMX tiles: channels are the summed dimension.
//
// Both are a sum over positions of the filter of shifted pixels times a matrix of channels. Where a row has
// fewer than 16 pixels, those of several images alternate, so that 16 pixels in a row of memory always make a
// tile.
#include "convolution.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "pool.h"
#include "scratch.h"
#include "tiles.h"
#include "vectors.h"

namespace labelnoise::tiles {
namespace {

/** Bytes of a packed filter, or of the images that wait for it, that share the second-level cache with other
 * data. */
constexpr size_t kLargeFilter = 1 << 20;

/** A position of the filter: where it finds its pixels in the packed image, and its matrix. */
struct Tap {
  int row, column;
  int filterRow, filterColumn;
};

/** Output pixels that share their taps: all of them, or those of one parity where the stride was 2. */
struct Part {
  std::vector<Tap> taps;
  /** The first pixel. */
  int row, column;
};

struct Plan {
  int batch;
  /** Source: size and channels; what the packed rows and columns hold of it. */
  int height, width, depth;
  std::vector<int> sourceRow, sourceColumn;
  /** Result. */
  int resultHeight, resultWidth, channels;
  /** Pixels of each part, and the distance between them in the result. */
  int partHeight, partWidth, partStride;
  std::vector<Part> parts;
  /** Whether the filter is seen from its output: [channels of the result][channels of the source]. */
  bool transposed;

  int imagesPerGroup() const { return std::max(1, 16 / partWidth); }
  int depthTiles() const { return (depth + 31) / 32; }
  int channelTiles() const { return channels / 16; }
  size_t rowBytes() const { return sourceColumn.size() * imagesPerGroup() * 64; }
  size_t planeBytes() const { return sourceRow.size() * rowBytes(); }
};

std::vector<int> range(int from, int to, int step = 1) {
  std::vector<int> all;
  for (int i = from; i < to; i += step) all.push_back(i);
  return all;
}

std::vector<int> joined(std::vector<int> a, const std::vector<int>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Plan forwardPlan(const Convolution& c) {
  Plan p{c.batch,    c.height,  c.width,     c.inputs,   {}, {}, c.outHeight,
         c.outWidth, c.outputs, c.outHeight, c.outWidth, 1,  {}, false};
  int row[3] = {0, 1, 2}, column[3] = {0, 1, 2};
  if (c.stride == 1) {
    p.sourceRow = range(-c.padTop, c.outHeight + 2 - c.padTop);
    p.sourceColumn = range(-c.padLeft, c.outWidth + 2 - c.padLeft);
  } else {
    // Even pixels first, then the odd ones: what one position of the filter meets is contiguous.
    p.sourceRow = joined(range(-c.padTop, 2 * c.outHeight + 1 - c.padTop, 2),
                         range(1 - c.padTop, 2 * c.outHeight - c.padTop, 2));
    p.sourceColumn = joined(range(-c.padLeft, 2 * c.outWidth + 1 - c.padLeft, 2),
                            range(1 - c.padLeft, 2 * c.outWidth - c.padLeft, 2));
    row[1] = c.outHeight + 1, row[2] = 1, column[1] = c.outWidth + 1, column[2] = 1;
  }
  Part part{{}, 0, 0};
  for (int j = 0; j < 3; j++)
    for (int i = 0; i < 3; i++) part.taps.push_back({row[i], column[j], i, j});
  p.parts.push_back(part);
  return p;
}

Plan gradientPlan(const Convolution& c) {
  const int s = c.stride;
  Plan p{c.batch, c.outHeight, c.outWidth,   c.outputs,   {}, {}, c.height,
         c.width, c.inputs,    c.height / s, c.width / s, s,  {}, true};
  p.sourceRow = range(-1, p.partHeight + 1);
  p.sourceColumn = range(-1, p.partWidth + 1);
  for (int y = 0; y < s; y++)
    for (int x = 0; x < s; x++) {
      Part part{{}, y, x};
      // Output row o met image row o * s + i - pad at filter row i.
      for (int j = 2; j >= 0; j--)
        for (int i = 2; i >= 0; i--) {
          const int up = y + c.padTop - i, left = x + c.padLeft - j;
          if (up % s == 0 && left % s == 0) part.taps.push_back({up / s + 1, left / s + 1, i, j});
        }
      p.parts.push_back(part);
    }
  return p;
}

/** One tile of the filter at one tap: [pairs of source channels][result channels][2]. */
void packFilterTile(const Plan& p, const Tap& tap, const uint16_t* filter, int depth, int channel,
                    uint8_t* out) {
  const int inputs = p.transposed ? p.channels : p.depth, outputs = p.transposed ? p.depth : p.channels;
  const uint16_t* matrix = filter + size_t(tap.filterRow * 3 + tap.filterColumn) * inputs * outputs;
  const int present = std::min(32, p.depth - depth);
  __m512i r[16];
  for (int t = 0; t < 16; t++)
    if (p.transposed)
      r[t] = _mm512_maskz_loadu_epi16(firstOf(present), matrix + size_t(channel + t) * outputs + depth);
    else if (2 * t < present)
      r[t] = paired(matrix + size_t(depth + 2 * t) * outputs + channel,
                    matrix + size_t(depth + 2 * t + 1) * outputs + channel);
    else
      r[t] = _mm512_setzero_si512();
  if (p.transposed) transpose(r);
  for (int t = 0; t < 16; t++) _mm512_store_si512(out + t * 64, r[t]);
}

/** Packs one pixel: 32 channels a plane. */
inline void packPixel(const uint16_t* pixel, int tiles, __mmask32 last, uint8_t* out, size_t plane) {
  for (int d = 0; d < tiles - 1; d++) _mm512_store_si512(out + d * plane, _mm512_loadu_si512(pixel + d * 32));
  _mm512_store_si512(out + (tiles - 1) * plane, _mm512_maskz_loadu_epi16(last, pixel + (tiles - 1) * 32));
}

/** Packs a group of images: [depth tiles][rows][columns][images] of 32 channels. */
void packSource(const Plan& p, const uint16_t* source, int count, uint8_t* out) {
  const int images = p.imagesPerGroup(), tiles = p.depthTiles();
  const size_t size = size_t(p.height) * p.width * p.depth, plane = p.planeBytes();
  const __mmask32 last = firstOf(p.depth - (tiles - 1) * 32);
  const size_t pixelBytes = size_t(images) * 64;
  for (int row : p.sourceRow) {
    const bool inside = row >= 0 && row < p.height;
    for (int column : p.sourceColumn) {
      if (inside && column >= 0 && column < p.width && count == images) {
        const uint16_t* pixel = source + (size_t(row) * p.width + column) * p.depth;
        for (int n = 0; n < images; n++) packPixel(pixel + n * size, tiles, last, out + n * 64, plane);
      } else {
        for (int d = 0; d < tiles; d++) std::memset(out + d * plane, 0, pixelBytes);
        if (inside && column >= 0 && column < p.width)
          for (int n = 0; n < count; n++)
            packPixel(source + (size_t(row) * p.width + column) * p.depth + n * size, tiles, last,
                      out + n * 64, plane);
      }
      out += pixelBytes;
    }
  }
}

/** Four rows of 16 pixels x 16 channels, stride 1: each row of the image serves the three rows of the filter.
 */
void fourRows(int columns, const size_t* offset, const uint8_t* a, size_t row, const uint8_t* b) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int k = 0; k < columns; k++, b += 3 * kTileBytes) {
    const uint8_t* from = a + offset[k];
    _tile_loadd(4, b, 64);
    _tile_loadd(7, from, 64);
    _tile_dpbf16ps(0, 7, 4);
    _tile_loadd(5, b + kTileBytes, 64);
    _tile_loadd(7, from + row, 64);
    _tile_dpbf16ps(1, 7, 4);
    _tile_dpbf16ps(0, 7, 5);
    _tile_loadd(6, b + 2 * kTileBytes, 64);
    _tile_loadd(7, from + 2 * row, 64);
    _tile_dpbf16ps(2, 7, 4);
    _tile_dpbf16ps(1, 7, 5);
    _tile_dpbf16ps(0, 7, 6);
    _tile_loadd(7, from + 3 * row, 64);
    _tile_dpbf16ps(3, 7, 4);
    _tile_dpbf16ps(2, 7, 5);
    _tile_dpbf16ps(1, 7, 6);
    _tile_loadd(7, from + 4 * row, 64);
    _tile_dpbf16ps(3, 7, 5);
    _tile_dpbf16ps(2, 7, 6);
    _tile_loadd(7, from + 5 * row, 64);
    _tile_dpbf16ps(3, 7, 6);
  }
}

/** Two tiles of pixels x up to two tiles of channels, any taps. */
template <int C>
void twoTiles(int steps, const size_t* offset, const uint8_t* a0, const uint8_t* a1, const uint8_t* b0,
              const uint8_t* b1) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int k = 0; k < steps; k++) {
    _tile_loadd(4, a0 + offset[k], 64);
    _tile_loadd(5, a1 + offset[k], 64);
    _tile_loadd(6, b0 + size_t(k) * kTileBytes, 64);
    if (C > 1) _tile_loadd(7, b1 + size_t(k) * kTileBytes, 64);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 5, 6);
    if (C > 1) {
      _tile_dpbf16ps(2, 4, 7);
      _tile_dpbf16ps(3, 5, 7);
    }
  }
}

/** Writes 16 pixels x 16 channels, rounded to bfloat16. */
struct Writer {
  const Plan& plan;
  const Part& part;
  uint16_t* result;
  /** Where the pixels of a tile are from its first one; of images that are not there, -1. */
  ptrdiff_t offset[16];

  Writer(const Plan& plan, const Part& part, uint16_t* result, int count)
      : plan(plan), part(part), result(result) {
    const int images = plan.imagesPerGroup();
    const size_t size = size_t(plan.resultHeight) * plan.resultWidth * plan.channels;
    for (int t = 0; t < 16; t++)
      offset[t] =
          t % images < count ? t % images * size + size_t(t / images) * plan.partStride * plan.channels : -1;
  }

  void write(const float* tile, int row, int column, int channel) const {
    const int y = part.row + row * plan.partStride, x = part.column + column * plan.partStride;
    uint16_t* first = result + (size_t(y) * plan.resultWidth + x) * plan.channels + channel;
    for (int t = 0; t < 16; t++)
      if (offset[t] >= 0) store(first + offset[t], _mm512_load_ps(tile + t * 16));
  }
};

void run(const Plan& p, const uint16_t* source, const uint16_t* filter, uint16_t* result, int threads) {
  const int depthTiles = p.depthTiles(), channelTiles = p.channelTiles();
  std::vector<size_t> partTiles{0};
  for (const Part& part : p.parts)
    partTiles.push_back(partTiles.back() + part.taps.size() * depthTiles * channelTiles);
  static thread_local Scratch filterMemory;
  uint8_t* packed = filterMemory.get(partTiles.back() * kTileBytes);
  forEach(channelTiles, threads, [&](int channel) {
    for (size_t i = 0; i < p.parts.size(); i++) {
      const Part& part = p.parts[i];
      uint8_t* out = packed + (partTiles[i] + channel * part.taps.size() * depthTiles) * kTileBytes;
      for (int d = 0; d < depthTiles; d++)
        for (const Tap& tap : part.taps)
          packFilterTile(p, tap, filter, d * 32, channel * 16, out), out += kTileBytes;
    }
  });
  const int images = p.imagesPerGroup();
  const bool rolled =
      p.parts.size() == 1 && p.parts[0].taps.size() == 9 && p.sourceRow.size() == size_t(p.partHeight) + 2;
  std::vector<std::vector<size_t>> offsets(p.parts.size());
  for (size_t i = 0; i < p.parts.size(); i++)
    for (int d = 0; d < depthTiles; d++)
      for (size_t t = 0; t < p.parts[i].taps.size(); t += rolled ? 3 : 1) {
        const Tap& tap = p.parts[i].taps[t];
        offsets[i].push_back(d * p.planeBytes() + tap.row * p.rowBytes() + size_t(tap.column) * images * 64);
      }

  // A filter larger than the cache is used for several groups each time a part of it is there.
  const size_t groupBytes = depthTiles * p.planeBytes();
  const bool largeFilter = partTiles.back() * kTileBytes > kLargeFilter;
  const int perTask = largeFilter ? int(std::clamp<size_t>(kLargeFilter / groupBytes, 1, 4)) : 1;
  const int groups = (p.batch + images - 1) / images;
  const int across = p.partWidth * images / 16, heightStep = rolled ? 4 : 2, channelStep = rolled ? 1 : 2;
  const size_t row = p.rowBytes();

  forEach((groups + perTask - 1) / perTask, threads, [&](int task) {
    static thread_local Scratch memory;
    uint8_t* x = memory.get(perTask * groupBytes);
    const int first = task * perTask, present = std::min(perTask, groups - first);
    const auto count = [&](int g) { return std::min(images, p.batch - (first + g) * images); };
    for (int g = 0; g < present; g++)
      packSource(p, source + size_t(first + g) * images * p.height * p.width * p.depth, count(g),
                 x + g * groupBytes);
    Tiles configured;
    for (size_t i = 0; i < p.parts.size(); i++) {
      const Part& part = p.parts[i];
      const size_t perChannel = part.taps.size() * depthTiles * kTileBytes;
      const int steps = int(offsets[i].size());
      std::vector<Writer> writers;
      for (int g = 0; g < present; g++)
        writers.emplace_back(
            p, part, result + size_t(first + g) * images * p.resultHeight * p.resultWidth * p.channels,
            count(g));

      const auto compute = [&](int g, int h, int w, int channel) {
        alignas(64) float tiles[4][kTileFloats];
        const uint8_t* a = x + g * groupBytes + h * row + w * kTileBytes;
        const uint8_t* b = packed + partTiles[i] * kTileBytes + channel * perChannel;
        const bool both = !rolled && channel + 1 < channelTiles;
        if (rolled)
          fourRows(steps, offsets[i].data(), a, row, b);
        else if (both)
          twoTiles<2>(steps, offsets[i].data(), a, a + row, b, b + perChannel);
        else
          twoTiles<1>(steps, offsets[i].data(), a, a + row, b, b);
        _tile_stored(0, tiles[0], 64);
        _tile_stored(1, tiles[1], 64);
        _tile_stored(2, tiles[2], 64);
        _tile_stored(3, tiles[3], 64);
        const int column = w * 16 / images;
        for (int t = 0; t < (rolled || both ? 4 : 2); t++)
          if (rolled)
            writers[g].write(tiles[t], h + t, column, channel * 16);
          else
            writers[g].write(tiles[t], h + t % 2, column, (channel + t / 2) * 16);
      };
      const auto overPixels = [&](const auto& each) {
        for (int g = 0; g < present; g++)
          for (int h = 0; h < p.partHeight; h += heightStep)
            for (int w = 0; w < across; w++) each(g, h, w);
      };
      if (largeFilter)
        for (int channel = 0; channel < channelTiles; channel += channelStep)
          overPixels([&](int g, int h, int w) { compute(g, h, w, channel); });
      else
        overPixels([&](int g, int h, int w) {
          for (int channel = 0; channel < channelTiles; channel += channelStep) compute(g, h, w, channel);
        });
    }
  });
}

}  // namespace

void convolve(const Convolution& c, const uint16_t* images, const uint16_t* filter, uint16_t* result,
              int threads) {
  run(forwardPlan(c), images, filter, result, threads);
}

void imageGradient(const Convolution& c, const uint16_t* gradient, const uint16_t* filter, uint16_t* result,
                   int threads) {
  run(gradientPlan(c), gradient, filter, result, threads);
}

}  // namespace labelnoise::tiles
