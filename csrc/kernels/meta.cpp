// The device "meta": tensors have sizes, strides and types, and no values. The ops layer finds what a result
// looks like; the kernels, which would compute it, do nothing.
#include "core/device.h"
#include "core/error.h"
#include "kernels/network.h"
#include "kernels/table.h"

namespace tt {
namespace {

// Becomes a function of any type, which does nothing; of type bool, it says that no index is out of range.
struct Nothing {
  template <class Result, class... Arguments>
  using Function = Result (*)(Arguments...);

  template <class Result, class... Arguments>
  constexpr operator Function<Result, Arguments...>() const {
    return [](Arguments...) -> Result { return Result(); };
  }
};

int64_t count_unknown(const NonzeroCall&) {
  fail(ErrorKind::NotImplemented,
       "nonzero: how many there are depends on values, which meta tensors do not have");
}

constexpr Nothing nothing;

// Without those around which the ops layer reads values.
const NetworkKernels network{.pair_loss = nothing,
                             .channel_norm = nothing,
                             .row_norm = nothing,
                             .convolution = nothing,
                             .update = nothing,
                             .max_pool = nothing,
                             .max_regions = nothing,
                             .pick = nothing,
                             .pool_places = nothing,
                             .separable = nothing,
                             .constant_pad = nothing,
                             .grid_sample = nothing,
                             .recurrent = nothing,
                             .recurrent_backward = nothing,
                             .attention = nothing,
                             .attention_backward = nothing};

const Kernels kernels{.elementwise = nothing,
                      .copy = nothing,
                      .index = nothing,
                      .places = nothing,
                      .outside = nothing,
                      .nonzero = count_unknown,
                      .triangle = nothing,
                      .search = nothing,
                      .reduce = nothing,
                      .gemm = nothing,
                      .softmax = nothing,
                      .log_softmax = nothing,
                      .softmax_backward = nothing,
                      .log_softmax_backward = nothing,
                      .scan = nothing,
                      .sort = nothing,
                      .topk = nothing,
                      .kth = nothing,
                      .network = &network};

[[maybe_unused]] const bool registered = [] {
  register_backend(DeviceType::Meta, {.allocate = [](int64_t, int) -> void* { return nullptr; },
                                      .free = [](void*, int64_t, int) {},
                                      .copy_bytes = [](void*, Device, const void*, Device, int64_t) {},
                                      .synchronize = [](int) {},
                                      .device_count = [] { return 1; },
                                      .current_device = [] { return 0; },
                                      .kernels = &kernels});
  return true;
}();

}  // namespace

}  // namespace tt
