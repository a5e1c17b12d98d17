// Training-mode batch normalisation: two passes over memory forward, two backward.
//
// Sums run in float32 within blocks that stay in the cache and in double across them. Blocks are cut by the
// shape alone and added in their order, so that neither threads nor the width of vectors have an influence on
// the bits.
#include "batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pool.h"
#include "vectors.h"

namespace labelnoise {
namespace {

constexpr size_t kBlockValues = 1 << 14;
/** Vectors of channels that are worked on together, as far as there are so many. */
constexpr int kStrip = 4;

/** Rows are cut into blocks; few channels are first laid side by side, so that all of a block's loops are
 * wide. */
struct Blocks {
  size_t rows;
  int channels, fold;
  size_t perBlock;

  Blocks(size_t allRows, int allChannels) : rows(allRows), channels(allChannels), fold(1) {
    while (channels < 64 && rows % 2 == 0 && rows) channels *= 2, rows /= 2, fold *= 2;
    perBlock = std::max<size_t>(1, kBlockValues / channels);
  }
  int count() const { return int((rows + perBlock - 1) / perBlock); }
  size_t begin(int block) const { return block * perBlock; }
  size_t size(int block) const { return std::min(perBlock, rows - begin(block)); }
};

/** S vectors of channels of many rows. */
template <int S>
struct Strip {
  static constexpr int kVectors = S;
  size_t rows;
  int channels, first;

  /** Calls step(place in the block, vector of the strip) for all rows. */
  template <typename Step>
  void each(const Step& step) const {
    for (size_t r = 0; r < rows; r++)
      for (int i = 0; i < S; i++) step(r * channels + first + i * kLanes, i);
  }
  void read(const float* from, Floats* to) const {
    for (int i = 0; i < S; i++) to[i] = load(from + first + i * kLanes);
  }
  void write(const Floats* from, float* to) const {
    for (int i = 0; i < S; i++) store(to + first + i * kLanes, from[i]);
  }
};

/** Calls work with every strip of a block, the size of the arrays it needs being a constant. */
template <typename Work>
void overStrips(size_t rows, int channels, const Work& work) {
  constexpr int kLeast = kNormalisedGroup / kLanes;
  int c = 0;
  for (; c + kStrip * kLanes <= channels; c += kStrip * kLanes) work(Strip<kStrip>{rows, channels, c});
  for (; c + kNormalisedGroup <= channels; c += kNormalisedGroup) work(Strip<kLeast>{rows, channels, c});
}

/** Factor and shift of the normalisation as one multiplication and one addition, `fold` times side by side.
 */
struct Affine {
  std::vector<float> factor, shift, mean;

  Affine(const Normalisation& n, int channels, int fold) {
    for (int f = 0; f < fold; f++)
      for (int c = 0; c < channels; c++) {
        const float a = n.scale[c] / std::sqrt(n.variance[c] + n.epsilon);
        factor.push_back(a);
        shift.push_back(n.offset[c] - n.mean[c] * a);
        mean.push_back(n.mean[c]);
      }
  }
};

/** The gradient before ReLU. */
inline Floats beforeRelu(bool relu, Floats gradient, Floats x, Floats factor, Floats shift) {
  return relu ? (x * factor + shift > 0.f ? gradient : Floats{}) : gradient;
}

}  // namespace

template <typename T>
void moments(const T* x, size_t rows, int channels, float* mean, float* variance, int threads) {
  const Blocks blocks(rows, channels);
  std::vector<float> means(size_t(blocks.count()) * blocks.channels), squares(means.size());
  forEach(blocks.count(), threads, [&](int block) {
    const T* from = x + blocks.begin(block) * blocks.channels;
    float *m = &means[size_t(block) * blocks.channels], *q = &squares[size_t(block) * blocks.channels];
    overStrips(blocks.size(block), blocks.channels, [=](auto strip) {
      Floats sum[strip.kVectors] = {}, square[strip.kVectors] = {};
      strip.each([&](size_t at, int i) { sum[i] += load(from + at); });
      for (Floats& v : sum) v /= float(strip.rows);
      strip.each([&](size_t at, int i) {
        const Floats d = load(from + at) - sum[i];
        square[i] += d * d;
      });
      strip.write(sum, m);
      strip.write(square, q);
    });
  });
  for (int c = 0; c < channels; c++)
    combineMoments(
        blocks.count() * blocks.fold,
        [&](int part) {
          const int block = part / blocks.fold;
          const size_t at = size_t(block) * blocks.channels + part % blocks.fold * channels + c;
          return PartMoments{double(blocks.size(block)), means[at], squares[at]};
        },
        mean + c, variance + c);
}

template <typename T>
void normalise(const Normalisation& n, const T* x, size_t rows, int channels, T* y, int threads) {
  const Blocks blocks(rows, channels);
  const Affine affine(n, channels, blocks.fold);
  const float least = n.relu ? 0.f : -INFINITY;
  forEach(blocks.count(), threads, [&](int block) {
    const size_t begin = blocks.begin(block) * blocks.channels;
    overStrips(blocks.size(block), blocks.channels, [&, from = x + begin, to = y + begin](auto strip) {
      Floats factor[strip.kVectors], shift[strip.kVectors];
      strip.read(affine.factor.data(), factor);
      strip.read(affine.shift.data(), shift);
      strip.each([&](size_t at, int i) {
        const Floats v = load(from + at) * factor[i] + shift[i];
        // The comparison is this way round because it must be false for what is not a number.
        store(to + at, v < least ? every(least) : v);
      });
    });
  });
}

template <typename T>
void normaliseGradient(const Normalisation& n, const T* gradient, const T* x, const T* residual, size_t rows,
                       int channels, T* dx, float* dScale, float* dOffset, int threads) {
  const Blocks blocks(rows, channels);
  const Affine affine(n, channels, blocks.fold);
  std::vector<float> sums(size_t(blocks.count()) * blocks.channels), products(sums.size());
  forEach(blocks.count(), threads, [&](int block) {
    const size_t begin = blocks.begin(block) * blocks.channels, to = size_t(block) * blocks.channels;
    overStrips(blocks.size(block), blocks.channels, [&, dy = gradient + begin, from = x + begin](auto strip) {
      Floats sum[strip.kVectors] = {}, product[strip.kVectors] = {};
      Floats mean[strip.kVectors], factor[strip.kVectors], shift[strip.kVectors];
      strip.read(affine.mean.data(), mean);
      strip.read(affine.factor.data(), factor);
      strip.read(affine.shift.data(), shift);
      strip.each([&](size_t at, int i) {
        const Floats v = load(from + at);
        const Floats g = beforeRelu(n.relu, load(dy + at), v, factor[i], shift[i]);
        sum[i] += g;
        product[i] += g * (v - mean[i]);
      });
      strip.write(sum, &sums[to]);
      strip.write(product, &products[to]);
    });
  });
  std::vector<double> sum(channels, 0.0), product(channels, 0.0);
  for (int i = 0; i < blocks.count(); i++)
    for (int j = 0; j < blocks.channels; j++) {
      sum[j % channels] += sums[size_t(i) * blocks.channels + j];
      product[j % channels] += products[size_t(i) * blocks.channels + j];
    }
  // dx = factor * before-ReLU gradient + slope * x + constant
  std::vector<float> slopes(blocks.channels), constants(blocks.channels);
  for (int j = 0; j < blocks.channels; j++) {
    const int c = j % channels;
    const double variance = double(n.variance[c]) + n.epsilon;
    const double factor = affine.factor[c], k = -factor * product[c] / double(rows) / variance;
    slopes[j] = float(k);
    constants[j] = float(-factor * sum[c] / double(rows) - k * n.mean[c]);
    dScale[c] = float(product[c] / std::sqrt(variance));
    dOffset[c] = float(sum[c]);
  }
  forEach(blocks.count(), threads, [&](int block) {
    const size_t begin = blocks.begin(block) * blocks.channels;
    overStrips(blocks.size(block), blocks.channels,
               [&, dy = gradient + begin, from = x + begin, to = dx + begin](auto strip) {
                 Floats factor[strip.kVectors], shift[strip.kVectors], slope[strip.kVectors],
                     constant[strip.kVectors];
                 strip.read(affine.factor.data(), factor);
                 strip.read(affine.shift.data(), shift);
                 strip.read(slopes.data(), slope);
                 strip.read(constants.data(), constant);
                 strip.each([&](size_t at, int i) {
                   const Floats v = load(from + at);
                   const Floats g = beforeRelu(n.relu, load(dy + at), v, factor[i], shift[i]);
                   const Floats d = g * factor[i] + (v * slope[i] + constant[i]);
                   store(to + at, residual ? d + load(residual + begin + at) : d);
                 });
               });
  });
}

#define LABELNOISE_INSTANCES(T)                                                                        \
  template void moments(const T*, size_t, int, float*, float*, int);                                   \
  template void normalise(const Normalisation&, const T*, size_t, int, T*, int);                       \
  template void normaliseGradient(const Normalisation&, const T*, const T*, const T*, size_t, int, T*, \
                                  float*, float*, int);
LABELNOISE_INSTANCES(float)
LABELNOISE_INSTANCES(uint16_t)
#undef LABELNOISE_INSTANCES

}  // namespace labelnoise
