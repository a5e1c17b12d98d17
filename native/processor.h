// Whether this processor, and its operating system, can run the kernels.
#pragma once

namespace labelnoise {

/** Asks the system for the use of tiles. Returns nullptr, or what is missing. */
const char* missingOnThisProcessor();

}  // namespace labelnoise
