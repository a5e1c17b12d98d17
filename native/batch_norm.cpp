// Training-mode batch normalisation in AVX-512: two passes over memory forward, two backward.
//
// Sums run in float32 within blocks that stay in the cache and in double across them. Blocks are cut by the
// shape alone and added in their order, so that the threads have no influence on the bits.
#include "batch_norm.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "bfloat16.h"
#include "pool.h"

namespace labelnoise {
namespace {

constexpr size_t kBlockValues = 1 << 14;

/** Rows are cut into blocks; few channels are first laid side by side, so that all of a block's loops are
 * wide. */
struct Blocks {
  size_t rows;
  int channels, fold;
  size_t perBlock;

  Blocks(size_t allRows, int allChannels) : rows(allRows), channels(allChannels), fold(1) {
    while (channels < 64 && rows % 2 == 0) channels *= 2, rows /= 2, fold *= 2;
    perBlock = std::max<size_t>(1, kBlockValues / channels);
  }
  int count() const { return int((rows + perBlock - 1) / perBlock); }
  size_t begin(int block) const { return block * perBlock; }
  size_t size(int block) const { return std::min(perBlock, rows - begin(block)); }
};

/** Calls step<strips>(first channel) for 64, 32 or 16 channels at a time. */
template <typename Step>
void overStrips(int channels, const Step& step) {
  int c = 0;
  for (; c + 64 <= channels; c += 64) step.template run<4>(c);
  for (; c + 16 <= channels; c += 16) step.template run<1>(c);
}

struct MomentsStep {
  const uint16_t* x;
  size_t rows;
  int channels;
  float *sum, *squares;

  template <int S>
  void run(int c) const {
    __m512 s[S], q[S];
    for (int i = 0; i < S; i++) s[i] = q[i] = _mm512_setzero_ps();
    for (size_t r = 0; r < rows; r++)
      for (int i = 0; i < S; i++) s[i] = _mm512_add_ps(s[i], floats(x + r * channels + c + i * 16));
    __m512 mean[S];
    for (int i = 0; i < S; i++) mean[i] = _mm512_div_ps(s[i], _mm512_set1_ps(float(rows)));
    for (size_t r = 0; r < rows; r++)
      for (int i = 0; i < S; i++) {
        const __m512 d = _mm512_sub_ps(floats(x + r * channels + c + i * 16), mean[i]);
        q[i] = _mm512_fmadd_ps(d, d, q[i]);
      }
    for (int i = 0; i < S; i++)
      _mm512_storeu_ps(sum + c + i * 16, mean[i]), _mm512_storeu_ps(squares + c + i * 16, q[i]);
  }
};

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
inline __m512 beforeRelu(bool relu, __m512 gradient, __m512 x, __m512 factor, __m512 shift) {
  if (!relu) return gradient;
  const __mmask16 active =
      _mm512_cmp_ps_mask(_mm512_fmadd_ps(x, factor, shift), _mm512_setzero_ps(), _CMP_GT_OQ);
  return _mm512_maskz_mov_ps(active, gradient);
}

struct GradientSumsStep {
  const uint16_t *gradient, *x;
  size_t rows;
  int channels;
  const Affine& affine;
  bool relu;
  float *sum, *product;

  template <int S>
  void run(int c) const {
    __m512 s[S], p[S], mean[S], factor[S], shift[S];
    for (int i = 0; i < S; i++) {
      s[i] = p[i] = _mm512_setzero_ps();
      mean[i] = _mm512_loadu_ps(&affine.mean[c + i * 16]);
      factor[i] = _mm512_loadu_ps(&affine.factor[c + i * 16]);
      shift[i] = _mm512_loadu_ps(&affine.shift[c + i * 16]);
    }
    for (size_t r = 0; r < rows; r++)
      for (int i = 0; i < S; i++) {
        const size_t at = r * channels + c + i * 16;
        const __m512 v = floats(x + at);
        const __m512 g = beforeRelu(relu, floats(gradient + at), v, factor[i], shift[i]);
        s[i] = _mm512_add_ps(s[i], g);
        p[i] = _mm512_fmadd_ps(g, _mm512_sub_ps(v, mean[i]), p[i]);
      }
    for (int i = 0; i < S; i++)
      _mm512_storeu_ps(sum + c + i * 16, s[i]), _mm512_storeu_ps(product + c + i * 16, p[i]);
  }
};

struct NormaliseStep {
  const uint16_t* x;
  size_t rows;
  int channels;
  const Affine& affine;
  bool relu;
  uint16_t* y;

  template <int S>
  void run(int c) const {
    __m512 factor[S], shift[S];
    for (int i = 0; i < S; i++)
      factor[i] = _mm512_loadu_ps(&affine.factor[c + i * 16]),
      shift[i] = _mm512_loadu_ps(&affine.shift[c + i * 16]);
    const __m512 least = _mm512_set1_ps(relu ? 0.f : -INFINITY);
    for (size_t r = 0; r < rows; r++)
      for (int i = 0; i < S; i++) {
        const size_t at = r * channels + c + i * 16;
        const __m512 v = _mm512_max_ps(_mm512_fmadd_ps(floats(x + at), factor[i], shift[i]), least);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(y + at), rounded(v));
      }
  }
};

struct GradientStep {
  const uint16_t *gradient, *x;
  size_t rows;
  int channels;
  const Affine& affine;
  bool relu;
  /** dx = factor * before-ReLU gradient + slope * x + constant. */
  const float *slope, *constant;
  uint16_t* dx;

  template <int S>
  void run(int c) const {
    __m512 factor[S], shift[S], k[S], b[S];
    for (int i = 0; i < S; i++) {
      factor[i] = _mm512_loadu_ps(&affine.factor[c + i * 16]),
      shift[i] = _mm512_loadu_ps(&affine.shift[c + i * 16]);
      k[i] = _mm512_loadu_ps(slope + c + i * 16), b[i] = _mm512_loadu_ps(constant + c + i * 16);
    }
    for (size_t r = 0; r < rows; r++)
      for (int i = 0; i < S; i++) {
        const size_t at = r * channels + c + i * 16;
        const __m512 v = floats(x + at);
        const __m512 g = beforeRelu(relu, floats(gradient + at), v, factor[i], shift[i]);
        const __m512 d = _mm512_fmadd_ps(g, factor[i], _mm512_fmadd_ps(v, k[i], b[i]));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(dx + at), rounded(d));
      }
  }
};

}  // namespace

void moments(const uint16_t* x, size_t rows, int channels, float* mean, float* variance, int threads) {
  const Blocks blocks(rows, channels);
  std::vector<float> means(size_t(blocks.count()) * blocks.channels), squares(means.size());
  forEach(blocks.count(), threads, [&](int i) {
    const size_t at = size_t(i) * blocks.channels;
    overStrips(blocks.channels, MomentsStep{x + blocks.begin(i) * blocks.channels, blocks.size(i),
                                            blocks.channels, &means[at], &squares[at]});
  });
  // Chan, Golub and LeVeque (1983): deviations from the mean of each block, corrected for the distance of the
  // means.
  std::vector<double> sum(channels, 0.0), spread(channels, 0.0);
  for (int i = 0; i < blocks.count(); i++)
    for (int j = 0; j < blocks.channels; j++)
      sum[j % channels] += double(means[size_t(i) * blocks.channels + j]) * double(blocks.size(i));
  for (int c = 0; c < channels; c++) sum[c] /= double(rows);
  for (int i = 0; i < blocks.count(); i++)
    for (int j = 0; j < blocks.channels; j++) {
      const size_t at = size_t(i) * blocks.channels + j;
      const double distance = double(means[at]) - sum[j % channels];
      spread[j % channels] += double(squares[at]) + double(blocks.size(i)) * distance * distance;
    }
  for (int c = 0; c < channels; c++) mean[c] = float(sum[c]), variance[c] = float(spread[c] / double(rows));
}

void normalise(const Normalisation& n, const uint16_t* x, size_t rows, int channels, uint16_t* y,
               int threads) {
  const Blocks blocks(rows, channels);
  const Affine affine(n, channels, blocks.fold);
  forEach(blocks.count(), threads, [&](int i) {
    const size_t at = blocks.begin(i) * blocks.channels;
    overStrips(blocks.channels,
               NormaliseStep{x + at, blocks.size(i), blocks.channels, affine, n.relu, y + at});
  });
}

void normaliseGradient(const Normalisation& n, const uint16_t* gradient, const uint16_t* x, size_t rows,
                       int channels, uint16_t* dx, float* dScale, float* dOffset, int threads) {
  const Blocks blocks(rows, channels);
  const Affine affine(n, channels, blocks.fold);
  std::vector<float> sums(size_t(blocks.count()) * blocks.channels), products(sums.size());
  forEach(blocks.count(), threads, [&](int i) {
    const size_t at = blocks.begin(i) * blocks.channels, to = size_t(i) * blocks.channels;
    overStrips(blocks.channels, GradientSumsStep{gradient + at, x + at, blocks.size(i), blocks.channels,
                                                 affine, n.relu, &sums[to], &products[to]});
  });
  std::vector<double> sum(channels, 0.0), product(channels, 0.0);
  for (int i = 0; i < blocks.count(); i++)
    for (int j = 0; j < blocks.channels; j++) {
      sum[j % channels] += sums[size_t(i) * blocks.channels + j];
      product[j % channels] += products[size_t(i) * blocks.channels + j];
    }
  std::vector<float> slope(blocks.channels), constant(blocks.channels);
  for (int j = 0; j < blocks.channels; j++) {
    const int c = j % channels;
    const double variance = double(n.variance[c]) + n.epsilon;
    const double factor = affine.factor[c], k = -factor * product[c] / double(rows) / variance;
    slope[j] = float(k);
    constant[j] = float(-factor * sum[c] / double(rows) - k * n.mean[c]);
    dScale[c] = float(product[c] / std::sqrt(variance));
    dOffset[c] = float(sum[c]);
  }
  forEach(blocks.count(), threads, [&](int i) {
    const size_t at = blocks.begin(i) * blocks.channels;
    overStrips(blocks.channels, GradientStep{gradient + at, x + at, blocks.size(i), blocks.channels, affine,
                                             n.relu, slope.data(), constant.data(), dx + at});
  });
}

}  // namespace labelnoise
