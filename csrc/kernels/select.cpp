#include "kernels/select.h"

#include <cstdio>
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
    return isa_available(Isa::avx2) && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
  return isa == Isa::base;
}

// The instruction set of that name. There is no caller yet to throw to, so a wrong name is told and not
// obeyed.
static Isa named(const char* wanted) {
  for (int i = 0; i < int(Isa::count); i++)
    if (!std::strcmp(wanted, names[i])) return Isa(i);
  std::fprintf(stderr, "tinytensor: TINYTENSOR_ISA=%s is unknown and was not obeyed; known are", wanted);
  for (const char* name : names) std::fprintf(stderr, " %s", name);
  std::fputc('\n', stderr);
  return Isa(int(Isa::count) - 1);
}

static Isa detect() {
  const char* wanted = std::getenv("TINYTENSOR_ISA");
  int best = wanted && *wanted ? int(named(wanted)) : int(Isa::count) - 1;
  while (!isa_available(Isa(best))) best--;
  return Isa(best);
}

Isa active_isa() {
  static const Isa isa = detect();
  return isa;
}

}  // namespace tt
