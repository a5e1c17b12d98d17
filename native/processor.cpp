// Whether this processor, and its operating system, can run the kernels. Compiled for any x86-64 processor.
#include "processor.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace labelnoise {
namespace {

constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
constexpr unsigned kAvx512State = 0xe6;     // XCR0: SSE, AVX, opmask, both halves of ZMM

/** Whether the operating system keeps the registers of AVX-512. */
bool keepsAvx512() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & 1u << 27)) return false;  // OSXSAVE: xgetbv may be used
  unsigned low = 0, high = 0;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low & kAvx512State) == kAvx512State;
}

}  // namespace

const char* missingOnThisProcessor() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return "the processor has no AVX-512";
  const unsigned avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // F, DQ, BW, VL
  const unsigned amx = 1u << 22 | 1u << 24;                           // BF16, TILE
  if ((b & avx512) != avx512) return "the processor has no AVX-512";
  if ((d & amx) != amx) return "the processor has no AMX";
  if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & 1u << 5)) return "the processor has no AVX512_BF16";
  if (!keepsAvx512()) return "the operating system does not let programs use AVX-512";
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData))
    return "the operating system does not let programs use AMX";
  return nullptr;
}

}  // namespace labelnoise
