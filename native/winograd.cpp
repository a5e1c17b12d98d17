// F(4x4, 3x3) after Lavin and Gray, "Fast algorithms for convolutional neural networks" (CVPR 2016): tiles of
// 4x4 results are made from patches of 6x6 images by 36 products instead of 144.
//
// With the matrices A, B and G of that paper, a tile is A'[(G g G') . (B' d B)]A. Both gradients are exact
// transposes of it: the images' is the convolution of the results' gradient with the filter turned round, and
// the filter's is G'[(A y A') . (B' d B)]G, summed over all tiles. In all three the products are 36 matrix
// products, one for each position of a transformed patch. Tiles are taken in blocks that stay in the cache
// from transform to transform; where there are too many channels for that, what belongs to one position does,
// and the threads share the positions.
//
// Blocks are cut by the shape alone, so that the threads have no influence on the bits.
#include "winograd.h"

#include <algorithm>
#include <vector>

#include "batch_norm.h"
#include "pool.h"
#include "scratch.h"
#include "vectors.h"

namespace labelnoise::winograd {
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
/** Bytes that are fetched into the cache together. */
constexpr size_t kLineBytes = 64;
/** Bytes of a block's transformed patches. */
constexpr size_t kBlockBytes = 3 << 16;
constexpr int kFewestTiles = 32, kMostTiles = 192;
/** Pairs of groups of channels, of inputs and of outputs, from which on a transformed filter fills the
 * caches: it is gone through once for a large block, which the threads share, not for each thread's. */
constexpr int kDeep = 256;
/** Parts that a filter's gradient is summed in if there are so many tiles for each pair of groups. */
constexpr int kParts = 8, kTilesPerPair = 64;
/** Tiles that a thread transforms at a time. */
constexpr int kSliceTiles = 8;

int groupsOf(int channels) { return (channels + kGroup - 1) / kGroup; }

/** B' d for one column of a patch. */
struct PatchTransform {
  static constexpr int kFrom = kPatch, kTo = kPatch;
  static inline void apply(const Floats d[kFrom], Floats out[kTo]) {
    const Floats a = d[4] - 4.f * d[2], b = d[3] - 4.f * d[1], c = d[4] - d[2], e = 2.f * (d[3] - d[1]);
    out[0] = 4.f * d[0] - 5.f * d[2] + d[4];
    out[1] = a + b;
    out[2] = a - b;
    out[3] = c + e;
    out[4] = c - e;
    out[5] = 4.f * d[1] - 5.f * d[3] + d[5];
  }
};

/** A' m: what becomes of the products. */
struct TileTransform {
  static constexpr int kFrom = kPatch, kTo = kTile;
  static inline void apply(const Floats m[kFrom], Floats out[kTo]) {
    const Floats p = m[1] + m[2], q = m[1] - m[2], r = m[3] + m[4], s = m[3] - m[4];
    out[0] = m[0] + p + r;
    out[1] = q + 2.f * s;
    out[2] = p + 4.f * r;
    out[3] = q + 8.f * s + m[5];
  }
};

/** A y: the transpose of the tile's transform. */
struct TileGradientTransform {
  static constexpr int kFrom = kTile, kTo = kPatch;
  static inline void apply(const Floats y[kFrom], Floats out[kTo]) {
    const Floats a = y[0] + y[2], b = y[1] + y[3], c = y[0] + 4.f * y[2], d = 2.f * y[1] + 8.f * y[3];
    out[0] = y[0];
    out[1] = a + b;
    out[2] = a - b;
    out[3] = c + d;
    out[4] = c - d;
    out[5] = y[3];
  }
};

/** G g. */
struct FilterTransform {
  static constexpr int kFrom = 3, kTo = kPatch;
  static inline void apply(const Floats g[kFrom], Floats out[kTo]) {
    const Floats a = (-1.f / 6) * (g[0] + g[2]), b = (1.f / 6) * g[1];
    const Floats c = (1.f / 24) * g[0] + (1.f / 6) * g[2], d = (1.f / 12) * g[1];
    out[0] = 0.25f * g[0];
    out[1] = a - b;
    out[2] = a + b;
    out[3] = c + d;
    out[4] = c - d;
    out[5] = g[2];
  }
};

/** G' m: the transpose of the filter's transform. */
struct FilterGradientTransform {
  static constexpr int kFrom = kPatch, kTo = 3;
  static inline void apply(const Floats m[kFrom], Floats out[kTo]) {
    const Floats a = (-1.f / 6) * (m[1] + m[2]), b = m[3] + m[4];
    out[0] = 0.25f * m[0] + a + (1.f / 24) * b;
    out[1] = (1.f / 6) * (m[2] - m[1]) + (1.f / 12) * (m[3] - m[4]);
    out[2] = a + (1.f / 6) * b + m[5];
  }
};

/** Transforms the columns of a square, then its rows. `read` and `write` are given row and column. */
template <typename Transform, typename Read, typename Write>
inline void transformSquare(const Read& read, const Write& write) {
  constexpr int N = Transform::kFrom, M = Transform::kTo;
  Floats half[M][N];
  for (int j = 0; j < N; j++) {
    Floats column[N], to[M];
    for (int i = 0; i < N; i++) column[i] = read(i, j);
    Transform::apply(column, to);
    for (int i = 0; i < M; i++) half[i][j] = to[i];
  }
  for (int i = 0; i < M; i++) {
    Floats to[M];
    Transform::apply(half[i], to);
    for (int j = 0; j < M; j++) write(i, j, to[j]);
  }
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

  int first(int block) const { return std::min(block * perBlock, tiles); }
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

/** Part of an array. */
struct Span {
  const char *begin, *end;

  /** Has one of equal parts fetched into the cache, to be read or written soon. */
  template <int kWrites>
  void prefetch(int part, int parts) const {
    const size_t lines = (end - begin) / kLineBytes + 1;
    for (size_t line = lines * part / parts; line < lines * (part + 1) / parts; line++)
      __builtin_prefetch(begin + line * kLineBytes, kWrites, 2);
  }
};

/** The rows of images that a block's tiles are of. */
template <typename T>
Span rowsOf(const Tiling& t, int block, const T* images, int channels) {
  const auto row = [&](int tile) {
    const int rowOfTiles = tile / t.across;
    const int image = rowOfTiles / t.down;
    return image * t.height + rowOfTiles % t.down * kTile;
  };
  const size_t size = size_t(t.width) * channels;
  const auto at = [&](int tile) { return reinterpret_cast<const char*>(images + row(tile) * size); };
  return {at(t.first(block)), at(t.first(block + 1))};
}

/** Where a tile is. */
struct Place {
  int image, row, column;

  Place(const Tiling& t, int tile)
      : image(tile / (t.down * t.across)),
        row(tile / t.across % t.down * kTile),
        column(tile % t.across * kTile) {}
};

/** The pixels around a tile, S x S; zeros, of which there must be as many as channels, where the image has
 * none. */
template <int S, typename T>
struct Window {
  const T* pixels[S][S];

  Window(const Tiling& t, const Place& p, const T* images, int channels, int margin, const T* zeros) {
    const int row = p.row - margin, column = p.column - margin;
    const T* image = images + size_t(p.image) * t.height * t.width * channels;
    for (int i = 0; i < S; i++)
      for (int j = 0; j < S; j++) {
        const bool has = row + i >= 0 && row + i < t.height && column + j >= 0 && column + j < t.width;
        pixels[i][j] = has ? image + (size_t(row + i) * t.width + column + j) * channels : zeros;
      }
  }
};

/** B' d B for a block of tiles, or A y A' of their gradients. */
template <typename Transform, typename T>
void transformTiles(const Tiling& t, const T* images, int channels, int first, int count,
                    const Transformed& out) {
  constexpr int S = Transform::kFrom;
  static thread_local std::vector<T> zeros;
  if (zeros.size() < size_t(channels)) zeros.resize(channels);
  const size_t position = out.position;
  for (int tile = 0; tile < count; tile++) {
    const Window<S, T> window(t, Place(t, first + tile), images, channels, (S - kTile) / 2, zeros.data());
    for (int channel = 0; channel < groupsOf(channels) * kGroup; channel += kLanes) {
      float* to = out.at(0, channel / kGroup, tile) + channel % kGroup;
      const auto write = [=](int i, int j, Floats value) { store(to + (i * kPatch + j) * position, value); };
      if (channel + kLanes <= channels) {
        transformSquare<Transform>([&](int i, int j) { return load(window.pixels[i][j] + channel); }, write);
      } else {
        const size_t present = size_t(std::max(0, channels - channel));
        transformSquare<Transform>(
            [&](int i, int j) { return present ? load(window.pixels[i][j] + channel, present) : Floats{}; },
            write);
      }
    }
  }
}

/**
 * Sums over the results of each block of tiles, by channel, of what they are apart from the block's first
 * pixel: without that shift, a mean far from zero would leave few digits for the variance.
 */
struct Sums {
  size_t channels;
  std::vector<float> pivot, sum, square;
  std::vector<size_t> counts;

  Sums(int blocks, int groups)
      : channels(size_t(groups) * kGroup),
        pivot(blocks * channels),
        sum(pivot.size()),
        square(pivot.size()),
        counts(blocks) {}

  /** Mean and biased variance of the first `present` channels. */
  void moments(int present, float* mean, float* variance) const {
    for (int c = 0; c < present; c++)
      combineMoments(
          int(counts.size()),
          [&](int block) {
            const size_t at = block * channels + c;
            // The last blocks can be without tiles.
            const double count = double(std::max<size_t>(1, counts[block]));
            return PartMoments{double(counts[block]), pivot[at] + sum[at] / count,
                               square[at] - double(sum[at]) * sum[at] / count};
          },
          mean + c, variance + c);
  }
};

/** A'mA: writes a block's results of one group of channels, with the residual and the sums if they are
 * wanted. */
template <bool kAdds, bool kSums, typename T>
void writeTiles(const Tiling& t, int block, const Transformed& products, int productGroup, const T* residual,
                Sums* sums, T* images, int channels, int group) {
  const int first = t.first(block), count = t.count(block);
  // Copies, since what is written might be what the tiling is read from, as far as the compiler knows.
  const size_t position = products.position, pixelStride = channels, rowStride = size_t(t.width) * channels;
  alignas(64) float pivots[kGroup] = {}, totals[kGroup] = {}, squares[kGroup] = {};
  size_t pixels = 0;
  for (int tile = 0; tile < count; tile++) {
    const Place place(t, first + tile);
    const int rows = std::min(kTile, t.height - place.row), columns = std::min(kTile, t.width - place.column);
    const size_t pixel =
        (size_t(place.image) * t.height + place.row) * rowStride + place.column * pixelStride;
    const bool isFirst = tile == 0;
    pixels += size_t(rows) * columns;
    for (int v = 0; v < kGroupVectors; v++) {
      const int channel = group * kGroup + v * kLanes;
      if (channel >= channels) break;
      const float* from = products.at(0, productGroup, tile) + v * kLanes;
      const size_t present = size_t(channels - channel), corner = pixel + channel;
      Floats pivot = load(pivots + v * kLanes), total = load(totals + v * kLanes),
             square = load(squares + v * kLanes);
      const auto read = [=](int i, int j) { return load(from + (i * kPatch + j) * position); };
      const auto add = [&](int i, int j, Floats y) {
        if constexpr (!kSums) return;
        y = asStored<T>(y);
        if (i == 0 && j == 0 && isFirst) pivot = y;
        const Floats apart = y - pivot;
        total += apart;
        square += apart * apart;
      };
      if (rows == kTile && columns == kTile && present >= size_t(kLanes))
        transformSquare<TileTransform>(read, [&, corner](int i, int j, Floats y) {
          const size_t at = corner + i * rowStride + j * pixelStride;
          if constexpr (kAdds) y += load(residual + at);
          store(images + at, y);
          add(i, j, y);
        });
      else
        transformSquare<TileTransform>(read, [&, corner](int i, int j, Floats y) {
          if (i >= rows || j >= columns) return;
          const size_t at = corner + i * rowStride + j * pixelStride;
          if constexpr (kAdds) y += load(residual + at, present);
          store(images + at, y, present);
          add(i, j, y);
        });
      if constexpr (kSums) {
        store(pivots + v * kLanes, pivot);
        store(totals + v * kLanes, total);
        store(squares + v * kLanes, square);
      }
    }
  }
  if constexpr (kSums) {
    const size_t at = block * sums->channels + size_t(group) * kGroup;
    std::copy_n(pivots, kGroup, &sums->pivot[at]);
    std::copy_n(totals, kGroup, &sums->sum[at]);
    std::copy_n(squares, kGroup, &sums->square[at]);
    if (group == 0) sums->counts[block] = pixels;
  }
}

/** A filter [3, 3, inputs, outputs] as the convolution sees it: turned round, its inputs are the outputs. */
template <typename T>
struct Filter {
  const T* data;
  int inputs, outputs;
  bool turned;

  int depth() const { return turned ? outputs : inputs; }
  int channels() const { return turned ? inputs : outputs; }
  size_t positionFloats() const { return size_t(groupsOf(channels())) * depth() * kGroup; }
};

/** G g G' of 16 channels: [positions][groups of channels][depth][kGroup]. */
template <typename T>
void transformFilter(const Filter<T>& filter, int group, float* out) {
  const int channels = filter.channels(), depth = filter.depth();
  const int present = std::min(kGroup, channels - group * kGroup);
  float some[9][kGroup] = {};
  for (int d = 0; d < depth; d++) {
    for (int tap = 0; tap < 9; tap++) {
      const T* matrix = filter.data + size_t(tap) * filter.inputs * filter.outputs;
      for (int i = 0; i < present; i++) {
        const int channel = group * kGroup + i;
        if (filter.turned)
          some[8 - tap][i] = number(matrix[size_t(channel) * filter.outputs + d]);
        else
          some[tap][i] = number(matrix[size_t(d) * filter.outputs + channel]);
      }
    }
    for (int v = 0; v < kGroupVectors; v++) {
      float* to = out + (size_t(group) * depth + d) * kGroup + v * kLanes;
      transformSquare<FilterTransform>(
          [&](int i, int j) { return load(some[i * 3 + j] + v * kLanes); },
          [&](int i, int j, Floats u) { store(to + (i * kPatch + j) * filter.positionFloats(), u); });
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
              int depth, const Transformed& products, int group) {
  const float* a = patches.at(position, 0, 0);
  float* out = products.at(position, group, 0);
  // A product of a single group's width has the registers for twice the rows.
  constexpr int R = kRows * kWide / W;
  int tile = 0;
  for (; tile + R <= count; tile += R)
    multiplyRows<R, W>(a + tile * kGroup, patches.group, filter, filterGroup, depth, out + tile * kGroup,
                       products.group);
  multiplyRest<R - 1, W>(count - tile, a + tile * kGroup, patches.group, filter, filterGroup, depth,
                         out + tile * kGroup, products.group);
}

/** Calls work(first tile, how many) for slices of a block's tiles. */
template <typename Work>
void overSlices(int count, int threads, const Work& work) {
  forEach((count + kSliceTiles - 1) / kSliceTiles, threads, [&](int slice) {
    const int from = slice * kSliceTiles;
    work(from, std::min(kSliceTiles, count - from));
  });
}

template <typename T>
void convolveBy(const Filter<T>& filter, int batch, int height, int width, const T* source,
                const Fused<T>& fused, T* result, int threads) {
  const int depth = filter.depth(), channels = filter.channels();
  const int groups = groupsOf(channels);
  const bool isDeep = groupsOf(depth) * groups >= kDeep;
  const Tiling tiling(batch, height, width, isDeep ? kMostTiles : cachedTiles(groupsOf(depth)));
  static thread_local Scratch filterMemory;
  const size_t position = filter.positionFloats(), group = size_t(depth) * kGroup;
  float* transformed = reinterpret_cast<float*>(filterMemory.get(kPositions * position * sizeof(float)));
  forEach(groups, threads, [&](int g) { transformFilter(filter, g, transformed); });
  Sums sums(fused.mean ? tiling.blocks : 0, groups);
  const auto write = fused.mean ? (fused.residual ? writeTiles<true, true, T> : writeTiles<false, true, T>)
                                : (fused.residual ? writeTiles<true, false, T> : writeTiles<false, false, T>);

  const auto convolveBlock = [&](int block, int nextBlock, int sharing) {
    const int first = tiling.first(block), count = tiling.count(block);
    if (count == 0) return;
    static thread_local Scratch memory;
    const size_t patchFloats = Transformed::floats(groupsOf(depth), count);
    float* data = reinterpret_cast<float*>(
        memory.get((patchFloats + Transformed::floats(groups, count)) * sizeof(float)));
    const Transformed patches(data, groupsOf(depth), count), products(data + patchFloats, groups, count);
    overSlices(count, sharing, [&](int from, int some) {
      transformTiles<PatchTransform>(tiling, source, depth, first + from, some, patches.from(from));
    });
    // Products need little memory: meanwhile comes what is written and read after them.
    const Span next = rowsOf(tiling, nextBlock, source, depth);
    const Span own = rowsOf(tiling, block, result, channels);
    const Span residual = fused.residual ? rowsOf(tiling, block, fused.residual, channels) : Span{};
    forEach(kPositions, sharing, [&](int i) {
      next.prefetch<0>(i, kPositions);
      own.prefetch<1>(i, kPositions);
      residual.prefetch<0>(i, kPositions);
      const float* b = transformed + i * position;
      int g = 0;
      for (; g + kWide <= groups; g += kWide)
        multiply<kWide>(patches, i, count, b + g * group, group, depth, products, g);
      for (; g < groups; g++) multiply<1>(patches, i, count, b + g * group, group, depth, products, g);
    });
    forEach(groups, sharing,
            [&](int g) { write(tiling, block, products, g, fused.residual, &sums, result, channels, g); });
  };
  if (isDeep)
    for (int block = 0; block < tiling.blocks; block++) convolveBlock(block, block + 1, threads);
  else
    forEach(tiling.blocks, threads, [&](int block) { convolveBlock(block, block + threads, 1); });
  if (fused.mean) sums.moments(channels, fused.mean, fused.variance);
}

/**
 * Sums of the products of all inputs and outputs: [positions][groups of inputs][groups of outputs][kGroup]
 * [kGroup]. The positions are a cache line further apart than they need be, for the reason above.
 */
struct Products {
  static constexpr size_t kSquare = size_t(kGroup) * kGroup;
  float* data;
  int outputGroups;
  size_t position;

  static size_t floats(int inputGroups, int outputGroups) {
    return kPositions * (inputGroups * outputGroups * kSquare + kGroup);
  }
  Products(Scratch& memory, int inputGroups, int outputGroups)
      : data(reinterpret_cast<float*>(memory.get(floats(inputGroups, outputGroups) * sizeof(float)))),
        outputGroups(outputGroups),
        position(floats(inputGroups, outputGroups) / kPositions) {}
  float* at(int position_, int inputGroup, int outputGroup) const {
    return data + position_ * position + (size_t(inputGroup) * outputGroups + outputGroup) * kSquare;
  }
};

/** Adds the products of R channels x W groups of channels over a block's tiles. */
template <int R, int W>
inline void addTiles(const float* a, const float* b, size_t bGroup, int count, float* out) {
  Floats sum[R][W * kGroupVectors];
  const auto at = [=](int r, int w) {
    return out + w / kGroupVectors * Products::kSquare + r * kGroup + w % kGroupVectors * kLanes;
  };
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W * kGroupVectors; w++) sum[r][w] = load(at(r, w));
  for (int t = 0; t < count; t++, a += kGroup, b += kGroup) {
    Floats right[W * kGroupVectors];
    for (int w = 0; w < W; w++)
      for (int v = 0; v < kGroupVectors; v++)
        right[w * kGroupVectors + v] = load(b + w * bGroup + v * kLanes);
    for (int r = 0; r < R; r++)
      for (int w = 0; w < W * kGroupVectors; w++) sum[r][w] += a[r] * right[w];
  }
  for (int r = 0; r < R; r++)
    for (int w = 0; w < W * kGroupVectors; w++) store(at(r, w), sum[r][w]);
}

/** Transformed patches and gradients of the same tiles. */
struct TransformedPair {
  int inputGroups, outputGroups;
  Transformed patches, gradients;

  TransformedPair(Scratch& memory, int inputGroups, int outputGroups, int tiles)
      : inputGroups(inputGroups),
        outputGroups(outputGroups),
        patches(nullptr, inputGroups, tiles),
        gradients(nullptr, outputGroups, tiles) {
    const size_t ofPatches = Transformed::floats(inputGroups, tiles);
    patches.data = reinterpret_cast<float*>(
        memory.get((ofPatches + Transformed::floats(outputGroups, tiles)) * sizeof(float)));
    gradients.data = patches.data + ofPatches;
  }
};

/** Adds a block's products of all inputs and W groups of outputs in one position. */
template <int W>
void addGroups(const TransformedPair& pair, int position, int count, int outputGroup,
               const Products& products) {
  constexpr int R = kGradientRows * kWide / W;
  for (int i = 0; i < pair.inputGroups; i++)
    for (int r = 0; r < kGroup; r += R)
      addTiles<R, W>(pair.patches.at(position, i, 0) + r, pair.gradients.at(position, outputGroup, 0),
                     pair.gradients.group, count, products.at(position, i, outputGroup) + r * kGroup);
}

/** Adds all of a block's products in one position. */
void addProducts(const TransformedPair& pair, int position, int count, const Products& products) {
  int o = 0;
  for (; o + kWide <= pair.outputGroups; o += kWide) addGroups<kWide>(pair, position, count, o, products);
  for (; o < pair.outputGroups; o++) addGroups<1>(pair, position, count, o, products);
}

/** Writes what the products of a group of inputs make of the gradient. */
void writeFilterGradient(const Convolution& c, const Products& products, int inputGroup, float* result) {
  const int inputs = std::min(kGroup, c.inputs - inputGroup * kGroup);
  for (int r = 0; r < inputs; r++)
    for (int output = 0; output < c.outputs; output += kLanes) {
      const size_t present = size_t(c.outputs - output);
      const float* from = products.at(0, inputGroup, output / kGroup) + r * kGroup + output % kGroup;
      transformSquare<FilterGradientTransform>(
          [&](int i, int j) { return load(from + (i * kPatch + j) * products.position); },
          [&](int i, int j, Floats g) {
            float* to =
                result + (size_t(i * 3 + j) * c.inputs + inputGroup * kGroup + r) * c.outputs + output;
            store(to, g, present);
          });
    }
}

/** Sums all of a convolution's filter gradient in parts of its tiles, for few channels. */
template <typename T>
void sumByParts(const Convolution& c, const T* images, const T* gradient, float* result, int threads) {
  const int inputGroups = groupsOf(c.inputs), outputGroups = groupsOf(c.outputs);
  const Tiling tiling(c.batch, c.height, c.width, cachedTiles(inputGroups + outputGroups));
  const int parts = std::min(tiling.blocks, kParts);
  const size_t size = size_t(9) * c.inputs * c.outputs;
  std::vector<float> sums(parts * size);
  forEach(parts, threads, [&](int part) {
    static thread_local Scratch memory, productMemory;
    const Products products(productMemory, inputGroups, outputGroups);
    std::fill_n(products.data, Products::floats(inputGroups, outputGroups), 0.f);
    for (int block = tiling.blocks * part / parts; block < tiling.blocks * (part + 1) / parts; block++) {
      const int first = tiling.first(block), count = tiling.count(block);
      const TransformedPair pair(memory, inputGroups, outputGroups, count);
      transformTiles<PatchTransform>(tiling, images, c.inputs, first, count, pair.patches);
      transformTiles<TileGradientTransform>(tiling, gradient, c.outputs, first, count, pair.gradients);
      const Span nextImages = rowsOf(tiling, block + 1, images, c.inputs);
      const Span nextGradient = rowsOf(tiling, block + 1, gradient, c.outputs);
      for (int position = 0; position < kPositions; position++) {
        nextImages.prefetch<0>(position, kPositions);
        nextGradient.prefetch<0>(position, kPositions);
        addProducts(pair, position, count, products);
      }
    }
    for (int i = 0; i < inputGroups; i++) writeFilterGradient(c, products, i, &sums[part * size]);
  });
  for (size_t i = 0; i < size; i++) {
    float sum = sums[i];
    for (int part = 1; part < parts; part++) sum += sums[part * size + i];
    result[i] = sum;
  }
}

/**
 * Sums it position by position, for many channels: threads share the positions, of which each needs little of
 * what does not stay in the cache as a whole, and nothing is summed twice.
 */
template <typename T>
void sumByPositions(const Convolution& c, const T* images, const T* gradient, float* result, int threads) {
  const Tiling tiling(c.batch, c.height, c.width, kMostTiles);
  const int inputGroups = groupsOf(c.inputs), outputGroups = groupsOf(c.outputs);
  static thread_local Scratch memory, productMemory;
  const Products products(productMemory, inputGroups, outputGroups);
  for (int block = 0; block < tiling.blocks; block++) {
    const int first = tiling.first(block), count = tiling.count(block);
    const TransformedPair pair(memory, inputGroups, outputGroups, count);
    overSlices(count, threads, [&](int from, int some) {
      transformTiles<PatchTransform>(tiling, images, c.inputs, first + from, some, pair.patches.from(from));
      transformTiles<TileGradientTransform>(tiling, gradient, c.outputs, first + from, some,
                                            pair.gradients.from(from));
    });
    const Span nextImages = rowsOf(tiling, block + 1, images, c.inputs);
    const Span nextGradient = rowsOf(tiling, block + 1, gradient, c.outputs);
    forEach(kPositions, threads, [&](int position) {
      nextImages.prefetch<0>(position, kPositions);
      nextGradient.prefetch<0>(position, kPositions);
      if (block == 0) std::fill_n(products.at(position, 0, 0), products.position, 0.f);
      addProducts(pair, position, count, products);
    });
  }
  forEach(inputGroups, threads, [&](int i) { writeFilterGradient(c, products, i, result); });
}

}  // namespace

template <typename T>
void convolve(const Convolution& c, const T* images, const T* filter, const Fused<T>& fused, T* result,
              int threads) {
  const Filter<T> straight{filter, c.inputs, c.outputs, false};
  convolveBy(straight, c.batch, c.height, c.width, images, fused, result, threads);
}

template <typename T>
void imageGradient(const Convolution& c, const T* gradient, const T* filter, T* result, int threads) {
  const Filter<T> turned{filter, c.inputs, c.outputs, true};
  convolveBy(turned, c.batch, c.height, c.width, gradient, {}, result, threads);
}

template <typename T>
void filterGradient(const Convolution& c, const T* images, const T* gradient, float* result, int threads) {
  const int pairs = groupsOf(c.inputs) * groupsOf(c.outputs);
  if (Tiling(c.batch, c.height, c.width, 1).tiles >= kTilesPerPair * pairs)
    sumByParts(c, images, gradient, result, threads);
  else
    sumByPositions(c, images, gradient, result, threads);
}

template void convolve(const Convolution&, const float*, const float*, const Fused<float>&, float*, int);
template void imageGradient(const Convolution&, const float*, const float*, float*, int);
template void filterGradient(const Convolution&, const float*, const float*, float*, int);
// Where there are tiles, these have bfloat16.
#if !defined(__AMX_BF16__)
template void convolve(const Convolution&, const uint16_t*, const uint16_t*, const Fused<uint16_t>&,
                       uint16_t*, int);
template void imageGradient(const Convolution&, const uint16_t*, const uint16_t*, uint16_t*, int);
template void filterGradient(const Convolution&, const uint16_t*, const uint16_t*, float*, int);
#endif

}  // namespace labelnoise::winograd
