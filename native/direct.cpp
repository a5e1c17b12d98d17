// Sums of products as the definition has them, of pixels times vectors of channels.
//
// Each image is copied into one with zeros around it, so that no pixel is a special case. There the three
// pixels that a row of the filter meets lie side by side, with all their channels: for a result, a row of the
// filter is one span of numbers, whatever the stride. The images' gradient is such a sum over the results'
// gradient, with other spans for each residue of row and column by the stride.
//
// The order of each sum is fixed by the shape alone, so that the threads have no influence on the bits.
#include "direct.h"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "pool.h"
#include "scratch.h"
#include "vectors.h"

namespace labelnoise::direct {
namespace {

/** Pixels, or rows of the filter's gradient, and vectors of channels whose sums are kept in registers. */
#if defined(__AVX512F__)
constexpr int kPixels = 8;
#else
constexpr int kPixels = 4;
#endif
constexpr int kVectors = 2;
/** Rows of the filter's gradient for images of three channels, all in one. */
constexpr int kFewRows = 9;
/** Parts that a filter's gradient is summed in, up to so many products of inputs and outputs. */
constexpr int kParts = 8, kCachedFilter = 1 << 13;
/** Where there are more, channels of the images that lie side by side, and pixels taken at once. */
constexpr int kGroup = 16, kCachedPixels = 1 << 9;

/** Channels with those that fill up the last vector. */
int filledUp(int channels) { return (channels + kLanes - 1) / kLanes * kLanes; }

/** Images with room for zeros around them: those that are `before` and `after` rows and columns. */
struct Padding {
  int height, width, channels, before, after;

  size_t row() const { return size_t(before + width + after) * channels; }
  size_t size() const { return (before + height + after) * row(); }
  /** Where a row and a column of the image are; both may be of the padding. */
  size_t at(int y, int x) const { return (before + y) * row() + size_t(before + x) * channels; }

  /** Fills `to` with the image. */
  template <typename T>
  void fill(const T* image, float* to) const {
    std::fill_n(to, size(), 0.f);
    const size_t numbers = size_t(width) * channels;
    for (int y = 0; y < height; y++) copy(image + y * numbers, numbers, to + at(y, 0));
  }
  /** The same with the first `present` of so many channels. */
  template <typename T>
  void fill(const T* image, int of, int present, float* to) const {
    std::fill_n(to, size(), 0.f);
    for (int y = 0; y < height; y++)
      for (int x = 0; x < width; x++, image += of) copy(image, present, to + at(y, x));
  }

  template <typename T>
  static void copy(const T* from, size_t count, float* to) {
    size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
    for (; i < count; i++) to[i] = number(from[i]);
  }
};

/** What the forward pass and the filter's gradient see of an image. */
Padding paddingOf(const Convolution& c) {
  // The last result may need one more row or column than half of the padding of the first.
  const int after = std::max((c.outHeight - 1) * c.stride + 3 - c.height - c.padTop,
                             (c.outWidth - 1) * c.stride + 3 - c.width - c.padLeft);
  return {c.height, c.width, c.inputs, std::max(c.padTop, c.padLeft), std::max(after, 0)};
}

/** Numbers side by side, from `offset` after a pixel on, and the first of the filter's rows that they are
 * multiplied by. */
struct Span {
  ptrdiff_t offset;
  int row, length;
};

/** Sums of P pixels and V vectors of channels. `step` is from pixel to pixel; of the channels `present` are
 * there. */
template <int P, int V, typename T>
inline void sumSpans(const std::vector<Span>& spans, const float* from, size_t step, const float* weights,
                     T* to, size_t toStep, size_t present) {
  Floats sum[P][V] = {};
  for (const Span& span : spans) {
    const float* a = from + span.offset;
    const float* w = weights + size_t(span.row) * V * kLanes;
    for (int k = 0; k < span.length; k++, w += V * kLanes) {
      Floats right[V];
      for (int v = 0; v < V; v++) right[v] = load(w + v * kLanes);
      for (int p = 0; p < P; p++)
        for (int v = 0; v < V; v++) sum[p][v] += a[p * step + k] * right[v];
    }
  }
  for (int p = 0; p < P; p++)
    for (int v = 0; v < V; v++) store(to + p * toStep + v * kLanes, sum[p][v], present - v * kLanes);
}

/** The same for a row of so many pixels. */
template <int P, int V, typename T>
void sumRow(const std::vector<Span>& spans, const float* from, size_t step, const float* weights, T* to,
            size_t toStep, size_t present, int pixels) {
  for (; pixels >= P; pixels -= P, from += P * step, to += P * toStep)
    sumSpans<P, V>(spans, from, step, weights, to, toStep, present);
  if constexpr (P > 1)
    if (pixels) sumRow<P / 2, V>(spans, from, step, weights, to, toStep, present, pixels);
}

/** Calls each(channel, whether a whole kVectors of vectors are there) for all of these channels. */
template <typename Each>
void overChannels(int channels, const Each& each) {
  for (int channel = 0; channel < channels;) {
    const bool whole = channel + (kVectors - 1) * kLanes < channels;
    each(channel, whole);
    channel += (whole ? kVectors : 1) * kLanes;
  }
}

/** The filter in float32: for each of the channels that are taken together, all rows, [3, 3, depth] of them.
 */
class PackedFilter {
 public:
  /** @param turned whether it is seen from its outputs, of which there are `depth` then */
  template <typename T>
  PackedFilter(const Convolution& c, const T* filter, bool turned)
      : depth(turned ? c.outputs : c.inputs), channels(turned ? c.inputs : c.outputs) {
    all_.resize(9 * depth * size_t(filledUp(channels)));
    overChannels(channels, [&](int first, bool whole) {
      float* to = &all_[size_t(9) * depth * first];
      const int wide = (whole ? kVectors : 1) * kLanes, present = std::min(wide, channels - first);
      for (int row = 0; row < 9 * depth; row++, to += wide)
        for (int i = 0; i < present; i++) {
          const int tap = row / depth, d = row % depth, channel = first + i;
          to[i] = number(filter[turned ? (size_t(tap) * channels + channel) * depth + d
                                       : size_t(row) * channels + channel]);
        }
    });
  }

  const int depth, channels;
  const float* from(int channel) const { return &all_[size_t(9) * depth * channel]; }

 private:
  std::vector<float> all_;
};

/** Pixels of the result that share their spans: every `stride`-th one of every `stride`-th row. */
struct Part {
  std::vector<Span> spans;
  int row, column, stride;
};

/** Sums over the spans of all pixels of a part, for one image. The i-th row's spans begin at `start(i)`, and
 * `step` is from pixel to pixel there. */
template <typename T, typename Start>
void sumImage(const Part& part, const PackedFilter& filter, const float* from, const Start& start,
              size_t step, int height, int width, T* to) {
  const int pixels = (width - part.column + part.stride - 1) / part.stride;
  if (pixels <= 0) return;
  const size_t toStep = size_t(part.stride) * filter.channels;
  // All rows by some channels of the filter, which stay in the cache, then by the next.
  overChannels(filter.channels, [&](int channel, bool whole) {
    const size_t present = size_t(filter.channels - channel);
    const float* weights = filter.from(channel);
    for (int i = 0, y = part.row; y < height; i++, y += part.stride) {
      T* first = to + (size_t(y) * width + part.column) * filter.channels + channel;
      const float* a = from + start(i);
      if (whole)
        sumRow<kPixels, kVectors>(part.spans, a, step, weights, first, toStep, present, pixels);
      else
        sumRow<kPixels, 1>(part.spans, a, step, weights, first, toStep, present, pixels);
    }
  });
}

float* floats(Scratch& memory, size_t count) {
  return reinterpret_cast<float*>(memory.get(count * sizeof(float)));
}

/** The first index whose position has this residue. */
int firstOf(int residue, int pad, int stride) { return ((residue - pad) % stride + stride) % stride; }

/** How a row of the filter goes over images with their padding: from one to the next, from row to row, and
 * from pixel to pixel. */
struct Walk {
  int images, height, width;
  size_t image, row, step;
};

/** Adds the products of R numbers of each pixel and V vectors of the results' gradient. @param dyStep from
 * pixel to pixel of that @param out R rows of the filter's gradient, `outStep` apart */
template <int R, int V>
inline void addPixels(const float* a, const Walk& walk, const float* dy, size_t dyStep, float* out,
                      size_t outStep) {
  Floats sum[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sum[r][v] = load(out + r * outStep + v * kLanes);
  for (int n = 0; n < walk.images; n++)
    for (int y = 0; y < walk.height; y++) {
      const float* pixel = a + n * walk.image + y * walk.row;
      for (int x = 0; x < walk.width; x++, pixel += walk.step, dy += dyStep) {
        Floats right[V];
        for (int v = 0; v < V; v++) right[v] = load(dy + v * kLanes);
        for (int r = 0; r < R; r++)
          for (int v = 0; v < V; v++) sum[r][v] += pixel[r] * right[v];
      }
    }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(out + r * outStep + v * kLanes, sum[r][v]);
}

/** The same for so many rows. Nothing here may write a part of a vector: GCC 12 would keep the sums in
 * memory, not in registers, on AVX2. */
template <int V>
void addRows(int rows, const float* a, const Walk& walk, const float* dy, size_t dyStep, float* out,
             size_t outStep) {
  for (int r = 0; r < rows;) {
    const auto add = [&](auto count) {
      addPixels<count(), V>(a + r, walk, dy, dyStep, out + r * outStep, outStep);
      r += count();
    };
    if (V == 1 && rows - r == kFewRows)
      add(std::integral_constant<int, kFewRows>());
    else if (rows - r >= kPixels)
      add(std::integral_constant<int, kPixels>());
    else
      add(std::integral_constant<int, 1>());
  }
}

/** Sums a filter's gradient in parts of the batch, image by image: for a filter that stays in the cache. */
template <typename T>
void sumByParts(const Convolution& c, const T* images, const T* gradient, float* result, int threads) {
  const Padding padding = paddingOf(c);
  const int length = 3 * c.inputs, parts = std::min(c.batch, kParts);
  const size_t filled = filledUp(c.outputs), size = 3 * length * filled,
               pixels = size_t(c.outHeight) * c.outWidth;
  const Walk walk{1, c.outHeight, c.outWidth, 0, c.stride * padding.row(), size_t(c.stride) * c.inputs};
  std::vector<float> sums(parts * size);
  forEach(parts, threads, [&](int part) {
    static thread_local Scratch memory;
    float* padded = floats(memory, padding.size() + pixels * filled);
    float* filledGradient = padded + padding.size();
    for (int n = c.batch * part / parts; n < c.batch * (part + 1) / parts; n++) {
      padding.fill(images + size_t(n) * c.height * c.width * c.inputs, padded);
      const T* dy = gradient + n * pixels * c.outputs;
      std::fill_n(filledGradient, filled == size_t(c.outputs) ? 0 : pixels * filled, 0.f);
      for (size_t pixel = 0; pixel < pixels; pixel++)
        Padding::copy(dy + pixel * c.outputs, c.outputs, filledGradient + pixel * filled);
      for (int i = 0; i < 3; i++) {
        const float* a = padded + padding.at(i - c.padTop, -c.padLeft);
        float* out = &sums[part * size + size_t(i) * length * filled];
        overChannels(c.outputs, [&](int channel, bool whole) {
          (whole ? addRows<kVectors> : addRows<1>)(length, a, walk, filledGradient + channel, filled,
                                                   out + channel, filled);
        });
      }
    }
  });
  for (int row = 0; row < 3 * length; row++)
    for (int o = 0; o < c.outputs; o++) {
      float sum = sums[row * filled + o];
      for (int part = 1; part < parts; part++) sum += sums[part * size + row * filled + o];
      result[size_t(row) * c.outputs + o] = sum;
    }
}

/**
 * Sums it for some channels after the other, over many images at once: threads share the channels, and what
 * is seen for them of both stays in the cache, if the filter does not.
 */
template <typename T>
void sumByChannels(const Convolution& c, const T* images, const T* gradient, float* result, int threads) {
  Padding padding = paddingOf(c);
  padding.channels = kGroup;
  const int pixels = c.outHeight * c.outWidth, groups = (c.inputs + kGroup - 1) / kGroup;
  const int most = std::min(c.batch, std::max(1, kCachedPixels / pixels));
  constexpr int kStrip = kVectors * kLanes;
  const int strips = (c.outputs + kStrip - 1) / kStrip;
  const size_t rows = size_t(9) * c.inputs, filled = size_t(strips) * kStrip;
  static thread_local Scratch memory;
  float* padded = floats(memory, most * (groups * padding.size() + pixels * filled) + rows * filled);
  float *packed = padded + most * groups * padding.size(), *sums = packed + most * pixels * filled;
  std::fill_n(sums, rows * filled, 0.f);
  for (int first = 0; first < c.batch; first += most) {
    const int count = std::min(most, c.batch - first);
    // [groups][images], and [strips of channels][pixels][kStrip]
    const auto groupAt = [&](int group) { return padded + size_t(group) * count * padding.size(); };
    const auto stripAt = [&](int strip) { return packed + size_t(strip) * count * pixels * kStrip; };
    forEach(count, threads, [&](int n) {
      const T* image = images + size_t(first + n) * c.height * c.width * c.inputs;
      for (int group = 0; group < groups; group++)
        padding.fill(image + group * kGroup, c.inputs, std::min(kGroup, c.inputs - group * kGroup),
                     groupAt(group) + n * padding.size());
      const T* dy = gradient + size_t(first + n) * pixels * c.outputs;
      for (int strip = 0; strip < strips; strip++) {
        const int present = std::min(kStrip, c.outputs - strip * kStrip);
        float* to = stripAt(strip) + size_t(n) * pixels * kStrip;
        for (int pixel = 0; pixel < pixels; pixel++, to += kStrip) {
          Padding::copy(dy + size_t(pixel) * c.outputs + strip * kStrip, present, to);
          std::fill(to + present, to + kStrip, 0.f);
        }
      }
    });
    const Walk walk{
        count, c.outHeight, c.outWidth, padding.size(), c.stride * padding.row(), size_t(c.stride) * kGroup};
    forEach(9 * strips, threads, [&](int task) {
      const int tap = task % 9, strip = task / 9;
      for (int group = 0; group < groups; group++) {
        const size_t row = size_t(tap) * c.inputs + group * kGroup;
        addRows<kVectors>(std::min(kGroup, c.inputs - group * kGroup),
                          groupAt(group) + padding.at(tap / 3 - c.padTop, tap % 3 - c.padLeft), walk,
                          stripAt(strip), kStrip, sums + row * filled + strip * kStrip, filled);
      }
    });
  }
  for (size_t row = 0; row < rows; row++)
    std::copy_n(sums + row * filled, c.outputs, result + row * c.outputs);
}

}  // namespace

template <typename T>
void convolve(const Convolution& c, const T* images, const T* filter, T* result, int threads) {
  const PackedFilter packed(c, filter, false);
  const Padding padding = paddingOf(c);
  Part part{{}, 0, 0, 1};
  for (int i = 0; i < 3; i++)
    part.spans.push_back({ptrdiff_t(i * padding.row()), i * 3 * c.inputs, 3 * c.inputs});
  forEach(c.batch, threads, [&](int n) {
    static thread_local Scratch memory;
    float* padded = floats(memory, padding.size());
    padding.fill(images + size_t(n) * c.height * c.width * c.inputs, padded);
    sumImage(
        part, packed, padded, [&](int y) { return padding.at(y * c.stride - c.padTop, -c.padLeft); },
        size_t(c.stride) * c.inputs, c.outHeight, c.outWidth,
        result + size_t(n) * c.outHeight * c.outWidth * c.outputs);
  });
}

template <typename T>
void imageGradient(const Convolution& c, const T* gradient, const T* filter, T* result, int threads) {
  const PackedFilter packed(c, filter, true);
  const Padding padding{c.outHeight, c.outWidth, c.outputs, 1, 1};
  // Row i of the filter met image row o * stride + i - pad in result row o.
  std::vector<Part> parts;
  for (int down = 0; down < c.stride; down++)
    for (int across = 0; across < c.stride; across++) {
      Part part{{}, firstOf(down, c.padTop, c.stride), firstOf(across, c.padLeft, c.stride), c.stride};
      for (int i = down; i < 3; i += c.stride)
        for (int j = across; j < 3; j += c.stride)
          part.spans.push_back({-ptrdiff_t((i / c.stride) * padding.row()) - (j / c.stride) * c.outputs,
                                (i * 3 + j) * c.outputs, c.outputs});
      parts.push_back(part);
    }
  forEach(c.batch, threads, [&](int n) {
    static thread_local Scratch memory;
    float* padded = floats(memory, padding.size());
    padding.fill(gradient + size_t(n) * c.outHeight * c.outWidth * c.outputs, padded);
    for (const Part& part : parts) {
      const int row = (part.row + c.padTop) / c.stride, column = (part.column + c.padLeft) / c.stride;
      sumImage(
          part, packed, padded, [&](int i) { return padding.at(row + i, column); }, size_t(c.outputs),
          c.height, c.width, result + size_t(n) * c.height * c.width * c.inputs);
    }
  });
}

template <typename T>
void filterGradient(const Convolution& c, const T* images, const T* gradient, float* result, int threads) {
  if (c.inputs * c.outputs <= kCachedFilter)
    sumByParts(c, images, gradient, result, threads);
  else
    sumByChannels(c, images, gradient, result, threads);
}

template void convolve(const Convolution&, const float*, const float*, float*, int);
template void imageGradient(const Convolution&, const float*, const float*, float*, int);
template void filterGradient(const Convolution&, const float*, const float*, float*, int);
// Where there are tiles, these have bfloat16.
#if !defined(__AMX_BF16__)
template void convolve(const Convolution&, const uint16_t*, const uint16_t*, uint16_t*, int);
template void imageGradient(const Convolution&, const uint16_t*, const uint16_t*, uint16_t*, int);
template void filterGradient(const Convolution&, const uint16_t*, const uint16_t*, float*, int);
#endif

}  // namespace labelnoise::direct
