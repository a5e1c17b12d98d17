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
/** Parts that a filter's gradient is summed in. */
constexpr int kParts = 8;

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

/** Adds the products of R numbers of each pixel and V vectors of the results' gradient, over an image. @param
 * out R rows of the filter's gradient */
template <int R, int V>
inline void addPixels(const float* a, size_t aRow, size_t aStep, const float* dy, int height, int width,
                      size_t channels, float* out) {
  Floats sum[R][V];
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) sum[r][v] = load(out + r * channels + v * kLanes);
  for (int y = 0; y < height; y++) {
    const float* pixel = a + y * aRow;
    for (int x = 0; x < width; x++, pixel += aStep, dy += channels) {
      Floats right[V];
      for (int v = 0; v < V; v++) right[v] = load(dy + v * kLanes);
      for (int r = 0; r < R; r++)
        for (int v = 0; v < V; v++) sum[r][v] += pixel[r] * right[v];
    }
  }
  for (int r = 0; r < R; r++)
    for (int v = 0; v < V; v++) store(out + r * channels + v * kLanes, sum[r][v]);
}

/** Adds an image's gradient of one row of the filter: `rows` of [filled up channels]. */
template <int V>
void addRows(int rows, const float* a, size_t aRow, size_t aStep, const float* dy, int height, int width,
             size_t channels, float* out) {
  for (int r = 0; r < rows;) {
    const auto add = [&](auto count) {
      addPixels<count(), V>(a + r, aRow, aStep, dy, height, width, channels, out + r * channels);
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
  const Padding padding = paddingOf(c);
  const int length = 3 * c.inputs, parts = std::min(c.batch, kParts);
  const size_t filled = filledUp(c.outputs), size = 3 * length * filled,
               pixels = size_t(c.outHeight) * c.outWidth;
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
          (whole ? addRows<kVectors> : addRows<1>)(length, a, c.stride * padding.row(),
                                                   size_t(c.stride) * c.inputs, filledGradient + channel,
                                                   c.outHeight, c.outWidth, filled, out + channel);
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
