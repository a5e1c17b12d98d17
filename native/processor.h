// Whether this processor, and its operating system, can run the kernels.
#pragma once

namespace labelnoise {

/** What a library was compiled for, beyond AVX2 with FMA. */
struct InstructionSet {
  bool avx512, amx;
};

/** Asks the system for the use of tiles where they are needed. Returns nullptr, or what is missing. */
const char* missingOnThisProcessor(InstructionSet needed);

}  // namespace labelnoise
