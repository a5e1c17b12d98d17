// The kernels as TensorFlow operations.
#pragma once
#include "processor.h"

namespace labelnoise {

/** What this library was compiled for: a constant, which may be read on any processor. */
extern const InstructionSet kCompiledFor;

/** Registers them, once the processor is known to have what the library was compiled for. Returns nullptr, or
 * what went wrong. */
const char* registerOperations();

}  // namespace labelnoise
