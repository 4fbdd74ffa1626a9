#include "kernels/select.h"

#include <cstdlib>
#include <cstring>

namespace tt {

#define TT_NAME(isa) #isa,
static constexpr const char* names[] = {TT_ISAS(TT_NAME)};
#undef TT_NAME

const char* isa_name(Isa isa) { return names[int(isa)]; }

bool isa_available(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::avx2)
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  if (isa == Isa::avx512)
    return isa_available(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
  return isa == Isa::base;
}

static Isa detect() {
  int best = int(Isa::count) - 1;
  const char* wanted = std::getenv("TINYTENSOR_ISA");
  for (int i = 0; wanted && i < int(Isa::count); i++)
    if (!std::strcmp(wanted, names[i])) best = i;
  while (!isa_available(Isa(best))) best--;
  return Isa(best);
}

Isa active_isa() {
  static const Isa isa = detect();
  return isa;
}

}  // namespace tt
