// The kernels as TensorFlow operations: what they are given is checked here, as the kernels themselves trust
// it.
#include "operations.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "batch_norm.h"
#include "convolution.h"
#include "direct.h"
#include "elementwise.h"
#include "filter_gradient.h"
#include "weight_vectors.h"
#include "winograd.h"
// Leaves out a part of the header that the packaged C interface does not have.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

namespace labelnoise {

#if defined(__AMX_BF16__)
#if defined(LABELNOISE_EMULATED_TILES)
extern const InstructionSet kCompiledFor = {true, false};
#else
extern const InstructionSet kCompiledFor = {true, true};
#endif
constexpr bool kHasTiles = true;
#else
#if defined(__AVX512F__)
extern const InstructionSet kCompiledFor = {true, false};
#else
extern const InstructionSet kCompiledFor = {false, false};
#endif
constexpr bool kHasTiles = false;
#endif

namespace {

/** Whether convolutions of such numbers are on tiles; others are by Winograd. */
template <typename T>
constexpr bool kOnTiles = kHasTiles && std::is_same_v<T, uint16_t>;

/** Numbers in a tensor, and length of an axis, that the kernels' arithmetic in int has room for. */
constexpr int64_t kMost = int64_t(1) << 30;

int threads() {
  static const int count = [] {
    const char* text = std::getenv("TF_NUM_INTRAOP_THREADS");
    return text ? std::atoi(text) : 1;
  }();
  return count;
}

/** Why an operation is not computed. */
struct Refusal {
  TF_Code code;
  std::string message;
};

class Status {
 public:
  Status() : status_(TF_NewStatus()) {}
  ~Status() { TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;

  /** For a function of TensorFlow to write to. */
  operator TF_Status*() const { return status_; }
  bool isOk() const { return TF_GetCode(status_) == TF_OK; }
  /** Throws a Refusal if the last function that wrote to it failed. */
  void require() const {
    if (!isOk()) throw Refusal{TF_GetCode(status_), TF_Message(status_)};
  }
  void set(const Refusal& refusal) { TF_SetStatus(status_, refusal.code, refusal.message.c_str()); }

 private:
  TF_Status* status_;
};

/** Calls work; what it throws becomes the status. */
template <typename Work>
void caught(Status& status, const Work& work) {
  try {
    work();
  } catch (const Refusal& refusal) {
    status.set(refusal);
  } catch (const std::bad_alloc&) {
    status.set({TF_RESOURCE_EXHAUSTED, "out of memory"});
  } catch (const std::exception& error) {
    status.set({TF_INTERNAL, error.what()});
  }
}

template <typename T>
constexpr TF_DataType kType = TF_FLOAT;
template <>
constexpr TF_DataType kType<uint16_t> = TF_BFLOAT16;

using Shape = std::vector<int64_t>;

std::string textOf(const Shape& shape) {
  std::string text = "[";
  for (int64_t size : shape) text += (text.size() > 1 ? "," : "") + std::to_string(size);
  return text + "]";
}

struct Freed {
  void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
};

/** An input by the name that the operation gives it. */
template <typename T>
struct Input {
  const char* name;
  std::unique_ptr<TF_Tensor, Freed> tensor;
  Shape shape;

  const T* data() const { return static_cast<const T*>(TF_TensorData(tensor.get())); }
  size_t count() const { return size_t(TF_TensorElementCount(tensor.get())); }
  /** The length of an axis; of the last one, if negative. */
  int size(int axis) const { return int(axis < 0 ? shape.back() : shape[axis]); }
};

/** What is fixed when a graph is built. */
struct Attributes {
  std::string operation;
  int stride = 1, height = 0, width = 0, residuals = 0;
  TF_Bool relu = 0, moments = 0;
  float epsilon = 0;
};

/** One run of an operation. */
class Run {
 public:
  Run(TF_OpKernelContext* context, const Attributes& attributes)
      : attributes(attributes), context_(context) {}

  const Attributes& attributes;

  [[noreturn]] void refuse(const std::string& why) const {
    throw Refusal{TF_INVALID_ARGUMENT, attributes.operation + ": " + why};
  }

  template <typename T>
  [[noreturn]] void refuse(const Input<T>& input, const std::string& why) const {
    refuse(std::string(input.name) + " " + textOf(input.shape) + " " + why);
  }

  template <typename T>
  Input<T> input(int i, const char* name) const {
    TF_Tensor* tensor = nullptr;
    Status status;
    TF_GetInput(context_, i, &tensor, status);
    status.require();
    Input<T> found{name, std::unique_ptr<TF_Tensor, Freed>(tensor), {}};
    if (TF_TensorType(tensor) != kType<T>)
      refuse(std::string(name) + " is of TensorFlow's type " + std::to_string(TF_TensorType(tensor)) +
             ", not " + std::to_string(kType<T>));
    for (int axis = 0; axis < TF_NumDims(tensor); axis++) found.shape.push_back(TF_Dim(tensor, axis));
    for (int64_t size : found.shape)
      if (size > kMost) refuse(found, "is longer than 2^30 along an axis");
    if (TF_TensorElementCount(tensor) > kMost) refuse(found, "has more than 2^30 numbers");
    return found;
  }

  template <typename T>
  Input<T> input(int i, const char* name, int rank) const {
    Input<T> found = input<T>(i, name);
    if (int(found.shape.size()) != rank) refuse(found, "must have " + std::to_string(rank) + " axes");
    return found;
  }

  /** An input of a known shape, which `like` explains. */
  template <typename T>
  Input<T> input(int i, const char* name, const Shape& shape, const char* like) const {
    Input<T> found = input<T>(i, name);
    if (found.shape != shape) refuse(found, "must be " + textOf(shape) + ", " + like);
    return found;
  }

  float scalar(int i, const char* name) const { return *input<float>(i, name, Shape{}, "a scalar").data(); }

  template <typename T>
  T* output(int i, const Shape& shape) const {
    size_t count = 1;
    for (int64_t size : shape) count *= size_t(size);
    Status status;
    const std::unique_ptr<TF_Tensor, Freed> tensor(
        TF_AllocateOutput(context_, i, kType<T>, shape.data(), int(shape.size()), count * sizeof(T), status));
    status.require();
    // The run keeps the tensor for as long as it needs it.
    return static_cast<T*>(TF_TensorData(tensor.get()));
  }

 private:
  TF_OpKernelContext* context_;
};

/** A 3x3 convolution with padding SAME. */
Convolution convolutionOf(const Shape& images, int64_t outputs, int stride) {
  Convolution c{};
  c.batch = int(images[0]), c.height = int(images[1]), c.width = int(images[2]), c.inputs = int(images[3]);
  c.outputs = int(outputs), c.stride = stride;
  c.outHeight = (c.height + stride - 1) / stride, c.outWidth = (c.width + stride - 1) / stride;
  c.padTop = ((c.outHeight - 1) * stride + 3 - c.height) / 2;
  c.padLeft = ((c.outWidth - 1) * stride + 3 - c.width) / 2;
  return c;
}

Shape imagesOf(const Convolution& c) { return {c.batch, c.height, c.width, c.inputs}; }
Shape filterOf(const Convolution& c) { return {3, 3, c.inputs, c.outputs}; }
Shape resultOf(const Convolution& c) { return {c.batch, c.outHeight, c.outWidth, c.outputs}; }

/** Refuses what the kernels cannot compute, which are direct, or by Winograd or on tiles. */
template <typename T, bool kDirect>
void requireServed(const Run& run, const Convolution& c) {
  const std::string what = "a convolution of images " + textOf(imagesOf(c)) + " by a filter " +
                           textOf(filterOf(c)) + " with stride " + std::to_string(c.stride) + " ";
  if (c.height < 1 || c.width < 1 || c.inputs < 1 || c.outputs < 1) run.refuse(what + "has an empty axis");
  for (const Shape& shape : {imagesOf(c), filterOf(c), resultOf(c)}) {
    int64_t count = 1;
    for (int64_t size : shape)
      if ((count *= size) > kMost) run.refuse(what + "has more than 2^30 numbers in " + textOf(shape));
  }
  if constexpr (kDirect) {
    // These take any stride and any channels.
  } else if constexpr (!kOnTiles<T>) {
    if (c.stride != 1) run.refuse(what + "is not served: the stride must be 1");
  } else {
    if (c.inputs % 16 || c.outputs % 16)
      run.refuse(what + "is not served: on tiles channels must be multiples of 16");
    const bool fills = c.outHeight % 4 == 0 && (c.outWidth % 16 == 0 || c.outWidth == 8 || c.outWidth == 4);
    if (c.height % c.stride || c.width % c.stride || !fills)
      run.refuse(what +
                 "is not served: on tiles its result must be a multiple of 4 high and 4, 8 or a multiple of "
                 "16 wide, "
                 "and the stride must divide the images");
  }
}

/** The convolution of images and filter, the first two inputs. */
template <typename T, bool kDirect = false>
struct ConvolutionInputs {
  Input<T> images, filter;
  Convolution convolution;

  explicit ConvolutionInputs(const Run& run)
      : images(run.input<T>(0, "images", 4)),
        filter(run.input<T>(1, "filter", 4)),
        convolution(convolutionOf(images.shape, filter.size(3), run.attributes.stride)) {
    if (filter.shape != filterOf(convolution))
      run.refuse(filter, "must be " + textOf(filterOf(convolution)) + " for images " + textOf(images.shape));
    requireServed<T, kDirect>(run, convolution);
  }
};

/** By Winograd; with what is asked for besides: a sum with a residual, the third input, and moments, which
 * else have empty outputs. */
template <typename T, bool kAdds>
void computeConvolution(const Run& run) {
  const ConvolutionInputs<T> inputs(run);
  const Convolution& c = inputs.convolution;
  Input<T> residual;
  winograd::Fused<T> fused;
  if constexpr (kAdds) {
    residual = run.input<T>(2, "residual", resultOf(c), "as the convolution's result is");
    fused.residual = residual.data();
  }
  T* result = run.output<T>(0, resultOf(c));
  const Shape ofMoments{run.attributes.moments ? c.outputs : 0};
  float *mean = run.output<float>(1, ofMoments), *variance = run.output<float>(2, ofMoments);
  if (run.attributes.moments) {
    if (c.batch == 0) run.refuse("there are no results to take the mean of");
    fused.mean = mean, fused.variance = variance;
  }
  if (c.batch) winograd::convolve(c, inputs.images.data(), inputs.filter.data(), fused, result, threads());
}

template <typename T>
struct ConvolutionSumOperation {
  static void compute(const Run& run) { computeConvolution<T, true>(run); }
};

template <typename T>
struct ConvolutionOperation {
  static void compute(const Run& run) {
    if constexpr (!kOnTiles<T>) {
      computeConvolution<T, false>(run);
    } else {
      if (run.attributes.moments) run.refuse("there are no moments on tiles");
      const ConvolutionInputs<T> inputs(run);
      const Convolution& c = inputs.convolution;
      T* result = run.output<T>(0, resultOf(c));
      for (int i : {1, 2}) run.output<float>(i, {0});
      if (c.batch) tiles::convolve(c, inputs.images.data(), inputs.filter.data(), result, threads());
    }
  }
};

template <typename T>
struct DirectConvolutionOperation {
  static void compute(const Run& run) {
    const ConvolutionInputs<T, true> inputs(run);
    const Convolution& c = inputs.convolution;
    T* result = run.output<T>(0, resultOf(c));
    if (c.batch) direct::convolve(c, inputs.images.data(), inputs.filter.data(), result, threads());
  }
};

template <typename T, bool kDirect>
struct AnyImageGradientOperation {
  static void compute(const Run& run) {
    const auto gradient = run.input<T>(0, "gradient", 4), filter = run.input<T>(1, "filter", 4);
    const auto& [operation, stride, height, width, residuals, relu, moments, epsilon] = run.attributes;
    const Convolution c =
        convolutionOf({gradient.size(0), height, width, filter.size(2)}, filter.size(3), stride);
    if (filter.shape != filterOf(c)) run.refuse(filter, "must be " + textOf(filterOf(c)));
    if (gradient.shape != resultOf(c))
      run.refuse(gradient, "must be " + textOf(resultOf(c)) + " for images " + textOf(imagesOf(c)) +
                               ", a filter " + textOf(filter.shape) + " and stride " +
                               std::to_string(stride));
    requireServed<T, kDirect>(run, c);
    T* result = run.output<T>(0, imagesOf(c));
    if (!c.batch) return;
    if constexpr (kDirect)
      direct::imageGradient(c, gradient.data(), filter.data(), result, threads());
    else if constexpr (kOnTiles<T>)
      tiles::imageGradient(c, gradient.data(), filter.data(), result, threads());
    else
      winograd::imageGradient(c, gradient.data(), filter.data(), result, threads());
  }
};

template <typename T>
using ImageGradientOperation = AnyImageGradientOperation<T, false>;
template <typename T>
using DirectImageGradientOperation = AnyImageGradientOperation<T, true>;

template <typename T, bool kDirect>
struct AnyFilterGradientOperation {
  static void compute(const Run& run) {
    const auto images = run.input<T>(0, "images", 4), gradient = run.input<T>(1, "gradient", 4);
    const Convolution c = convolutionOf(images.shape, gradient.size(3), run.attributes.stride);
    if (gradient.shape != resultOf(c))
      run.refuse(gradient, "must be " + textOf(resultOf(c)) + " for images " + textOf(images.shape) +
                               " and stride " + std::to_string(c.stride));
    requireServed<T, kDirect>(run, c);
    float* result = run.output<float>(0, filterOf(c));
    if (!c.batch)
      std::fill_n(result, size_t(9) * c.inputs * c.outputs, 0.f);
    else if constexpr (kDirect)
      direct::filterGradient(c, images.data(), gradient.data(), result, threads());
    else if constexpr (kOnTiles<T>)
      tiles::filterGradient(c, images.data(), gradient.data(), result, threads());
    else
      winograd::filterGradient(c, images.data(), gradient.data(), result, threads());
  }
};

template <typename T>
using FilterGradientOperation = AnyFilterGradientOperation<T, false>;
template <typename T>
using DirectFilterGradientOperation = AnyFilterGradientOperation<T, true>;

/** A batch: its last axis has the channels, and all others are rows. */
template <typename T>
struct Batch : Input<T> {
  int channels;
  size_t rows;

  Batch(const Run& run, int i, const char* name) : Input<T>(run.input<T>(i, name)) {
    if (this->shape.empty()) run.refuse(*this, "must have an axis of channels");
    channels = this->size(-1);
    if (channels < 1 || channels % kNormalisedGroup)
      run.refuse(*this, "must have a multiple of " + std::to_string(kNormalisedGroup) + " channels");
    rows = this->count() / channels;
  }
  Shape ofChannels() const { return {channels}; }
};

/** The normalisation of x whose vectors are the inputs from `first` on. */
template <typename T>
struct NormalisationInputs {
  Input<float> mean, variance, scale, offset;
  Normalisation normalisation;

  NormalisationInputs(const Run& run, int first, const Batch<T>& x)
      : mean(vector(run, first, "mean", x)),
        variance(vector(run, first + 1, "variance", x)),
        scale(vector(run, first + 2, "scale", x)),
        offset(vector(run, first + 3, "offset", x)),
        normalisation{mean.data(),   variance.data(),        scale.data(),
                      offset.data(), run.attributes.epsilon, bool(run.attributes.relu)} {}

 private:
  static Input<float> vector(const Run& run, int i, const char* name, const Batch<T>& x) {
    return run.input<float>(i, name, x.ofChannels(), "a number for each channel of x");
  }
};

template <typename T>
struct MomentsOperation {
  static void compute(const Run& run) {
    const Batch<T> x(run, 0, "x");
    if (x.rows == 0) run.refuse(x, "has no rows to take the mean of");
    float *mean = run.output<float>(0, x.ofChannels()), *variance = run.output<float>(1, x.ofChannels());
    moments(x.data(), x.rows, x.channels, mean, variance, threads());
  }
};

template <typename T>
struct NormaliseOperation {
  static void compute(const Run& run) {
    const Batch<T> x(run, 0, "x");
    const NormalisationInputs<T> inputs(run, 1, x);
    normalise(inputs.normalisation, x.data(), x.rows, x.channels, run.output<T>(0, x.shape), threads());
  }
};

/** With a residual, that sum is the last output, and the first one is empty. */
template <typename T>
struct NormaliseGradientOperation {
  static void compute(const Run& run) {
    const Batch<T> x(run, 1, "x");
    const auto gradient = run.input<T>(0, "gradient", x.shape, "as x is");
    const NormalisationInputs<T> inputs(run, 2, x);
    Input<T> residual;
    const bool adds = run.attributes.residuals;
    if (adds) residual = run.input<T>(6, "residual", x.shape, "as x is");
    const Shape none{0};
    T *dx = run.output<T>(0, adds ? none : x.shape), *sum = run.output<T>(3, adds ? x.shape : none);
    float *dScale = run.output<float>(1, x.ofChannels()), *dOffset = run.output<float>(2, x.ofChannels());
    if (x.rows) {
      normaliseGradient(inputs.normalisation, gradient.data(), x.data(), adds ? residual.data() : nullptr,
                        x.rows, x.channels, adds ? sum : dx, dScale, dOffset, threads());
    } else {
      std::fill_n(dScale, x.channels, 0.f);
      std::fill_n(dOffset, x.channels, 0.f);
    }
  }
};

template <typename T>
struct AddOperation {
  static void compute(const Run& run) {
    const auto a = run.input<T>(0, "a");
    const auto b = run.input<T>(1, "b", a.shape, "as a is");
    add(a.data(), b.data(), run.output<T>(0, a.shape), a.count(), threads());
  }
};

template <typename T>
struct ReluGradientOperation {
  static void compute(const Run& run) {
    const auto gradient = run.input<T>(0, "gradient");
    const auto activation = run.input<T>(1, "activation", gradient.shape, "as the gradient is");
    reluGradient(gradient.data(), activation.data(), run.output<T>(0, gradient.shape), gradient.count(),
                 threads());
  }
};

void computeSumOfSquares(const Run& run) {
  const auto x = run.input<float>(0, "x", 1);
  *run.output<float>(0, {}) = sumOfSquares(x.data(), x.count(), threads());
}

void computePlusScaled(const Run& run) {
  const auto a = run.input<float>(0, "a", 1);
  const auto b = run.input<float>(1, "b", a.shape, "as a is");
  const float factor = run.scalar(2, "factor");
  plusScaled(a.data(), b.data(), factor, run.output<float>(0, a.shape), a.count(), threads());
}

void computeDescend(const Run& run) {
  const auto weights = run.input<float>(0, "weights", 1);
  const auto gradient = run.input<float>(1, "gradient", weights.shape, "as the weights are");
  const auto momentum = run.input<float>(2, "momentum", weights.shape, "as the weights are");
  const Descent step{run.scalar(3, "clip"), run.scalar(4, "momentum_factor"), run.scalar(5, "learning_rate")};
  float *newWeights = run.output<float>(0, weights.shape), *newMomentum = run.output<float>(1, weights.shape);
  descend(step, weights.data(), gradient.data(), momentum.data(), newWeights, newMomentum, weights.count(),
          threads());
}

/** An operation as TensorFlow calls it: one that is refused or runs out of memory fails, and the process
 * lives. */
template <void (*compute)(const Run&)>
void guarded(void* kernel, TF_OpKernelContext* context) {
  Status status;
  caught(status, [&] { compute(Run(context, *static_cast<const Attributes*>(kernel))); });
  if (!status.isOk()) TF_OpKernelContext_Failure(context, status);
}

/** An attribute that an operation has, by the function that reads its type. */
template <typename Value, typename Read>
void read(TF_OpKernelConstruction* construction, const char* name, Value* value, const Read& get) {
  Status status;
  const bool there = TF_OpKernelConstruction_HasAttr(construction, name, status);
  status.require();
  if (!there) return;
  get(construction, name, value, status);
  status.require();
}

void* create(TF_OpKernelConstruction* construction) {
  auto attributes = std::make_unique<Attributes>();
  Status status;
  caught(status, [&] {
    const TF_StringView name = TF_OpKernelConstruction_GetName(construction);
    attributes->operation.assign(name.data, name.len);
    read(construction, "stride", &attributes->stride, TF_OpKernelConstruction_GetAttrInt32);
    read(construction, "height", &attributes->height, TF_OpKernelConstruction_GetAttrInt32);
    read(construction, "width", &attributes->width, TF_OpKernelConstruction_GetAttrInt32);
    read(construction, "residuals", &attributes->residuals, TF_OpKernelConstruction_GetAttrInt32);
    read(construction, "relu", &attributes->relu, TF_OpKernelConstruction_GetAttrBool);
    read(construction, "moments", &attributes->moments, TF_OpKernelConstruction_GetAttrBool);
    read(construction, "epsilon", &attributes->epsilon, TF_OpKernelConstruction_GetAttrFloat);
    const auto require = [&](bool fine, const char* why) {
      if (!fine) throw Refusal{TF_INVALID_ARGUMENT, attributes->operation + ": " + why};
    };
    require(attributes->stride == 1 || attributes->stride == 2, "the stride must be 1 or 2");
    require(attributes->height >= 0 && attributes->height <= kMost, "height must be 1 to 2^30");
    require(attributes->width >= 0 && attributes->width <= kMost, "width must be 1 to 2^30");
    require(attributes->residuals <= 1, "there can be one residual");
    require(attributes->epsilon >= 0, "epsilon must not be negative");
  });
  if (!status.isOk()) TF_OpKernelConstruction_Failure(construction, status);
  return attributes.release();
}

void destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

void anyShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

/** The first output has the shape of the first input. */
void shapeOfFirst(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, 0, shape, status);
  if (TF_GetCode(status) == TF_OK) TF_ShapeInferenceContextSetOutput(context, 0, shape, status);
  TF_DeleteShapeHandle(shape);
}

using Compute = void (*)(void*, TF_OpKernelContext*);

/** The kernels of an operation: of one that takes but one type, or by the type T of its numbers. */
struct Kernels {
  Compute untyped = nullptr, float32 = nullptr, bfloat16 = nullptr;
};

template <void (*compute)(const Run&)>
Kernels untyped() {
  return {guarded<compute>, nullptr, nullptr};
}

template <template <typename> class Operation, bool hasTiles = true>
Kernels typed() {
  Kernels kernels{nullptr, guarded<Operation<float>::compute>, nullptr};
  if constexpr (hasTiles || !kHasTiles) kernels.bfloat16 = guarded<Operation<uint16_t>::compute>;
  return kernels;
}

struct Definition {
  const char* name;
  std::vector<const char*> inputs, outputs, attributes;
  Kernels kernels;
  void (*shape)(TF_ShapeInferenceContext*, TF_Status*);
};

/** Not a constant, as that might be made before the processor is looked at. */
std::vector<Definition> definitions() {
  return {
      {"LabelnoiseConvolution",
       {"images: T", "filter: T"},
       {"result: T", "mean: float", "variance: float"},
       {"stride: int", "moments: bool"},
       typed<ConvolutionOperation>(),
       anyShape},
      {"LabelnoiseConvolutionSum",
       {"images: T", "filter: T", "residual: T"},
       {"result: T", "mean: float", "variance: float"},
       {"stride: int", "moments: bool"},
       typed<ConvolutionSumOperation, false>(),
       anyShape},
      {"LabelnoiseImageGradient",
       {"gradient: T", "filter: T"},
       {"result: T"},
       {"stride: int", "height: int", "width: int"},
       typed<ImageGradientOperation>(),
       anyShape},
      {"LabelnoiseFilterGradient",
       {"images: T", "gradient: T"},
       {"filter: float"},
       {"stride: int"},
       typed<FilterGradientOperation>(),
       anyShape},
      {"LabelnoiseDirectConvolution",
       {"images: T", "filter: T"},
       {"result: T"},
       {"stride: int"},
       typed<DirectConvolutionOperation, false>(),
       anyShape},
      {"LabelnoiseDirectImageGradient",
       {"gradient: T", "filter: T"},
       {"result: T"},
       {"stride: int", "height: int", "width: int"},
       typed<DirectImageGradientOperation, false>(),
       anyShape},
      {"LabelnoiseDirectFilterGradient",
       {"images: T", "gradient: T"},
       {"filter: float"},
       {"stride: int"},
       typed<DirectFilterGradientOperation, false>(),
       anyShape},
      {"LabelnoiseMoments",
       {"x: T"},
       {"mean: float", "variance: float"},
       {},
       typed<MomentsOperation>(),
       anyShape},
      {"LabelnoiseNormalise",
       {"x: T", "mean: float", "variance: float", "scale: float", "offset: float"},
       {"y: T"},
       {"relu: bool", "epsilon: float"},
       typed<NormaliseOperation>(),
       shapeOfFirst},
      {"LabelnoiseNormaliseGradient",
       {"gradient: T", "x: T", "mean: float", "variance: float", "scale: float", "offset: float",
        "residual: residuals * T"},
       {"dx: T", "dscale: float", "doffset: float", "sum: T"},
       {"relu: bool", "epsilon: float", "residuals: int >= 0"},
       typed<NormaliseGradientOperation>(),
       anyShape},
      {"LabelnoiseAdd", {"a: T", "b: T"}, {"sum: T"}, {}, typed<AddOperation>(), shapeOfFirst},
      {"LabelnoiseReluGradient",
       {"gradient: T", "activation: T"},
       {"result: T"},
       {},
       typed<ReluGradientOperation>(),
       shapeOfFirst},
      {"LabelnoiseSumOfSquares", {"x: float"}, {"sum: float"}, {}, untyped<computeSumOfSquares>(), anyShape},
      {"LabelnoisePlusScaled",
       {"a: float", "b: float", "factor: float"},
       {"sum: float"},
       {},
       untyped<computePlusScaled>(),
       shapeOfFirst},
      {"LabelnoiseDescend",
       {"weights: float", "gradient: float", "momentum: float", "clip: float", "momentum_factor: float",
        "learning_rate: float"},
       {"new_weights: float", "new_momentum: float"},
       {},
       untyped<computeDescend>(),
       anyShape},
  };
}

void registerKernel(const char* operation, Compute compute, const TF_DataType* type) {
  Status status;
  TF_KernelBuilder* kernel = TF_NewKernelBuilder(operation, "CPU", create, compute, destroy);
  if (type) {
    TF_KernelBuilder_TypeConstraint(kernel, "T", *type, status);
    if (!status.isOk()) TF_DeleteKernelBuilder(kernel);
    status.require();
  }
  TF_RegisterKernelBuilder(operation, kernel, status);
  status.require();
}

void registerOperation(const Definition& operation) {
  TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(operation.name);
  for (const char* input : operation.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
  for (const char* output : operation.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
  for (const char* attribute : operation.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
  const Kernels& kernels = operation.kernels;
  if (kernels.float32) TF_OpDefinitionBuilderAddAttr(definition, "T: {float, bfloat16}");
  TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, operation.shape);
  Status status;
  TF_RegisterOpDefinition(definition, status);
  status.require();
  if (kernels.untyped) registerKernel(operation.name, kernels.untyped, nullptr);
  if (kernels.float32) registerKernel(operation.name, kernels.float32, &kType<float>);
  if (kernels.bfloat16) registerKernel(operation.name, kernels.bfloat16, &kType<uint16_t>);
}

}  // namespace

const char* registerOperations() {
  static char problem[256];
  Status status;
  caught(status, [] {
    for (const Definition& operation : definitions()) registerOperation(operation);
  });
  if (!status.isOk()) std::strncpy(problem, TF_Message(status), sizeof problem - 1);
  return problem[0] ? problem : nullptr;
}

}  // namespace labelnoise
