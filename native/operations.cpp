// The kernels as TensorFlow operations, registered when Node loads this library as an addon.
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

#include "batch_norm.h"
#include "convolution.h"
#include "elementwise.h"
#include "filter_gradient.h"
#include "processor.h"
#include "weight_vectors.h"
// Leaves out a part of the header that the packaged C interface does not have.
#define IS_SLIM_BUILD
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"

// The two functions of Node-API that are used: its headers need not be there for this.
extern "C" {
int napi_create_string_utf8(void* env, const char* text, size_t length, void** result);
int napi_set_named_property(void* env, void* object, const char* name, void* value);
}

namespace labelnoise {
namespace {

int threads() {
  static const int count = [] {
    const char* text = std::getenv("TF_NUM_INTRAOP_THREADS");
    return text ? std::atoi(text) : 1;
  }();
  return count;
}

/** One run of an operation: its tensors, freed at its end. */
class Run {
 public:
  explicit Run(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {}
  ~Run() {
    if (TF_GetCode(status_) != TF_OK) TF_OpKernelContext_Failure(context_, status_);
    for (int i = 0; i < count_; i++) TF_DeleteTensor(tensors_[i]);
    TF_DeleteStatus(status_);
  }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  TF_Tensor* input(int i) {
    TF_Tensor* tensor = nullptr;
    TF_GetInput(context_, i, &tensor, status_);
    return tensors_[count_++] = tensor;
  }

  template <typename T>
  const T* values(int i) {
    return static_cast<const T*>(TF_TensorData(input(i)));
  }

  template <typename T>
  T* output(int i, TF_DataType type, std::initializer_list<int64_t> shape) {
    size_t bytes = sizeof(T);
    for (int64_t size : shape) bytes *= size;
    return static_cast<T*>(allocate(i, type, shape.begin(), int(shape.size()), bytes));
  }

  /** An output of the shape of an input. */
  uint16_t* outputLike(int i, const TF_Tensor* like) {
    int64_t shape[8];
    const int rank = TF_NumDims(like);
    for (int axis = 0; axis < rank; axis++) shape[axis] = TF_Dim(like, axis);
    return static_cast<uint16_t*>(allocate(i, TF_BFLOAT16, shape, rank, TF_TensorByteSize(like)));
  }

  void outOfMemory() {
    if (TF_GetCode(status_) == TF_OK) TF_SetStatus(status_, TF_RESOURCE_EXHAUSTED, "out of memory");
  }

 private:
  void* allocate(int i, TF_DataType type, const int64_t* shape, int rank, size_t bytes) {
    TF_Tensor* tensor = TF_AllocateOutput(context_, i, type, shape, rank, bytes, status_);
    if (TF_GetCode(status_) != TF_OK) throw std::bad_alloc();
    return TF_TensorData(tensors_[count_++] = tensor);
  }

  TF_OpKernelContext* context_;
  TF_Status* status_;
  TF_Tensor* tensors_[16];
  int count_ = 0;
};

/** Attributes of a node. */
struct Attributes {
  int stride = 1, height = 0, width = 0;
  TF_Bool relu = 0;
  float epsilon = 0;
};

void* create(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes;
  TF_Status* status = TF_NewStatus();
  const auto has = [&](const char* name) {
    return TF_OpKernelConstruction_HasAttr(construction, name, status);
  };
  if (has("stride"))
    TF_OpKernelConstruction_GetAttrInt32(construction, "stride", &attributes->stride, status);
  if (has("height"))
    TF_OpKernelConstruction_GetAttrInt32(construction, "height", &attributes->height, status);
  if (has("width")) TF_OpKernelConstruction_GetAttrInt32(construction, "width", &attributes->width, status);
  if (has("relu")) TF_OpKernelConstruction_GetAttrBool(construction, "relu", &attributes->relu, status);
  if (has("epsilon"))
    TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &attributes->epsilon, status);
  if (TF_GetCode(status) != TF_OK) TF_OpKernelConstruction_Failure(construction, status);
  TF_DeleteStatus(status);
  return attributes;
}

void destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

template <typename T>
const T* data(const TF_Tensor* tensor) {
  return static_cast<const T*>(TF_TensorData(tensor));
}

int size(const TF_Tensor* tensor, int axis) { return int(TF_Dim(tensor, axis)); }

/** A 3x3 convolution with padding SAME. */
Convolution convolutionOf(int batch, int height, int width, int inputs, int outputs, int stride) {
  Convolution c{};
  c.batch = batch, c.height = height, c.width = width, c.inputs = inputs;
  c.outputs = outputs, c.stride = stride;
  c.outHeight = (c.height + stride - 1) / stride, c.outWidth = (c.width + stride - 1) / stride;
  c.padTop = ((c.outHeight - 1) * stride + 3 - c.height) / 2;
  c.padLeft = ((c.outWidth - 1) * stride + 3 - c.width) / 2;
  return c;
}

void computeFilterGradient(Run& run, const Attributes& attributes) {
  const TF_Tensor *images = run.input(0), *gradient = run.input(1);
  const Convolution c = convolutionOf(size(images, 0), size(images, 1), size(images, 2), size(images, 3),
                                      size(gradient, 3), attributes.stride);
  float* result = run.output<float>(0, TF_FLOAT, {3, 3, c.inputs, c.outputs});
  filterGradient(c, data<uint16_t>(images), data<uint16_t>(gradient), result, threads());
}

void computeConvolution(Run& run, const Attributes& attributes) {
  const TF_Tensor *images = run.input(0), *filter = run.input(1);
  const Convolution c = convolutionOf(size(images, 0), size(images, 1), size(images, 2), size(images, 3),
                                      size(filter, 3), attributes.stride);
  uint16_t* result = run.output<uint16_t>(0, TF_BFLOAT16, {c.batch, c.outHeight, c.outWidth, c.outputs});
  convolve(c, data<uint16_t>(images), data<uint16_t>(filter), result, threads());
}

void computeImageGradient(Run& run, const Attributes& attributes) {
  const TF_Tensor *gradient = run.input(0), *filter = run.input(1);
  const Convolution c = convolutionOf(size(gradient, 0), attributes.height, attributes.width, size(filter, 2),
                                      size(filter, 3), attributes.stride);
  uint16_t* result = run.output<uint16_t>(0, TF_BFLOAT16, {c.batch, c.height, c.width, c.inputs});
  imageGradient(c, data<uint16_t>(gradient), data<uint16_t>(filter), result, threads());
}

/** Channels of a tensor, its last axis. */
int channelsOf(const TF_Tensor* tensor) { return size(tensor, TF_NumDims(tensor) - 1); }

/** Numbers a channel has. */
size_t rowsOf(const TF_Tensor* tensor) { return size_t(TF_TensorElementCount(tensor)) / channelsOf(tensor); }

/** The normalisation whose vectors are the inputs from `first` on. */
Normalisation normalisationOf(Run& run, int first, const Attributes& attributes) {
  const float *mean = run.values<float>(first), *variance = run.values<float>(first + 1);
  const float *scale = run.values<float>(first + 2), *offset = run.values<float>(first + 3);
  return {mean, variance, scale, offset, attributes.epsilon, bool(attributes.relu)};
}

void computeMoments(Run& run, const Attributes&) {
  const TF_Tensor* x = run.input(0);
  const int channels = channelsOf(x);
  float *mean = run.output<float>(0, TF_FLOAT, {channels}),
        *variance = run.output<float>(1, TF_FLOAT, {channels});
  moments(data<uint16_t>(x), rowsOf(x), channels, mean, variance, threads());
}

void computeNormalise(Run& run, const Attributes& attributes) {
  const TF_Tensor* x = run.input(0);
  const Normalisation n = normalisationOf(run, 1, attributes);
  normalise(n, data<uint16_t>(x), rowsOf(x), channelsOf(x), run.outputLike(0, x), threads());
}

void computeNormaliseGradient(Run& run, const Attributes& attributes) {
  const TF_Tensor *gradient = run.input(0), *x = run.input(1);
  const Normalisation n = normalisationOf(run, 2, attributes);
  const int channels = channelsOf(x);
  uint16_t* dx = run.outputLike(0, x);
  float *dScale = run.output<float>(1, TF_FLOAT, {channels}),
        *dOffset = run.output<float>(2, TF_FLOAT, {channels});
  normaliseGradient(n, data<uint16_t>(gradient), data<uint16_t>(x), rowsOf(x), channels, dx, dScale, dOffset,
                    threads());
}

void computeAdd(Run& run, const Attributes&) {
  const TF_Tensor* a = run.input(0);
  add(data<uint16_t>(a), run.values<uint16_t>(1), run.outputLike(0, a), TF_TensorElementCount(a), threads());
}

void computeReluGradient(Run& run, const Attributes&) {
  const TF_Tensor* a = run.input(0);
  reluGradient(data<uint16_t>(a), run.values<uint16_t>(1), run.outputLike(0, a), TF_TensorElementCount(a),
               threads());
}

void computeSumOfSquares(Run& run, const Attributes&) {
  const TF_Tensor* x = run.input(0);
  *run.output<float>(0, TF_FLOAT, {}) = sumOfSquares(data<float>(x), TF_TensorElementCount(x), threads());
}

void computePlusScaled(Run& run, const Attributes&) {
  const TF_Tensor* a = run.input(0);
  const int64_t count = TF_TensorElementCount(a);
  const float *b = run.values<float>(1), *factor = run.values<float>(2);
  plusScaled(data<float>(a), b, *factor, run.output<float>(0, TF_FLOAT, {count}), count, threads());
}

void computeDescend(Run& run, const Attributes&) {
  const TF_Tensor* weights = run.input(0);
  const int64_t count = TF_TensorElementCount(weights);
  const float *gradient = run.values<float>(1), *momentum = run.values<float>(2);
  const Descent step{*run.values<float>(3), *run.values<float>(4), *run.values<float>(5)};
  float *newWeights = run.output<float>(0, TF_FLOAT, {count}),
        *newMomentum = run.output<float>(1, TF_FLOAT, {count});
  descend(step, data<float>(weights), gradient, momentum, newWeights, newMomentum, count, threads());
}

/** An operation as TensorFlow calls it; one that runs out of memory fails, and the process lives. */
template <void (*compute)(Run&, const Attributes&)>
void guarded(void* kernel, TF_OpKernelContext* context) {
  Run run(context);
  try {
    compute(run, *static_cast<const Attributes*>(kernel));
  } catch (const std::bad_alloc&) {
    run.outOfMemory();
  }
}

void anyShape(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);
}

/** Every output has the shape of the first input. */
void shapeOfFirst(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeHandle* shape = TF_NewShapeHandle();
  TF_ShapeInferenceContextGetInput(context, 0, shape, status);
  TF_ShapeInferenceContextSetOutput(context, 0, shape, status);
  TF_DeleteShapeHandle(shape);
}

struct Operation {
  const char* name;
  std::initializer_list<const char*> inputs, outputs, attributes;
  void (*compute)(void*, TF_OpKernelContext*);
  void (*shape)(TF_ShapeInferenceContext*, TF_Status*);
};

const Operation kOperations[] = {
    {"LabelnoiseFilterGradient",
     {"images: bfloat16", "gradient: bfloat16"},
     {"filter: float"},
     {"stride: int"},
     guarded<computeFilterGradient>,
     anyShape},
    {"LabelnoiseConvolution",
     {"images: bfloat16", "filter: bfloat16"},
     {"result: bfloat16"},
     {"stride: int"},
     guarded<computeConvolution>,
     anyShape},
    {"LabelnoiseImageGradient",
     {"gradient: bfloat16", "filter: bfloat16"},
     {"result: bfloat16"},
     {"stride: int", "height: int", "width: int"},
     guarded<computeImageGradient>,
     anyShape},
    {"LabelnoiseMoments",
     {"x: bfloat16"},
     {"mean: float", "variance: float"},
     {},
     guarded<computeMoments>,
     anyShape},
    {"LabelnoiseNormalise",
     {"x: bfloat16", "mean: float", "variance: float", "scale: float", "offset: float"},
     {"y: bfloat16"},
     {"relu: bool", "epsilon: float"},
     guarded<computeNormalise>,
     shapeOfFirst},
    {"LabelnoiseNormaliseGradient",
     {"gradient: bfloat16", "x: bfloat16", "mean: float", "variance: float", "scale: float", "offset: float"},
     {"dx: bfloat16", "dscale: float", "doffset: float"},
     {"relu: bool", "epsilon: float"},
     guarded<computeNormaliseGradient>,
     anyShape},
    {"LabelnoiseAdd",
     {"a: bfloat16", "b: bfloat16"},
     {"sum: bfloat16"},
     {},
     guarded<computeAdd>,
     shapeOfFirst},
    {"LabelnoiseReluGradient",
     {"gradient: bfloat16", "activation: bfloat16"},
     {"result: bfloat16"},
     {},
     guarded<computeReluGradient>,
     shapeOfFirst},
    {"LabelnoiseSumOfSquares", {"x: float"}, {"sum: float"}, {}, guarded<computeSumOfSquares>, anyShape},
    {"LabelnoisePlusScaled",
     {"a: float", "b: float", "factor: float"},
     {"sum: float"},
     {},
     guarded<computePlusScaled>,
     shapeOfFirst},
    {"LabelnoiseDescend",
     {"weights: float", "gradient: float", "momentum: float", "clip: float", "momentum_factor: float",
      "learning_rate: float"},
     {"new_weights: float", "new_momentum: float"},
     {},
     guarded<computeDescend>,
     anyShape},
};

/** Returns nullptr, or what went wrong. */
const char* registerAll() {
  static char problem[256];
  TF_Status* status = TF_NewStatus();
  for (const Operation& operation : kOperations) {
    TF_OpDefinitionBuilder* definition = TF_NewOpDefinitionBuilder(operation.name);
    for (const char* input : operation.inputs) TF_OpDefinitionBuilderAddInput(definition, input);
    for (const char* output : operation.outputs) TF_OpDefinitionBuilderAddOutput(definition, output);
    for (const char* attribute : operation.attributes) TF_OpDefinitionBuilderAddAttr(definition, attribute);
    TF_OpDefinitionBuilderSetShapeInferenceFunction(definition, operation.shape);
    TF_RegisterOpDefinition(definition, status);
    if (TF_GetCode(status) != TF_OK) break;
    TF_KernelBuilder* kernel = TF_NewKernelBuilder(operation.name, "CPU", create, operation.compute, destroy);
    TF_RegisterKernelBuilder(operation.name, kernel, status);
    if (TF_GetCode(status) != TF_OK) break;
  }
  if (TF_GetCode(status) != TF_OK) std::strncpy(problem, TF_Message(status), sizeof problem - 1);
  TF_DeleteStatus(status);
  return problem[0] ? problem : nullptr;
}

}  // namespace
}  // namespace labelnoise

/** Node calls this once per thread that loads the addon; it exports `problem`, empty if the operations are
 * there. */
extern "C" __attribute__((visibility("default"))) void* napi_register_module_v1(void* env, void* exports) {
  static const char* problem = [] {
    const char* missing = labelnoise::missingOnThisProcessor();
    return missing ? missing : labelnoise::registerAll();
  }();
  void* text = nullptr;
  const char* words = problem ? problem : "";
  if (!napi_create_string_utf8(env, words, std::strlen(words), &text))
    napi_set_named_property(env, exports, "problem", text);
  return exports;
}
