// The kernels against plain loops in float64, over random shapes; run under sanitizers by
// test/native_kernels.test.ts.
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "../batch_norm.h"
#include "../convolution.h"
#include "../direct.h"
#include "../elementwise.h"
#include "../filter_gradient.h"
#include "../processor.h"
#include "../weight_vectors.h"
#include "../winograd.h"

using namespace labelnoise;

namespace {

using Vector = std::vector<float>;
using Exact = std::vector<double>;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::mt19937 generator(1);
int passed = 0, failed = 0;

void check(bool holds, const std::string& what) {
  if (holds) passed++;
  if (holds) return;
  failed++;
  std::printf("failed: %s\n", what.c_str());
}

int between(int least, int most) { return std::uniform_int_distribution<int>(least, most)(generator); }

Vector drawn(size_t size, float center = 0) {
  std::normal_distribution<float> normal(center, 1);
  Vector values(size);
  for (float& value : values) value = normal(generator);
  return values;
}

/** ||a - b|| / ||b||. */
double distance(const Vector& a, const Exact& b) {
  double apart = 0, size = 0;
  for (size_t i = 0; i < b.size(); i++) apart += (a[i] - b[i]) * (a[i] - b[i]), size += b[i] * b[i];
  return std::sqrt(apart) / std::sqrt(size);
}

template <typename T>
bool sameBits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && !std::memcmp(a.data(), b.data(), a.size() * sizeof(T));
}

/** A convolution with padding SAME. */
Convolution convolution(int batch, int height, int width, int inputs, int outputs, int stride = 1) {
  const int outHeight = (height + stride - 1) / stride, outWidth = (width + stride - 1) / stride;
  return {batch,
          height,
          width,
          inputs,
          outHeight,
          outWidth,
          outputs,
          stride,
          ((outHeight - 1) * stride + 3 - height) / 2,
          ((outWidth - 1) * stride + 3 - width) / 2};
}

/** Calls visit(image's pixel, result's pixel, position of the filter) for all that meet. */
void overPairs(const Convolution& c, const std::function<void(size_t, size_t, int)>& visit) {
  for (int n = 0; n < c.batch; n++)
    for (int y = 0; y < c.outHeight; y++)
      for (int x = 0; x < c.outWidth; x++)
        for (int tap = 0; tap < 9; tap++) {
          const int up = y * c.stride + tap / 3 - c.padTop, left = x * c.stride + tap % 3 - c.padLeft;
          if (up >= 0 && up < c.height && left >= 0 && left < c.width)
            visit((size_t(n) * c.height + up) * c.width + left,
                  (size_t(n) * c.outHeight + y) * c.outWidth + x, tap);
        }
}

template <typename T>
T stored(float value);
template <>
float stored(float value) {
  return value;
}
template <>
uint16_t stored(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return std::isnan(value) ? 0x7fc0 : uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float number(float value) { return value; }
float number(uint16_t value) {
  const uint32_t bits = uint32_t(value) << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

template <typename T>
std::vector<T> storedAll(const Vector& values) {
  std::vector<T> all;
  for (float value : values) all.push_back(stored<T>(value));
  return all;
}

template <typename T>
Vector numbers(const std::vector<T>& values) {
  Vector all;
  for (T value : values) all.push_back(number(value));
  return all;
}

/** Deviation that the rounding of stored numbers explains. */
template <typename T>
constexpr double kRounding = sizeof(T) == 2 ? 4e-3 : 1e-5;

template <typename T>
struct Products {
  std::vector<T> result, images;
  Vector filter;
};

enum class Kernels { winograd, direct, tiles };

/** What is computed from images: result and gradient of the filter. */
template <Kernels kernels, typename T>
Products<T> convolved(const Convolution& c, const std::vector<T>& images, const std::vector<T>& filter,
                      const std::vector<T>& gradient, int threads) {
  Products<T> p{std::vector<T>(gradient.size()), std::vector<T>(images.size()), Vector(filter.size())};
  if constexpr (kernels == Kernels::winograd) {
    winograd::convolve(c, images.data(), filter.data(), winograd::Fused<T>{}, p.result.data(), threads);
    winograd::filterGradient(c, images.data(), gradient.data(), p.filter.data(), threads);
  } else if constexpr (kernels == Kernels::direct) {
    direct::convolve(c, images.data(), filter.data(), p.result.data(), threads);
    direct::filterGradient(c, images.data(), gradient.data(), p.filter.data(), threads);
  } else {
#if defined(__AMX_BF16__)
    tiles::convolve(c, images.data(), filter.data(), p.result.data(), threads);
    tiles::filterGradient(c, images.data(), gradient.data(), p.filter.data(), threads);
#endif
  }
  return p;
}

/** All three products. */
template <Kernels kernels, typename T>
Products<T> productsOf(const Convolution& c, const std::vector<T>& images, const std::vector<T>& filter,
                       const std::vector<T>& gradient, int threads) {
  Products<T> p = convolved<kernels>(c, images, filter, gradient, threads);
  if constexpr (kernels == Kernels::winograd) {
    winograd::imageGradient(c, gradient.data(), filter.data(), p.images.data(), threads);
  } else if constexpr (kernels == Kernels::direct) {
    direct::imageGradient(c, gradient.data(), filter.data(), p.images.data(), threads);
  } else {
#if defined(__AMX_BF16__)
    tiles::imageGradient(c, gradient.data(), filter.data(), p.images.data(), threads);
#endif
  }
  return p;
}

/** What a convolution is tested with, its name and its result. */
template <typename T>
struct Operands {
  std::string name;
  std::vector<T> images, filter, gradient;
  Exact result;
};

/** The three products against float64, on one thread and on several. */
template <Kernels kernels, typename T>
Operands<T> testProducts(const Convolution& c) {
  constexpr bool isHalf = sizeof(T) == 2;
  constexpr double near = isHalf ? kRounding<T> : 2e-5;
  const char* const how[] = {"Winograd's", "direct", "tiles'"};
  const std::string name =
      std::string(how[int(kernels)]) + " convolution in " + (isHalf ? "bfloat16 [" : "float32 [") +
      std::to_string(c.batch) + "," + std::to_string(c.height) + "," + std::to_string(c.width) + "," +
      std::to_string(c.inputs) + "] -> " + std::to_string(c.outputs) + " by " + std::to_string(c.stride);
  const size_t pixels = size_t(c.batch) * c.height * c.width,
               results = size_t(c.batch) * c.outHeight * c.outWidth;
  const auto images = storedAll<T>(drawn(pixels * c.inputs)),
             filter = storedAll<T>(drawn(size_t(9) * c.inputs * c.outputs)),
             gradient = storedAll<T>(drawn(results * c.outputs));
  Exact result(gradient.size()), ofImages(images.size()), ofFilter(filter.size());
  overPairs(c, [&](size_t from, size_t to, int tap) {
    for (int i = 0; i < c.inputs; i++)
      for (int o = 0; o < c.outputs; o++) {
        const size_t w = (size_t(tap) * c.inputs + i) * c.outputs + o;
        const double x = number(images[from * c.inputs + i]), dy = number(gradient[to * c.outputs + o]);
        result[to * c.outputs + o] += x * number(filter[w]);
        ofImages[from * c.inputs + i] += dy * number(filter[w]);
        ofFilter[w] += x * dy;
      }
  });
  const Products<T> one = productsOf<kernels>(c, images, filter, gradient, 1);
  check(distance(numbers(one.result), result) < near, name + ": result");
  check(distance(numbers(one.images), ofImages) < near, name + ": gradient of the images");
  check(distance(one.filter, ofFilter) < 2e-5, name + ": gradient of the filter");
  for (int threads = 2; threads <= 3; threads++) {
    const Products<T> many = productsOf<kernels>(c, images, filter, gradient, threads);
    check(sameBits(one.result, many.result) && sameBits(one.images, many.images) &&
              sameBits(one.filter, many.filter),
          name + ": the same bits on " + std::to_string(threads) + " threads");
  }
  return {name, images, filter, gradient, result};
}

/** Numbers that are denormal, or none. */
template <Kernels kernels, typename T>
void testNumbers(const Convolution& c, const Operands<T>& operands) {
  constexpr bool isHalf = sizeof(T) == 2;
  constexpr double near = isHalf ? kRounding<T> : 2e-5;
  const auto& [name, images, filter, gradient, result] = operands;
  // Numbers below the smallest normal one: nothing to be exact about, but they are no reason to be wrong.
  std::vector<T> tiny = images;
  Exact ofTiny(gradient.size());
  for (T& value : tiny) value = stored<T>(number(value) * 1e-39f);
  overPairs(c, [&](size_t from, size_t to, int tap) {
    for (int i = 0; i < c.inputs; i++)
      for (int o = 0; o < c.outputs; o++)
        ofTiny[to * c.outputs + o] += double(number(tiny[from * c.inputs + i])) *
                                      number(operands.filter[(size_t(tap) * c.inputs + i) * c.outputs + o]);
  });
  const Vector small = numbers(convolved<kernels>(c, tiny, filter, gradient, 1).result);
  bool isNear = true;
  for (size_t i = 0; i < small.size(); i++)
    isNear &= std::fabs(small[i] - ofTiny[i]) < 1e-41 + (isHalf ? 5e-41 : 0) + near * std::fabs(ofTiny[i]);
  check(isNear, name + ": denormal numbers");
  // What is not finite must not become finite.
  const size_t pixels = images.size() / c.inputs;
  for (float bad : {kNaN, kInfinity}) {
    const size_t pixel = size_t(between(0, int(pixels) - 1));
    std::vector<T> spoilt = images;
    spoilt[pixel * c.inputs + between(0, c.inputs - 1)] = stored<T>(bad);
    const Products<T> p = convolved<kernels>(c, spoilt, filter, gradient, 1);
    bool kept = true, isMet = false;
    overPairs(c, [&](size_t from, size_t to, int) {
      if (from != pixel) return;
      isMet = true;
      for (int o = 0; o < c.outputs; o++) kept &= !std::isfinite(number(p.result[to * c.outputs + o]));
    });
    bool inFilter = false;
    for (float value : p.filter) inFilter |= !std::isfinite(value);
    check(kept && inFilter == isMet, name + ": NaN and infinity stay");
  }
}

/** Winograd's: what it computes besides. */
template <typename T>
void testFused(const Convolution& c, const Operands<T>& operands) {
  constexpr bool isHalf = sizeof(T) == 2;
  constexpr double near = isHalf ? kRounding<T> : 2e-5;
  const auto& [name, images, filter, gradient, result] = operands;
  const size_t pixels = size_t(c.batch) * c.height * c.width;
  std::vector<T> sum(gradient.size());
  winograd::convolve<T>(c, images.data(), filter.data(), {gradient.data()}, sum.data(), 2);
  if constexpr (isHalf) {
    // Rounded once, where the result by itself has been rounded before.
    Exact expected = result;
    for (size_t i = 0; i < sum.size(); i++) expected[i] += number(gradient[i]);
    check(distance(numbers(sum), expected) < near, name + ": added to a residual");
  } else {
    Vector alone(gradient.size()), expected = gradient;
    winograd::convolve(c, images.data(), filter.data(), winograd::Fused<T>{}, alone.data(), 1);
    for (size_t i = 0; i < sum.size(); i++) expected[i] += alone[i];
    check(sameBits(sum, expected) && distance(alone, result) < near, name + ": added to a residual");
  }
  // Far from zero, where sums of squares would lose their digits.
  std::vector<T> far = gradient;
  for (T& value : far) value = stored<T>(number(value) + 100);
  Vector means[3], variances[3];
  for (int threads = 1; threads <= 3; threads++) {
    Vector &mean = means[threads - 1] = Vector(c.outputs),
           &variance = variances[threads - 1] = Vector(c.outputs);
    winograd::convolve<T>(c, images.data(), filter.data(), {far.data(), mean.data(), variance.data()},
                          sum.data(), threads);
  }
  Exact mean(c.outputs), variance(c.outputs);
  for (size_t i = 0; i < sum.size(); i++) mean[i % c.outputs] += double(number(sum[i])) / double(pixels);
  for (size_t i = 0; i < sum.size(); i++)
    variance[i % c.outputs] += std::pow(number(sum[i]) - mean[i % c.outputs], 2) / double(pixels);
  check(distance(means[0], mean) < 1e-6 && distance(variances[0], variance) < 1e-5, name + ": moments");
  check(sameBits(means[0], means[1]) && sameBits(means[0], means[2]) &&
            sameBits(variances[0], variances[1]) && sameBits(variances[0], variances[2]),
        name + ": the same moments on any number of threads");
}

template <typename T>
void testNormalisation(size_t rows, int channels, bool relu) {
  const std::string name = std::string("batch norm of ") + (sizeof(T) == 2 ? "bfloat16" : "float32") + " [" +
                           std::to_string(rows) + "," + std::to_string(channels) + "]" +
                           (relu ? " with ReLU" : "");
  const size_t size = rows * channels;
  std::vector<T> x = storedAll<T>(drawn(size, 3));
  const std::vector<T> dy = storedAll<T>(drawn(size));
  const Vector scale = drawn(channels, 1), offset = drawn(channels);
  Exact mean(channels), variance(channels), y(size), dx(size), dScale(channels), dOffset(channels);
  Vector m(channels), v(channels), s(channels), o(channels);
  moments(x.data(), rows, channels, m.data(), v.data(), 1);
  const Normalisation n{m.data(), v.data(), scale.data(), offset.data(), 1e-5f, relu};
  const auto at = [&](size_t row, int c) { return row * channels + c; };
  for (int c = 0; c < channels; c++) {
    for (size_t r = 0; r < rows; r++) mean[c] += number(x[at(r, c)]) / double(rows);
    for (size_t r = 0; r < rows; r++)
      variance[c] += std::pow(number(x[at(r, c)]) - mean[c], 2) / double(rows);
    // From the vectors that the kernels are given, so that all agree on which side of ReLU's kink a number
    // is.
    const float factor = scale[c] / std::sqrt(v[c] + n.epsilon), shift = offset[c] - m[c] * factor;
    const double deviation = std::sqrt(double(v[c]) + n.epsilon);
    double sum = 0, product = 0;
    Exact g(rows), normal(rows);
    for (size_t r = 0; r < rows; r++) {
      const float before = std::fma(number(x[at(r, c)]), factor, shift);
      normal[r] = (number(x[at(r, c)]) - double(m[c])) / deviation;
      y[at(r, c)] = relu && before < 0 ? 0 : before;
      g[r] = relu && !(before > 0) ? 0 : number(dy[at(r, c)]);
      sum += g[r], product += g[r] * normal[r];
    }
    dScale[c] = product, dOffset[c] = sum;
    for (size_t r = 0; r < rows; r++)
      dx[at(r, c)] = scale[c] / deviation * (g[r] - sum / double(rows) - normal[r] * product / double(rows));
  }
  check(distance(m, mean) < 1e-6 && distance(v, variance) < 1e-5, name + ": moments");
  std::vector<T> out(size), ofX(size);
  const T* const none = nullptr;
  for (int threads = 1; threads <= 3; threads++) {
    std::vector<T> again(size), ofXAgain(size);
    Vector sAgain(channels), oAgain(channels);
    normalise(n, x.data(), rows, channels, again.data(), threads);
    normaliseGradient(n, dy.data(), x.data(), none, rows, channels, ofXAgain.data(), sAgain.data(),
                      oAgain.data(), threads);
    if (threads == 1) out = again, ofX = ofXAgain, s = sAgain, o = oAgain;
    check(sameBits(out, again) && sameBits(ofX, ofXAgain) && sameBits(s, sAgain) && sameBits(o, oAgain),
          name + ": the same bits on " + std::to_string(threads) + " threads");
  }
  check(distance(numbers(out), y) < kRounding<T>, name + ": result");
  std::vector<T> ofXAndY(size);
  normaliseGradient(n, dy.data(), x.data(), out.data(), rows, channels, ofXAndY.data(), s.data(), o.data(),
                    2);
  Exact bothSum(size);
  for (size_t i = 0; i < size; i++) bothSum[i] = number(ofX[i]) + double(number(out[i]));
  check(distance(numbers(ofXAndY), bothSum) < kRounding<T>, name + ": gradient added to a residual");
  // In one row there is no gradient but rounding.
  if (rows > 1) check(distance(numbers(ofX), dx) < kRounding<T>, name + ": gradient");
  check(distance(o, dOffset) < 1e-5 && (rows == 1 || distance(s, dScale) < 1e-5),
        name + ": gradients of scale and offset");

  const int channel = between(0, channels - 1);
  x[at(size_t(between(0, int(rows) - 1)), channel)] = stored<T>(kNaN);
  moments(x.data(), rows, channels, m.data(), v.data(), 1);
  normalise(n, x.data(), rows, channels, out.data(), 1);
  normaliseGradient(n, dy.data(), x.data(), none, rows, channels, ofX.data(), s.data(), o.data(), 1);
  bool kept = std::isnan(m[channel]) && std::isnan(v[channel]);
  for (size_t r = 0; r < rows; r++)
    kept &= std::isnan(number(out[at(r, channel)])) && std::isnan(number(ofX[at(r, channel)]));
  check(kept, name + ": NaN stays");
}

template <typename T>
void testElementwise(size_t size) {
  const std::string name =
      std::string(sizeof(T) == 2 ? "bfloat16" : "float32") + " of " + std::to_string(size);
  std::vector<T> a = storedAll<T>(drawn(size)), b = storedAll<T>(drawn(size)), sum(size), masked(size);
  if (size > 2) b[1] = stored<T>(kNaN), b[2] = stored<T>(0.f);
  for (int threads = 1; threads <= 3; threads++) {
    add(a.data(), b.data(), sum.data(), size, threads);
    reluGradient(a.data(), b.data(), masked.data(), size, threads);
    bool sums = true, masks = true;
    for (size_t i = 0; i < size; i++) {
      const T wanted = stored<T>(number(a[i]) + number(b[i]));
      sums &= std::isnan(number(b[i])) ? std::isnan(number(sum[i])) : sum[i] == wanted;
      masks &= number(masked[i]) == (number(b[i]) <= 0 ? 0 : number(a[i]));
    }
    check(sums, "sum in " + name);
    check(masks, "ReLU's gradient in " + name);
  }
}

void testWeightVectors(size_t size) {
  const std::string name = " of " + std::to_string(size);
  const Vector w = drawn(size), g = drawn(size), m = drawn(size);
  Exact squares(1), plus(size), momentum(size), weights(size);
  const Descent step{0.3f, 0.9f, 0.1f};
  for (size_t i = 0; i < size; i++) {
    squares[0] += double(w[i]) * w[i];
    plus[i] = w[i] + 0.7 * g[i];
    momentum[i] = 0.9 * m[i] + 0.3 * g[i];
    weights[i] = w[i] - 0.1 * (0.9 * momentum[i] + 0.3 * g[i]);
  }
  const float first = sumOfSquares(w.data(), size, 1);
  for (int threads = 1; threads <= 3; threads++) {
    Vector sum(size), newWeights(size), newMomentum(size);
    check(sumOfSquares(w.data(), size, threads) == first, "sum of squares on any threads" + name);
    plusScaled(w.data(), g.data(), 0.7f, sum.data(), size, threads);
    descend(step, w.data(), g.data(), m.data(), newWeights.data(), newMomentum.data(), size, threads);
    check(distance(sum, plus) < 1e-6, "scaled sum" + name);
    check(distance(newWeights, weights) < 1e-6 && distance(newMomentum, momentum) < 1e-6, "descent" + name);
  }
  check(distance({first}, squares) < 1e-5, "sum of squares" + name);
  Vector spoilt = w;
  spoilt.back() = kNaN;
  check(std::isnan(sumOfSquares(spoilt.data(), size, 1)), "sum of squares keeps NaN" + name);
}

}  // namespace

int main() {
#if defined(__AMX_BF16__) && !defined(LABELNOISE_EMULATED_TILES)
  // Tiles must be asked for.
  if (const char* missing = missingOnThisProcessor({true, true})) {
    std::printf("%s\n", missing);
    return 1;
  }
#endif
  const auto testConvolution = [](auto type, const Convolution& c) {
    using T = decltype(type);
    if (c.stride == 1) {
      const Operands<T> operands = testProducts<Kernels::winograd, T>(c);
      testNumbers<Kernels::winograd, T>(c, operands);
      testFused<T>(c, operands);
    }
    testNumbers<Kernels::direct, T>(c, testProducts<Kernels::direct, T>(c));
  };
  const auto testBoth = [&](const Convolution& c) {
    testConvolution(float(), c);
    // Where there are tiles, these have bfloat16.
#if !defined(__AMX_BF16__)
    testConvolution(uint16_t(), c);
#endif
  };
  for (int i = 0; i < 25; i++)
    testBoth(convolution(between(1, 3), between(1, 11), between(1, 11), between(1, 40), between(1, 40),
                         1 + i % 2));
  // A network's first, one of many blocks, and those whose filter's gradient is summed by positions, in one
  // block and in two.
  testBoth(convolution(2, 32, 32, 3, 16));
  testBoth(convolution(3, 32, 32, 3, 16, 2));
  testBoth(convolution(5, 32, 32, 16, 16));
  testBoth(convolution(13, 8, 8, 64, 64));
  testBoth(convolution(3, 9, 7, 65, 80));
  testBoth(convolution(200, 2, 2, 20, 17));
  testProducts<Kernels::direct, float>(convolution(520, 1, 1, 90, 95, 2));
  testProducts<Kernels::direct, float>(convolution(2, 7, 6, 90, 95, 2));
  // Deep ones, likewise; few inputs, as more take long under sanitizers.
  for (const Convolution& c : {convolution(1, 3, 5, 250, 241), convolution(193, 1, 1, 3, 4081)})
    testFused<float>(c, testProducts<Kernels::winograd, float>(c));
  for (int i = 0; i < 12; i++) {
    // Of one row or two, the gradient is nothing but rounding.
    const size_t rows = size_t(between(8, 600));
    const int channels = 16 * between(1, 6);
    testNormalisation<float>(rows, channels, i % 2);
    testNormalisation<uint16_t>(rows, channels, i % 2);
  }
  for (size_t size : {size_t(1), size_t(7), size_t(33), size_t(70001)}) {
    testElementwise<float>(size);
    testElementwise<uint16_t>(size);
    testWeightVectors(size);
  }
#if defined(__AMX_BF16__)
  for (const auto& [batch, size, inputs, outputs, stride] : {std::array{4, 8, 32, 48, 1},
                                                             {5, 8, 64, 32, 1},
                                                             {3, 4, 32, 16, 1},
                                                             {2, 32, 16, 16, 1},
                                                             {3, 16, 16, 32, 2},
                                                             {3, 16, 128, 64, 2},
                                                             {2, 16, 48, 16, 2}})
    testProducts<Kernels::tiles, uint16_t>(convolution(batch, size, size, inputs, outputs, stride));
#endif
  std::printf("%d checks passed, %d failed\n", passed, failed);
  return failed ? 1 : 0;
}
