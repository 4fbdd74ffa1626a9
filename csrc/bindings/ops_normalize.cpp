// Normalisation, embeddings and losses of sequences under the signatures that nn.functional has.
#include "bindings/registry.h"
#include "ops/embedding.h"
#include "ops/loss.h"
#include "ops/normalize.h"

namespace tt {
namespace {

// ---- embeddings

[[noreturn]] void fail_assertion(const std::string& message) {
  PyErr_SetString(PyExc_AssertionError, message.c_str());
  throw_python_error();
}

int64_t padding_of(const char* op, std::optional<int64_t> padding, int64_t rows) {
  if (!padding) return -1;
  if (*padding >= rows || *padding < -rows)
    fail_assertion(
        text(op, ": padding_idx must be within num_embeddings, got ", *padding, " for ", rows, " rows"));
  return *padding < 0 ? *padding + rows : *padding;
}

void shrink_rows(const Tensor& weight, const Tensor& indices, std::optional<double> max_norm,
                 double norm_type) {
  if (!max_norm) return;
  GradGuard off(false);
  embedding_renorm_(weight, indices, *max_norm, norm_type);
}

Tensor look_up(const Tensor& indices, const Tensor& weight, std::optional<int64_t> padding_idx,
               std::optional<double> max_norm, double norm_type, bool scale_grad_by_freq, bool sparse) {
  const char* op = "embedding";
  check(!sparse, op, ": sparse gradients are not supported, use sparse=False");
  check(weight.rank() == 2, op, ": 'weight' must be 2-D, got shape ", weight.sizes());
  int64_t padding = padding_of(op, padding_idx, weight.sizes()[0]);
  shrink_rows(weight, indices, max_norm, norm_type);
  return embedding(weight, indices, padding, scale_grad_by_freq);
}

void check_bag_options(const std::string& mode, bool weighted, bool sparse, bool by_frequency) {
  const char* op = "embedding_bag";
  check(!sparse, op, ": sparse gradients are not supported, use sparse=False");
  check_value(mode == "sum" || mode == "mean" || mode == "max", op,
              ": mode has to be one of sum, mean or max, got ", mode);
  check_value(mode != "max" || !by_frequency, op,
              ": max mode does not support scaling the gradient by the frequency");
  if (weighted && mode != "sum")
    fail(ErrorKind::NotImplemented, op, ": per_sample_weights are only supported for mode='sum', got mode='",
         mode, "'");
}

Tensor look_up_bags(const Tensor& indices, const Tensor& weight, const MaybeTensor& offsets,
                    std::optional<double> max_norm, double norm_type, bool scale_grad_by_freq,
                    const std::string& mode, bool sparse, const MaybeTensor& per_sample_weights,
                    bool include_last_offset, std::optional<int64_t> padding_idx) {
  const char* op = "embedding_bag";
  check_bag_options(mode, per_sample_weights.has_value(), sparse, scale_grad_by_freq);
  check_value(!per_sample_weights || per_sample_weights->sizes() == indices.sizes(), op,
              ": per_sample_weights of shape ", per_sample_weights ? per_sample_weights->sizes() : Shape{},
              " must have the shape of the input ", indices.sizes());
  check_value(indices.rank() == 1 || indices.rank() == 2, op, ": input has to be 1D or 2D, got shape ",
              indices.sizes());
  check_value(indices.rank() == 1 || !offsets, op,
              ": if input is 2D, then offsets has to be None, as input is treated as "
              "a mini-batch of fixed length sequences");
  check_value(indices.rank() == 2 || offsets, op, ": offsets has to be a 1D Tensor but got None");
  check(weight.rank() == 2, op, ": weight has to be a 2D Tensor, got shape ", weight.sizes());
  BagOptions options{mode, scale_grad_by_freq, include_last_offset,
                     padding_of(op, padding_idx, weight.sizes()[0])};
  shrink_rows(weight, indices, max_norm, norm_type);
  return embedding_bag(indices, weight, offsets, per_sample_weights, options);
}

// ---- sequences

Shape lengths_of(const py::object& lengths) {
  if (!is_tensor(lengths.ptr())) {
    check_type(is_integer(lengths.ptr()) || is_integer_list(lengths.ptr()),
               "ctc_loss: lengths must be a tensor or a tuple of ints, not ",
               Py_TYPE(lengths.ptr())->tp_name);
    return shape_of(lengths.ptr());
  }
  const Tensor& x = tensor_of(lengths.ptr());
  check(!x.is_floating(), "ctc_loss: lengths must be integral, got ", name_of(x.dtype()));
  Tensor values = contiguous(to_dtype(to_device(x, {}), DType::Int64));
  return Shape(values.data<int64_t>(), int(values.count()));
}

Tensor ctc(const Tensor& log_probs, const Tensor& targets, const py::object& input_lengths,
           const py::object& target_lengths, int64_t blank, const std::string& reduction,
           bool zero_infinity) {
  Shape inputs = lengths_of(input_lengths), sizes = lengths_of(target_lengths);
  check_value(reduction == "mean" || reduction == "sum" || reduction == "none", "ctc_loss: ", reduction,
              " is not a valid value for reduction");
  bool single = log_probs.rank() == 2;
  Tensor losses =
      ctc_loss(single ? unsqueeze(log_probs, 1) : log_probs, targets, inputs, sizes, blank, zero_infinity);
  if (reduction == "none") return single ? squeeze(losses, Shape{0}) : losses;
  if (reduction == "sum") return sum(losses);
  Tensor counts = empty({sizes.size()}, losses.dtype());
  for (int i = 0; i < sizes.size(); i++)
    fill_values("ctc_loss", select(counts, 0, i), std::max<int64_t>(1, sizes[i]));
  return mean(div(losses, counts));
}

void bind_norms(Registry& r) {
  constexpr int hidden = function | unlisted;
  r.op<batch_norm>(
       "batch_norm(input, running_mean: Tensor, running_var: Tensor, weight: Tensor = None, "
       "bias: Tensor = None, training: bool = False, momentum: float = 0.1, eps: float = 1e-5)",
       hidden, "Each channel less its mean, divided by its standard deviation, times weight, plus bias.")
      .op<instance_norm>(
          "instance_norm(input, running_mean: Tensor = None, running_var: Tensor = None, "
          "weight: Tensor = None, bias: Tensor = None, use_input_stats: bool = True, "
          "momentum: float = 0.1, eps: float = 1e-5)",
          hidden, "batch_norm of each sample by itself.")
      .op<group_norm>(
          "group_norm(input, num_groups: int, weight: Tensor = None, bias: Tensor = None, "
          "eps: float = 1e-5)",
          function, "Each group of channels of each sample, normalised.")
      .op<layer_norm>(
          "layer_norm(input, normalized_shape: tuple, weight: Tensor = None, bias: Tensor = None, "
          "eps: float = 1e-5)",
          function, "Normalised over the last dimensions, of sizes normalized_shape.")
      .op<rms_norm>("rms_norm(input, normalized_shape: tuple, weight: Tensor = None, eps: float = None)",
                    function, "Divided by the root of the mean square over the last dimensions.")
      .op<normalize>(
          "normalize(input, p: float = 2.0, dim: int | tuple = 1, eps: float = 1e-12, *, out=None)", hidden,
          "input divided by its p-norm along dim.");
}

}  // namespace

void bind_normalize(Registry& registry) {
  constexpr int hidden = function | unlisted;
  bind_norms(registry);
  registry
      .op<look_up>(
          "nn_embedding(input, weight: Tensor, padding_idx: int = None, max_norm: float = None, "
          "norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False)",
          hidden, "The rows of weight that input names.")
      .op<look_up_bags>(
          "embedding_bag(input, weight: Tensor, offsets: Tensor = None, max_norm: float = None, "
          "norm_type: float = 2.0, scale_grad_by_freq: bool = False, mode: str = 'mean', "
          "sparse: bool = False, per_sample_weights: Tensor = None, include_last_offset: bool = False, "
          "padding_idx: int = None)",
          hidden, "Sums, means or maxima of the rows of weight in bags.")
      .op<one_hot>("one_hot(tensor, num_classes: int = -1)", hidden,
                   "1 at the class that each element names, 0 elsewhere, along a new last dimension.")
      .op<ctc>(
          "ctc_loss(log_probs, targets: Tensor, input_lengths, target_lengths, blank: int = 0, "
          "reduction: str = 'mean', zero_infinity: bool = False)",
          hidden, "The negative log likelihood of targets, over all their alignments with log_probs.");
}

}  // namespace tt
