#include "ops/embedding.h"

#include "kernels/sequence_call.h"
#include "ops/index_places.h"
#include "ops/network.h"
#include "ops/ops.h"
#include "ops/reduction.h"

namespace tt {
namespace {

// Where each bag starts, and at last where the entries end; and the bag of each entry.
struct Bags {
  Tensor entries, offsets, of_entry;
  int64_t count;
};

Bags bags_of_rows(const Tensor& indices) {
  int64_t count = indices.sizes()[0], size = indices.sizes()[1];
  Tensor offsets = empty({count + 1}, DType::Int64), of_entry = empty({count * size}, DType::Int64);
  for (int64_t i = 0; i <= count; i++) offsets.data<int64_t>()[i] = i * size;
  for (int64_t i = 0; i < count * size; i++) of_entry.data<int64_t>()[i] = i / size;
  return {reshape(indices, {-1}), offsets, of_entry, count};
}

Bags bags_of_offsets(const Tensor& indices, const Tensor& given, bool include_last) {
  const char* op = "embedding_bag";
  check_value(given.rank() == 1, op, ": offsets has to be a 1D Tensor, got shape ", given.sizes());
  int64_t entries = indices.count(), count = given.count() - include_last;
  check(count >= 0, op, ": include_last_offset: number of offsets should be at least 1");
  Tensor starts = contiguous(as_int64(given, {})), offsets = empty({count + 1}, DType::Int64);
  const int64_t* start = starts.data<int64_t>();
  int64_t* at = offsets.data<int64_t>();
  for (int64_t i = 0; i < count; i++) at[i] = start[i];
  at[count] = include_last ? start[count] : entries;
  check(at[0] == 0 || given.count() == 0, op,
        ": offsets[0] has to be 0, i.e., the first sequence in the mini-batch has "
        "to start from position 0. However, got ",
        at[0]);
  for (int64_t i = 0; i < count; i++)
    check(at[i] <= at[i + 1] && at[i + 1] <= entries, op, ": offsets must not decrease nor go beyond the ",
          entries, " entries, got ", at[i + 1], " after ", at[i]);
  Tensor of_entry = empty({entries}, DType::Int64);
  for (int64_t bag = 0; bag < count; bag++)
    std::fill(of_entry.data<int64_t>() + at[bag], of_entry.data<int64_t>() + at[bag + 1], bag);
  std::fill(of_entry.data<int64_t>() + at[count], of_entry.data<int64_t>() + entries, 0);
  return {indices, offsets, of_entry, count};
}

// What an entry counts in the sum: its weight, its part of the mean, nothing for padding.
Tensor entry_scales(const Bags& bags, const Tensor& table, const std::optional<Tensor>& weights,
                    const Tensor& counts, bool mean) {
  Tensor scales = to_dtype(counts, table.dtype());
  if (weights) scales = mul(scales, reshape(*weights, {-1}));
  if (!mean) return scales;
  Tensor sizes = index_add(zeros({bags.count}, table.dtype()), 0, bags.of_entry, scales, 1);
  return div(scales, clamp_min(index_select(sizes, 0, bags.of_entry), wrapped_number(1)));
}

EmbeddingBagCall bag_call(const Bags& bags, const Tensor& table, const Tensor& out) {
  EmbeddingBagCall call{table.dtype(),
                        bags.count,
                        table.sizes()[1],
                        table.bytes(),
                        bags.entries.data<int64_t>(),
                        bags.offsets.data<int64_t>()};
  call.out = out.bytes();
  return call;
}

Tensor sum_bags(const Bags& bags, const Tensor& table, const Tensor& scales, bool by_frequency) {
  auto kernel = network_kernel("embedding_bag", table.device(), &NetworkKernels::embedding_bag);
  Tensor held = contiguous(scales), y = empty({bags.count, table.sizes()[1]}, table.dtype());
  EmbeddingBagCall call = bag_call(bags, table, y);
  call.scales = held.bytes();
  kernel(call);
  Tensor entries = bags.entries, of_entry = bags.of_entry;
  return record(
      "EmbeddingBagBackward0", y, inputs(table, held), save(table, held, entries, of_entry, by_frequency),
      [](const Tensor& g, const Tensor& table, const Tensor& scales, const Tensor& entries,
         const Tensor& of_entry, const bool& by_frequency) {
        Tensor factor = scales;
        if (by_frequency) {
          Tensor uses = index_select(bincount(entries, {}, table.sizes()[0]), 0, entries);
          factor = div(factor, to_dtype(uses, table.dtype()));
        }
        Tensor parts = mul(index_select(g, 0, of_entry), unsqueeze(factor, 1));
        return index_add(zeros(table.sizes(), table.dtype()), 0, entries, parts, 1);
      },
      [](const Tensor& g, const Tensor& table, const Tensor&, const Tensor& entries, const Tensor& of_entry,
         const bool&) {
        return sum(mul(index_select(g, 0, of_entry), index_select(table, 0, entries)), Shape{1});
      });
}

Tensor largest_of_bags(const Bags& bags, const Tensor& table, const Tensor& counts) {
  auto kernel = network_kernel("embedding_bag", table.device(), &NetworkKernels::embedding_bag);
  Shape sizes{bags.count, table.sizes()[1]};
  Tensor y = empty(sizes, table.dtype()), chosen = empty(sizes, DType::Int64),
         skipped = contiguous(logical_not(counts));
  EmbeddingBagCall call = bag_call(bags, table, y);
  call.skipped = skipped.data<bool>();
  call.chosen = chosen.data<int64_t>();
  kernel(call);
  int64_t rows = table.sizes()[0];
  return record("EmbeddingBagBackward0", y, inputs(table), save(chosen, rows),
                [](const Tensor& g, const Tensor& chosen, const int64_t& rows) {
                  Tensor none = lt(chosen, wrapped_number(0));
                  Tensor parts = masked_fill(g, none, 0), places = masked_fill(chosen, none, 0);
                  return scatter_add(zeros({rows, g.sizes()[1]}, g.dtype()), 0, places, parts);
                });
}

}  // namespace

Tensor embedding_bag(const Tensor& indices, const Tensor& given, const std::optional<Tensor>& offsets,
                     const std::optional<Tensor>& weights, const BagOptions& options) {
  const char* op = "embedding_bag";
  check(given.rank() == 2, op, ": weight has to be a 2D Tensor, got shape ", given.sizes());
  check(given.device().is_cpu(), op, ": not implemented on ", given.device());
  check_index_type(op, indices, true);
  check(given.is_floating(), op, ": expected a floating weight, got ", name_of(given.dtype()));
  Tensor table = contiguous(is_half(given.dtype()) ? to_dtype(given, DType::Float32) : given);
  Tensor places = contiguous(as_int64(indices, {}));
  check_bounds(op, ErrorKind::Runtime, places, 0, table.sizes()[0], 0);
  Bags bags = indices.rank() == 2 ? bags_of_rows(places)
                                  : bags_of_offsets(places, *offsets, options.include_last_offset);
  Tensor counts = options.padding >= 0 ? ne(bags.entries, wrapped_number(options.padding))
                                       : full(bags.entries.sizes(), true, DType::Bool);
  std::optional<Tensor> scales = weights;
  if (scales) scales = to_dtype(*scales, table.dtype());
  Tensor y = options.mode == "max"
                 ? largest_of_bags(bags, table, counts)
                 : sum_bags(bags, table, entry_scales(bags, table, scales, counts, options.mode == "mean"),
                            options.scale_by_frequency);
  return to_dtype(y, given.dtype());
}

// ---------------------------------------------------------------- sequences

namespace {

struct CtcForm {
  Shape input_lengths, target_lengths, offsets;
  int64_t blank, longest;
  bool zero_infinity;
};

CtcCall ctc_call(const CtcForm& form, const Tensor& x, const Tensor& targets, const Tensor& alpha,
                 const Tensor& loss) {
  CtcCall call{x.dtype(),
               x.sizes()[0],
               x.sizes()[1],
               x.sizes()[2],
               form.blank,
               x.bytes(),
               targets.data<int64_t>(),
               form.offsets.data(),
               form.target_lengths.data(),
               form.input_lengths.data(),
               form.longest,
               alpha.bytes(),
               loss.bytes()};
  call.zero_infinity = form.zero_infinity;
  return call;
}

Tensor ctc_backward(const Tensor& g, const Tensor& x, const Tensor& targets, const Tensor& alpha,
                    const Tensor& loss, const CtcForm& form) {
  Tensor held = contiguous(g), y = empty(x.sizes(), x.dtype());
  CtcCall call = ctc_call(form, x, targets, alpha, loss);
  call.grad = held.bytes();
  call.out = y.bytes();
  network_kernel("ctc_loss", x.device(), &NetworkKernels::ctc)(call);
  return without_derivative("ctc_loss_backward", y, g, x);
}

CtcForm ctc_form(const Tensor& x, const Tensor& targets, const Shape& input_lengths,
                 const Shape& target_lengths, int64_t blank, bool zero_infinity) {
  const char* op = "ctc_loss";
  int64_t steps = x.sizes()[0], batch = x.sizes()[1];
  check(blank >= 0 && blank < x.sizes()[2], op, ": blank must be in label range, got ", blank, " for ",
        x.sizes()[2], " classes");
  check(input_lengths.size() == batch, op, ": input_lengths must be of size batch_size, got ",
        input_lengths.size(), " for a batch of ", batch);
  check(target_lengths.size() == batch, op, ": target_lengths must be of size batch_size, got ",
        target_lengths.size(), " for a batch of ", batch);
  CtcForm form{input_lengths, target_lengths, {}, blank, 0, zero_infinity};
  int64_t next = 0;
  bool padded = targets.rank() == 2;
  for (int i = 0; i < batch; i++) {
    check(input_lengths[i] >= 0 && input_lengths[i] <= steps, op,
          ": Expected input_lengths to have value at most ", steps, ", but got value ", input_lengths[i]);
    check(target_lengths[i] >= 0, op, ": Expected target_lengths to have value at least 0, but got value ",
          target_lengths[i]);
    form.longest = std::max(form.longest, target_lengths[i]);
    form.offsets.push_back(padded ? i * targets.sizes()[1] : next);
    next += target_lengths[i];
  }
  check(padded ? targets.sizes()[0] == batch && form.longest <= targets.sizes()[1] : next == targets.count(),
        op, ": targets of shape ", targets.sizes(), " do not fit target_lengths ", target_lengths);
  return form;
}

void check_labels(const CtcForm& form, const Tensor& targets, int64_t classes) {
  for (int i = 0; i < form.offsets.size(); i++)
    for (int64_t k = 0; k < form.target_lengths[i]; k++) {
      int64_t label = targets.data<int64_t>()[form.offsets[i] + k];
      check(label >= 0 && label < classes, "ctc_loss: target ", label, " is out of bounds, there are ",
            classes, " classes");
    }
}

}  // namespace

Tensor ctc_loss(const Tensor& log_probs, const Tensor& targets, const Shape& input_lengths,
                const Shape& target_lengths, int64_t blank, bool zero_infinity) {
  const char* op = "ctc_loss";
  check(log_probs.rank() == 3 && targets.rank() >= 1 && targets.rank() <= 2, op,
        ": expected log_probs of 3 dimensions and "
        "targets of 1 or 2, got ",
        log_probs.sizes(), " and ", targets.sizes());
  check(!targets.is_floating() && log_probs.is_floating(), op,
        ": expected floating log_probs and integral targets, got ", name_of(log_probs.dtype()), " and ",
        name_of(targets.dtype()));
  auto kernel = network_kernel(op, log_probs.device(), &NetworkKernels::ctc);
  DType work = working_type(log_probs.dtype());
  Tensor x = contiguous(to_dtype(log_probs, work)), labels = contiguous(to_dtype(targets, DType::Int64));
  CtcForm form = ctc_form(x, labels, input_lengths, target_lengths, blank, zero_infinity);
  check_labels(form, labels, x.sizes()[2]);
  int64_t steps = x.sizes()[0], batch = x.sizes()[1];
  Tensor alpha = empty({batch, steps, 2 * form.longest + 1}, work), loss = empty({batch}, work);
  kernel(ctc_call(form, x, labels, alpha, loss));
  Tensor y = record("CtcLossBackward0", loss, inputs(x), save(x, labels, alpha, loss, form), ctc_backward);
  if (zero_infinity) y = where(isposinf(y), wrapped_number(0.0), y);
  return to_dtype(y, log_probs.dtype());
}

}  // namespace tt
