// Whether this processor, and its operating system, can run the kernels. Compiled for any x86-64 processor.
#include "processor.h"

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace labelnoise {
namespace {

constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
// XCR0, the registers that the operating system keeps
constexpr unsigned kAvxState = 0x06;     // SSE, AVX
constexpr unsigned kAvx512State = 0xe6;  // and opmask, both halves of ZMM
// Bits of cpuid
constexpr unsigned kFma = 1u << 12, kOsxsave = 1u << 27;                 // leaf 1, ecx
constexpr unsigned kAvx2 = 1u << 5;                                      // leaf 7, ebx
constexpr unsigned kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // the same: F, DQ, BW, VL
constexpr unsigned kAmx = 1u << 22 | 1u << 24;                           // leaf 7, edx: BF16, TILE
constexpr unsigned kAvx512Bf16 = 1u << 5;                                // leaf 7.1, eax

bool all(unsigned bits, unsigned of) { return (bits & of) == of; }

}  // namespace

const char* missingOnThisProcessor(InstructionSet needed) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !all(c, kFma)) return "the processor has no AVX2 with FMA";
  const bool registersAreKept = all(c, kOsxsave);  // and xgetbv may be used
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !all(b, kAvx2)) return "the processor has no AVX2 with FMA";
  if (needed.avx512 && !all(b, kAvx512)) return "the processor has no AVX-512";
  if (needed.amx && !all(d, kAmx)) return "the processor has no AMX";
  if (needed.amx && (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !all(a, kAvx512Bf16)))
    return "the processor has no AVX512_BF16";
  unsigned state = 0, high = 0;
  if (registersAreKept) __asm__("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
  if (!all(state, kAvxState)) return "the operating system does not let programs use AVX";
  if (needed.avx512 && !all(state, kAvx512State))
    return "the operating system does not let programs use AVX-512";
  if (needed.amx && syscall(SYS_arch_prctl, kRequestPermission, kTileData))
    return "the operating system does not let programs use AMX";
  return nullptr;
}

}  // namespace labelnoise
