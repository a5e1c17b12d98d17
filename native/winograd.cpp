// F(4x4, 3x3) after Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016): tiles of
// 4x4 results are made from patches of 6x6 images by 36 products instead of 144.
//
// With the matrices A, B and G of that paper, a tile is A'[(G g G') . (B' d B)]A. Both gradients are exact
// transposes of it: the images' is the convolution of the results' gradient with the filter turned round, and
// the filter's is G'[(A y A') . (B' d B)]G, summed over all tiles. In all three the products are 36 matrix
// products, one for each position of a transformed patch. Tiles are taken in blocks that stay in the cache
// from transform to transform.
//
// Blocks are cut by the shape alone, so that the threads have no influence on the bits.
#include "winograd.h"

#include <algorithm>
#include <vector>

#include "pool.h"
#include "scratch.h"
#include "vectors.h"

namespace labelnoise {
namespace {

/** Results of a tile, and pixels of its patch, along each side. */
constexpr int kTile = 4, kPatch = 6;
constexpr int kPositions = kPatch * kPatch;
/** Channels that lie side by side in transformed data, for all widths of vectors. */
constexpr int kGroup = 16;
constexpr int kGroupVectors = kGroup / kLanes;
/** Rows and groups of channels that a matrix product keeps in registers. */
#if defined(__AVX512F__)
constexpr int kRows = 8, kWide = 2, kGradientRows = 8;
#elif defined(__AVX__)
constexpr int kRows = 6, kWide = 1, kGradientRows = 4;
#else
constexpr int kRows = 4, kWide = 1, kGradientRows = 4;
#endif
/** Bytes of a block's transformed patches. */
constexpr size_t kBlockBytes = 3 << 17;
constexpr int kFewestTiles = 48, kMostTiles = 192;
/** Parts that a filter's gradient is summed in if its channels are few; from so many pairs of groups on they
 * are many. */
constexpr int kParts = 8, kManyGroups = 16;
/** Tiles that a thread transforms at a time. */
constexpr int kSliceTiles = 8;

int groupsOf(int channels) { return (channels + kGroup - 1) / kGroup; }

/** B' d for one column of a patch. */
inline void patchTransform(const Floats* d, int from, Floats* out, int to) {
  const Floats d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from],
               d5 = d[5 * from];
  const Floats a = d4 - 4.f * d2, b = d3 - 4.f * d1, c = d4 - d2, e = 2.f * (d3 - d1);
  out[0] = 4.f * d0 - 5.f * d2 + d4;
  out[to] = a + b;
  out[2 * to] = a - b;
  out[3 * to] = c + e;
  out[4 * to] = c - e;
  out[5 * to] = 4.f * d1 - 5.f * d3 + d5;
}

/** A' m: what becomes of the products. */
inline void tileTransform(const Floats* m, int from, Floats* out, int to) {
  const Floats p = m[from] + m[2 * from], q = m[from] - m[2 * from];
  const Floats r = m[3 * from] + m[4 * from], s = m[3 * from] - m[4 * from];
  out[0] = m[0] + p + r;
  out[to] = q + 2.f * s;
  out[2 * to] = p + 4.f * r;
  out[3 * to] = q + 8.f * s + m[5 * from];
}

/** A y: the transpose of the tile's transform. */
inline void tileGradientTransform(const Floats* y, int from, Floats* out, int to) {
  const Floats y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
  const Floats a = y0 + y2, b = y1 + y3, c = y0 + 4.f * y2, d = 2.f * y1 + 8.f * y3;
  out[0] = y0;
  out[to] = a + b;
  out[2 * to] = a - b;
  out[3 * to] = c + d;
  out[4 * to] = c - d;
  out[5 * to] = y3;
}

/** G g. */
inline void filterTransform(const Floats* g, int from, Floats* out, int to) {
  const Floats g0 = g[0], g1 = g[from], g2 = g[2 * from];
  const Floats a = (-1.f / 6) * (g0 + g2), b = (1.f / 6) * g1;
  const Floats c = (1.f / 24) * g0 + (1.f / 6) * g2, d = (1.f / 12) * g1;
  out[0] = 0.25f * g0;
  out[to] = a - b;
  out[2 * to] = a + b;
  out[3 * to] = c + d;
  out[4 * to] = c - d;
  out[5 * to] = g2;
}

/** G' m: the transpose of the filter's transform. */
inline void filterGradientTransform(const Floats* m, int from, Floats* out, int to) {
  const Floats m1 = m[from], m2 = m[2 * from], m3 = m[3 * from], m4 = m[4 * from];
  const Floats a = (-1.f / 6) * (m1 + m2), b = m3 + m4;
  out[0] = 0.25f * m[0] + a + (1.f / 24) * b;
  out[to] = (1.f / 6) * (m2 - m1) + (1.f / 12) * (m3 - m4);
  out[2 * to] = a + (1.f / 6) * b + m[5 * from];
}

/** Tiles of which the transformed patches of so many groups of channels stay in the second-level cache. */
int cachedTiles(int groups) {
  const size_t bytes = size_t(kPositions) * groups * kGroup * sizeof(float);
  return int(std::clamp<size_t>(kBlockBytes / bytes, kFewestTiles, kMostTiles));
}

/** How an image is cut into tiles, and all tiles into blocks. */
struct Tiling {
  int height, width, down, across, tiles, blocks, perBlock;

  /** @param most tiles of a block */
  Tiling(int batch, int height, int width, int most)
      : height(height),
        width(width),
        down((height + kTile - 1) / kTile),
        across((width + kTile - 1) / kTile),
        tiles(batch * down * across),
        blocks((tiles + most - 1) / most),
        perBlock((tiles + blocks - 1) / blocks) {}

  int first(int block) const { return block * perBlock; }
  int count(int block) const { return std::max(0, std::min(perBlock, tiles - first(block))); }
};

/**
 * Transformed patches of a block of tiles: [positions][groups of channels][tiles][kGroup]. The positions are
 * a cache line further apart than they need be, or they would all be kept in the same few places of the
 * cache.
 */
struct Transformed {
  float* data;
  size_t group, position;

  static size_t floats(int groups, int tiles) {
    return kPositions * (size_t(groups) * tiles * kGroup + kGroup);
  }
  Transformed(float* data, int groups, int tiles)
      : data(data), group(size_t(tiles) * kGroup), position(group * groups + kGroup) {}
  /** The same without the first tiles. */
  Transformed from(int tile) const {
    Transformed rest = *this;
    rest.data += size_t(tile) * kGroup;
    return rest;
  }
  float* at(int position_, int group_, int tile) const {
    return data + position_ * position + group_ * group + size_t(tile) * kGroup;
  }
};

/** Where a tile is. */
struct Place {
  int image, row, column;

  Place(const Tiling& t, int tile)
      : image(tile / (t.down * t.across)),
        row(tile / t.across % t.down * kTile),
        column(tile % t.across * kTile) {}
};

/** Reads a window of S x S pixels of 16 channels or fewer; pixels outside the image are zero. */
template <int S>
struct Window {
  const float* origin;
  size_t rowStride;
  int channels, firstRow, lastRow, firstColumn, lastColumn;

  Window(const Tiling& t, const Place& p, const float* images, int channels, int margin)
      : rowStride(size_t(t.width) * channels), channels(channels) {
    const int row = p.row - margin, column = p.column - margin;
    origin =
        images + (ptrdiff_t(p.image) * t.height + row) * ptrdiff_t(rowStride) + ptrdiff_t(column) * channels;
    firstRow = std::max(0, -row), lastRow = std::min(S, t.height - row);
    firstColumn = std::max(0, -column), lastColumn = std::min(S, t.width - column);
  }
  bool isWhole() const { return firstRow == 0 && lastRow == S && firstColumn == 0 && lastColumn == S; }

  void read(int channel, Floats* out) const {
    const float* from = origin + channel;
    if (isWhole() && channel + kLanes <= channels) {
      for (int i = 0; i < S; i++)
        for (int j = 0; j < S; j++) out[i * S + j] = load(from + i * rowStride + size_t(j) * channels);
      return;
    }
    const size_t present = size_t(channels - channel);
    for (int i = 0; i < S; i++)
      for (int j = 0; j < S; j++)
        out[i * S + j] = i >= firstRow && i < lastRow && j >= firstColumn && j < lastColumn
                             ? load(from + i * rowStride + size_t(j) * channels, present)
                             : Floats{};
  }
};

/** B' d B for a block of tiles, or A y A' of their gradients: S is 6 or 4 pixels a side. */
template <int S, typename Transform>
void transformTiles(const Tiling& t, const float* images, int channels, int first, int count,
                    const Transformed& out, const Transform& transform) {
  for (int tile = 0; tile < count; tile++) {
    const Window<S> window(t, Place(t, first + tile), images, channels, (S - kTile) / 2);
    for (int g = 0; g < groupsOf(channels); g++)
      for (int v = 0; v < kGroupVectors; v++) {
        const int channel = g * kGroup + v * kLanes;
        Floats d[S * S], e[kPatch * S], f[kPatch];
        if (channel < channels)
          window.read(channel, d);
        else
          std::fill_n(d, S * S, Floats{});
        for (int j = 0; j < S; j++) transform(d + j, S, e + j, S);
        float* to = out.at(0, g, tile) + v * kLanes;
        for (int i = 0; i < kPatch; i++) {
          transform(e + i * S, 1, f, 1);
          for (int j = 0; j < kPatch; j++) store(to + (i * kPatch + j) * out.position, f[j]);
        }
      }
  }
}

void transformPatches(const Tiling& t, const float* images, int channels, int first, int count,
                      const Transformed& out) {
  transformTiles<kPatch>(t, images, channels, first, count, out, patchTransform);
}

void transformGradients(const Tiling& t, const float* gradient, int channels, int first, int count,
                        const Transformed& out) {
  transformTiles<kTile>(t, gradient, channels, first, count, out, tileGradientTransform);
}

/** A'mA: writes a block's results of one group of channels. */
void writeTiles(const Tiling& t, const Transformed& products, int productGroup, float* images, int channels,
                int group, int first, int count) {
  for (int tile = 0; tile < count; tile++) {
    const Place place(t, first + tile);
    const int rows = std::min(kTile, t.height - place.row), columns = std::min(kTile, t.width - place.column);
    float* pixel =
        images + ((size_t(place.image) * t.height + place.row) * t.width + place.column) * channels;
    for (int v = 0; v < kGroupVectors; v++) {
      const int channel = group * kGroup + v * kLanes;
      if (channel >= channels) break;
      Floats m[kPositions], e[kTile * kPatch], y[kTile * kTile];
      const float* from = products.at(0, productGroup, tile) + v * kLanes;
      for (int i = 0; i < kPositions; i++) m[i] = load(from + i * products.position);
      for (int j = 0; j < kPatch; j++) tileTransform(m + j, kPatch, e + j, kPatch);
      for (int i = 0; i < kTile; i++) tileTransform(e + i * kPatch, 1, y + i * kTile, 1);
      const size_t present = size_t(channels - channel);
      for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
          store(pixel + (size_t(i) * t.width + j) * channels + channel, y[i * kTile + j], present);
    }
  }
}

/** A filter [3, 3, inputs, outputs] as the convolution sees it: turned round, its inputs are the outputs. */
struct Filter {
  const float* data;
  int inputs, outputs;
  bool turned;

  int depth() const { return turned ? outputs : inputs; }
  int channels() const { return turned ? inputs : outputs; }
  size_t positionFloats() const { return size_t(groupsOf(channels())) * depth() * kGroup; }
};

/** G g G' of 16 channels: [positions][groups of channels][depth][kGroup]. */
void transformFilter(const Filter& filter, int group, float* out) {
  const int channels = filter.channels(), depth = filter.depth();
  const int present = std::min(kGroup, channels - group * kGroup);
  float some[9][kGroup] = {};
  for (int d = 0; d < depth; d++) {
    for (int tap = 0; tap < 9; tap++) {
      const float* matrix = filter.data + size_t(tap) * filter.inputs * filter.outputs;
      if (filter.turned)
        for (int i = 0; i < present; i++)
          some[8 - tap][i] = matrix[size_t(group * kGroup + i) * filter.outputs + d];
      else
        std::copy_n(matrix + size_t(d) * filter.outputs + group * kGroup, present, some[tap]);
    }
    for (int v = 0; v < kGroupVectors; v++) {
      Floats g[9], e[kPatch * 3], u[kPatch];
      for (int tap = 0; tap < 9; tap++) g[tap] = load(some[tap] + v * kLanes);
      for (int j = 0; j < 3; j++) filterTransform(g + j, 3, e + j, 3);
      float* to = out + (size_t(group) * depth + d) * kGroup + v * kLanes;
      for (int i = 0; i < kPatch; i++) {
        filterTransform(e + i * 3, 1, u, 1);
        for (int j = 0; j < kPatch; j++) store(to + (i * kPatch + j) * filter.positionFloats(), u[j]);
      }
    }
  }
}

/** R tiles x W groups of channels of one position's product. `a` is [groups][tiles][kGroup], `b`
 * [depth][kGroup]. */
template <int R, int W>
inline void multiplyRows(const float* a, size_t group, const float* b, size_t bGroup, int depth, float* out,
                         size_t outGroup) {
  Floats sum[R][W * kGroupVectors];
  for (auto& row : sum)
    for (Floats& part : row) part = Floats{};
  for (int from = 0; from < depth; from += kGroup, a += group) {
    const int count = std::min(kGroup, depth - from);
    for (int c = 0; c < count; c++, b += kGroup) {
      Floats right[W * kGroupVectors];
      for (int w = 0; w < W; w++)
        for (int v = 0; v < kGroupVectors; v++)
          right[w * kGroupVectors + v] = load(b + w * bGroup + v * kLanes);
      for (int r = 0; r < R; r++)
        for (int w = 0; w < W * kGroupVectors; w++) sum[r][w] += a[r * kGroup + c] * right[w];
    }
  }
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++)
      for (int v = 0; v < kGroupVectors; v++)
        store(out + w * outGroup + r * kGroup + v * kLanes, sum[r][w * kGroupVectors + v]);
}

/** The same for fewer rows than R. */
template <int R, int W>
inline void multiplyRest(int rows, const float* a, size_t group, const float* b, size_t bGroup, int depth,
                         float* out, size_t outGroup) {
  if constexpr (R > 0) {
    if (rows == R)
      multiplyRows<R, W>(a, group, b, bGroup, depth, out, outGroup);
    else
      multiplyRest<R - 1, W>(rows, a, group, b, bGroup, depth, out, outGroup);
  }
}

/** All tiles of a block x W groups of channels. */
template <int W>
void multiply(const Transformed& patches, int position, int count, const float* filter, size_t filterGroup,
              int depth, const Transformed& products) {
  const float* a = patches.at(position, 0, 0);
  float* out = products.at(position, 0, 0);
  // A product of a single group's width has the registers for twice the rows.
  constexpr int R = kRows * kWide / W;
  int tile = 0;
  for (; tile + R <= count; tile += R)
    multiplyRows<R, W>(a + tile * kGroup, patches.group, filter, filterGroup, depth, out + tile * kGroup,
                       products.group);
  multiplyRest<R - 1, W>(count - tile, a + tile * kGroup, patches.group, filter, filterGroup, depth,
                         out + tile * kGroup, products.group);
}

void convolveBy(const Filter& filter, int batch, int height, int width, const float* source, float* result,
                int threads) {
  const int depth = filter.depth(), channels = filter.channels();
  const int groups = groupsOf(channels);
  const Tiling tiling(batch, height, width, cachedTiles(groupsOf(depth)));
  static thread_local Scratch filterMemory;
  const size_t position = filter.positionFloats(), group = size_t(depth) * kGroup;
  float* transformed = reinterpret_cast<float*>(filterMemory.get(kPositions * position * sizeof(float)));
  forEach(groups, threads, [&](int g) { transformFilter(filter, g, transformed); });

  forEach(tiling.blocks, threads, [&](int block) {
    const int first = tiling.first(block), count = tiling.count(block);
    if (count == 0) return;
    static thread_local Scratch memory;
    const size_t patchFloats = Transformed::floats(groupsOf(depth), count);
    float* data = reinterpret_cast<float*>(
        memory.get((patchFloats + Transformed::floats(kWide, count)) * sizeof(float)));
    const Transformed patches(data, groupsOf(depth), count), products(data + patchFloats, kWide, count);
    transformPatches(tiling, source, depth, first, count, patches);
    for (int g = 0; g < groups; g += kWide) {
      const int wide = std::min(kWide, groups - g);
      for (int i = 0; i < kPositions; i++) {
        const float* b = transformed + i * position + g * group;
        if (wide == kWide)
          multiply<kWide>(patches, i, count, b, group, depth, products);
        else
          multiply<1>(patches, i, count, b, group, depth, products);
      }
      for (int w = 0; w < wide; w++) writeTiles(tiling, products, w, result, channels, g + w, first, count);
    }
  });
}

/** R channels x W groups of channels, summed over a block's tiles. */
template <int R, int W>
inline void sumTiles(const float* a, const float* b, size_t bGroup, int count, float* out, size_t outGroup) {
  Floats sum[R][W * kGroupVectors];
  for (auto& row : sum)
    for (Floats& part : row) part = Floats{};
  for (int t = 0; t < count; t++, a += kGroup, b += kGroup) {
    Floats right[W * kGroupVectors];
    for (int w = 0; w < W; w++)
      for (int v = 0; v < kGroupVectors; v++)
        right[w * kGroupVectors + v] = load(b + w * bGroup + v * kLanes);
    for (int r = 0; r < R; r++)
      for (int w = 0; w < W * kGroupVectors; w++) sum[r][w] += a[r] * right[w];
  }
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W; w++)
      for (int v = 0; v < kGroupVectors; v++)
        store(out + w * outGroup + r * kGroup + v * kLanes, sum[r][w * kGroupVectors + v]);
}

/** Adds a block's share of the gradient of 16 inputs x W groups of outputs. */
template <int W>
void addFilterGradient(const Convolution& c, const Transformed& patches, const Transformed& gradients,
                       int count, int inputGroup, int outputGroup, float* result) {
  alignas(64) float products[W][kGroup][kPositions][kGroup];
  constexpr int R = kGradientRows * kWide / W;
  for (int i = 0; i < kPositions; i++)
    for (int r = 0; r < kGroup; r += R) {
      alignas(64) float some[W][R][kGroup];
      sumTiles<R, W>(patches.at(i, inputGroup, 0) + r, gradients.at(i, outputGroup, 0), gradients.group,
                     count, some[0][0], R * kGroup);
      for (int w = 0; w < W; w++)
        for (int k = 0; k < R; k++) std::copy_n(some[w][k], kGroup, products[w][r + k][i]);
    }
  const int inputs = std::min(kGroup, c.inputs - inputGroup * kGroup);
  for (int w = 0; w < W; w++)
    for (int r = 0; r < inputs; r++)
      for (int v = 0; v < kGroupVectors; v++) {
        const int output = (outputGroup + w) * kGroup + v * kLanes;
        if (output >= c.outputs) break;
        Floats m[kPositions], e[3 * kPatch], g[3];
        for (int i = 0; i < kPositions; i++) m[i] = load(products[w][r][i] + v * kLanes);
        for (int j = 0; j < kPatch; j++) filterGradientTransform(m + j, kPatch, e + j, kPatch);
        const size_t present = size_t(c.outputs - output);
        for (int i = 0; i < 3; i++) {
          filterGradientTransform(e + i * kPatch, 1, g, 1);
          for (int j = 0; j < 3; j++) {
            float* to =
                result + (size_t(i * 3 + j) * c.inputs + inputGroup * kGroup + r) * c.outputs + output;
            store(to, load(to, present) + g[j], present);
          }
        }
      }
}

/** Transformed patches and gradients of the same tiles. */
struct TransformedPair {
  Transformed patches, gradients;

  TransformedPair(Scratch& memory, int inputGroups, int outputGroups, int tiles)
      : patches(nullptr, inputGroups, tiles), gradients(nullptr, outputGroups, tiles) {
    const size_t ofPatches = Transformed::floats(inputGroups, tiles);
    patches.data = reinterpret_cast<float*>(
        memory.get((ofPatches + Transformed::floats(outputGroups, tiles)) * sizeof(float)));
    gradients.data = patches.data + ofPatches;
  }
};

/** Adds a block's share of the gradient of a group of inputs x as many groups of outputs as go together. */
void addFilterGradient(const Convolution& c, const TransformedPair& pair, int count, int inputGroup,
                       int outputGroup, float* result) {
  const int wide = std::min(kWide, groupsOf(c.outputs) - outputGroup);
  if (wide == kWide)
    addFilterGradient<kWide>(c, pair.patches, pair.gradients, count, inputGroup, outputGroup, result);
  else
    for (int w = 0; w < wide; w++)
      addFilterGradient<1>(c, pair.patches, pair.gradients, count, inputGroup, outputGroup + w, result);
}

/** Sums all of a convolution's filter gradient in parts of its tiles, for few channels. */
void sumByParts(const Convolution& c, const float* images, const float* gradient, float* result,
                int threads) {
  const int inputGroups = groupsOf(c.inputs), outputGroups = groupsOf(c.outputs);
  const Tiling tiling(c.batch, c.height, c.width, cachedTiles(inputGroups + outputGroups));
  const int parts = std::min(tiling.blocks, kParts);
  const size_t size = size_t(9) * c.inputs * c.outputs;
  std::vector<float> sums(parts * size);
  forEach(parts, threads, [&](int part) {
    static thread_local Scratch memory;
    for (int block = tiling.blocks * part / parts; block < tiling.blocks * (part + 1) / parts; block++) {
      const int first = tiling.first(block), count = tiling.count(block);
      const TransformedPair pair(memory, inputGroups, outputGroups, count);
      transformPatches(tiling, images, c.inputs, first, count, pair.patches);
      transformGradients(tiling, gradient, c.outputs, first, count, pair.gradients);
      for (int o = 0; o < outputGroups; o += kWide)
        for (int i = 0; i < inputGroups; i++) addFilterGradient(c, pair, count, i, o, &sums[part * size]);
    }
  });
  for (size_t i = 0; i < size; i++) {
    float sum = sums[i];
    for (int part = 1; part < parts; part++) sum += sums[part * size + i];
    result[i] = sum;
  }
}

/** Sums it channels by channels, for many: threads share these, and nothing is summed twice. */
void sumByChannels(const Convolution& c, const float* images, const float* gradient, float* result,
                   int threads) {
  const Tiling tiling(c.batch, c.height, c.width, kMostTiles);
  const int inputGroups = groupsOf(c.inputs), outputPairs = (groupsOf(c.outputs) + kWide - 1) / kWide;
  std::fill_n(result, size_t(9) * c.inputs * c.outputs, 0.f);
  static thread_local Scratch memory;
  for (int block = 0; block < tiling.blocks; block++) {
    const int first = tiling.first(block), count = tiling.count(block);
    const TransformedPair pair(memory, inputGroups, groupsOf(c.outputs), count);
    forEach((count + kSliceTiles - 1) / kSliceTiles, threads, [&](int slice) {
      const int from = slice * kSliceTiles, some = std::min(kSliceTiles, count - from);
      transformPatches(tiling, images, c.inputs, first + from, some, pair.patches.from(from));
      transformGradients(tiling, gradient, c.outputs, first + from, some, pair.gradients.from(from));
    });
    forEach(inputGroups * outputPairs, threads, [&](int task) {
      addFilterGradient(c, pair, count, task % inputGroups, task / inputGroups * kWide, result);
    });
  }
}

}  // namespace

void convolve(const Convolution& c, const float* images, const float* filter, float* result, int threads) {
  convolveBy({filter, c.inputs, c.outputs, false}, c.batch, c.height, c.width, images, result, threads);
}

void imageGradient(const Convolution& c, const float* gradient, const float* filter, float* result,
                   int threads) {
  convolveBy({filter, c.inputs, c.outputs, true}, c.batch, c.height, c.width, gradient, result, threads);
}

void filterGradient(const Convolution& c, const float* images, const float* gradient, float* result,
                    int threads) {
  if (groupsOf(c.inputs) * groupsOf(c.outputs) >= kManyGroups)
    sumByChannels(c, images, gradient, result, threads);
  else
    sumByParts(c, images, gradient, result, threads);
}

}  // namespace labelnoise
