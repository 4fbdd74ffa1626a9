#include "bindings/autocast.h"
#include "bindings/pybind.h"

#include <set>
#include <string_view>

namespace tt {
namespace {

using Names = std::set<std::string_view>;

// Products gain from the smaller type.
const Names lower_on_cpu = {"addbmm",
                            "addmm",
                            "baddbmm",
                            "bmm",
                            "conv1d",
                            "conv2d",
                            "conv3d",
                            "conv_tbc",
                            "conv_transpose1d",
                            "conv_transpose2d",
                            "conv_transpose3d",
                            "convolution",
                            "linear",
                            "matmul",
                            "mm",
                            "scaled_dot_product_attention"};
const Names lower_on_cuda = {"addbmm",
                             "addmm",
                             "addmv",
                             "addr",
                             "baddbmm",
                             "bmm",
                             "chain_matmul",
                             "conv1d",
                             "conv2d",
                             "conv3d",
                             "conv_tbc",
                             "conv_transpose1d",
                             "conv_transpose2d",
                             "conv_transpose3d",
                             "convolution",
                             "gru",
                             "gru_cell",
                             "linear",
                             "lstm",
                             "lstm_cell",
                             "matmul",
                             "mm",
                             "mv",
                             "_multi_dot",
                             "prelu",
                             "rnn_relu",
                             "rnn_relu_cell",
                             "rnn_tanh",
                             "rnn_tanh_cell",
                             "scaled_dot_product_attention"};

// Sums of many terms, and functions that leave the range of a half, need float32.
const Names float_on_cpu = {"adaptive_avg_pool3d",
                            "avg_pool3d",
                            "binary_cross_entropy",
                            "binary_cross_entropy_with_logits",
                            "cdist",
                            "cosine_embedding_loss",
                            "cross_entropy",
                            "ctc_loss",
                            "grid_sample",
                            "hinge_embedding_loss",
                            "huber_loss",
                            "kl_div",
                            "l1_loss",
                            "margin_ranking_loss",
                            "max_pool3d",
                            "max_unpool2d",
                            "max_unpool3d",
                            "mse_loss",
                            "multi_margin_loss",
                            "multilabel_margin_loss",
                            "nanquantile",
                            "nll_loss",
                            "poisson_nll_loss",
                            "prod",
                            "quantile",
                            "smooth_l1_loss",
                            "soft_margin_loss",
                            "trace",
                            "triplet_margin_loss"};
const Names float_on_cuda = {"acos",
                             "asin",
                             "binary_cross_entropy_with_logits",
                             "cdist",
                             "cosh",
                             "cosine_embedding_loss",
                             "cosine_similarity",
                             "cross_entropy",
                             "ctc_loss",
                             "cumprod",
                             "cumsum",
                             "dist",
                             "erfinv",
                             "exp",
                             "expm1",
                             "group_norm",
                             "hinge_embedding_loss",
                             "huber_loss",
                             "kl_div",
                             "l1_loss",
                             "layer_norm",
                             "log",
                             "log10",
                             "log1p",
                             "log2",
                             "log_softmax",
                             "logsumexp",
                             "margin_ranking_loss",
                             "mse_loss",
                             "multi_margin_loss",
                             "multilabel_margin_loss",
                             "nll_loss",
                             "norm",
                             "pdist",
                             "poisson_nll_loss",
                             "pow",
                             "prod",
                             "reciprocal",
                             "renorm",
                             "rms_norm",
                             "rsqrt",
                             "sinh",
                             "smooth_l1_loss",
                             "soft_margin_loss",
                             "softmax",
                             "softmin",
                             "softplus",
                             "sum",
                             "tan",
                             "triplet_margin_loss"};

// The type that an op wants on a device, if it is one of those listed.
std::optional<DType> wanted(std::string_view op, Device device) {
  bool cpu = device.is_cpu();
  const AutocastMode& mode = cpu ? autocast_cpu : autocast_cuda;
  if (!mode.enabled) return std::nullopt;
  if ((cpu ? lower_on_cpu : lower_on_cuda).contains(op)) return mode.dtype;
  if ((cpu ? float_on_cpu : float_on_cuda).contains(op)) return DType::Float32;
  return std::nullopt;
}

// A null object where nothing is to be done.
py::object cast_of(const char* op, PyObject* value) {
  const Tensor& x = tensor_of(value);
  if (!x.is_floating() || x.dtype() == DType::Float64) return {};
  std::optional<DType> type = wanted(op, x.device());
  if (!type || *type == x.dtype()) return {};
  return py::reinterpret_steal<py::object>(wrap(to_dtype(x, *type)));
}

bool is_tensor_list(PyObject* value) {
  bool list = PyTuple_CheckExact(value) || PyList_CheckExact(value);
  return list && PySequence_Fast_GET_SIZE(value) > 0 && is_tensor(PySequence_Fast_GET_ITEM(value, 0));
}

}  // namespace

std::vector<py::object> autocast_arguments(const char* op, PyObject** slots, size_t count) {
  std::vector<py::object> casts;
  for (size_t i = 0; i < count; i++) {
    py::object cast;
    if (is_tensor(slots[i])) cast = cast_of(op, slots[i]);
    else if (is_tensor_list(slots[i])) {
      py::list list;
      for (py::handle part : py::reinterpret_borrow<py::object>(slots[i])) {
        py::object changed = is_tensor(part.ptr()) ? cast_of(op, part.ptr()) : py::object();
        list.append(changed ? changed : py::reinterpret_borrow<py::object>(part));
      }
      cast = std::move(list);
    }
    if (!cast) continue;
    slots[i] = cast.ptr();
    casts.push_back(std::move(cast));
  }
  return casts;
}

static AutocastMode& mode_of(const std::string& device) {
  check(device == "cpu" || device == "cuda", "autocast: unknown device type '", device, "'");
  return device == "cpu" ? autocast_cpu : autocast_cuda;
}

void define_autocast(py::module_& module) {
  module.def("_autocast", [](const std::string& device) {
    const AutocastMode& mode = mode_of(device);
    return std::pair(mode.enabled, mode.dtype);
  });
  module.def("_set_autocast", [](const std::string& device, bool enabled, DType dtype) {
    mode_of(device) = {enabled, dtype};
    autocast_active = autocast_cpu.enabled || autocast_cuda.enabled;
  });
}

}  // namespace tt
