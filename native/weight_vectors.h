// Work on the vector of all weights in float32. It is limited by memory:
// each number is read as seldom as can be.
#pragma once
#include <cstddef>

namespace labelnoise {

/** The sum of the squares: in float32 within blocks, in double across them. */
float sumOfSquares(const float* x, size_t size, int threads);

/** out = a + factor * b. */
void plusScaled(const float* a, const float* b, float factor, float* out, size_t size, int threads);

/** A step of gradient descent with Nesterov's momentum. */
struct Descent {
  /** Factor of the gradient. */
  float clip;
  float momentum;
  float learningRate;
};

/** newMomentum = momentum * m + clip * g;
 * newWeights = w - learningRate * (clip * g + momentum * newMomentum). */
void descend(const Descent& step, const float* weights, const float* gradient, const float* momentum,
             float* newWeights, float* newMomentum, size_t size, int threads);

}  // namespace labelnoise
