// Which build of the kernels this processor runs. Kernel sources under kernels/cpu are compiled once per
// instruction set, each in a namespace of its own; a family of kernels exports one constant table there.
#pragma once

#if defined(__x86_64__)
#define TT_ISAS(X) X(base) X(avx2) X(avx512)
#else
#define TT_ISAS(X) X(base)  // on 64-bit arm the baseline has NEON
#endif

namespace tt {

#define TT_ENUMERATE(isa) isa,
enum class Isa { TT_ISAS(TT_ENUMERATE) count };
#undef TT_ENUMERATE

// The best that the processor has, or the lower one that TINYTENSOR_ISA names; settled at the first call.
Isa active_isa();
const char* isa_name(Isa isa);
bool isa_available(Isa isa);

// TT_TABLE(ElementwiseTable, elementwise_table) declares tt::<isa>::elementwise_table for every instruction
// set and defines `const ElementwiseTable& elementwise_table()`, which returns the active one. Use it inside
// namespace tt.
#if defined(__x86_64__)
#define TT_TABLE(Type, name)                                                           \
  namespace base {                                                                     \
  extern const Type name;                                                              \
  }                                                                                    \
  namespace avx2 {                                                                     \
  extern const Type name;                                                              \
  }                                                                                    \
  namespace avx512 {                                                                   \
  extern const Type name;                                                              \
  }                                                                                    \
  inline const Type& name() {                                                          \
    static constexpr const Type* tables[] = {&base::name, &avx2::name, &avx512::name}; \
    return *tables[int(active_isa())];                                                 \
  }
#else
#define TT_TABLE(Type, name) \
  namespace base {           \
  extern const Type name;    \
  }                          \
  inline const Type& name() { return base::name; }
#endif

}  // namespace tt
