#include "ops/recurrent_layer.h"

#include "kernels/network.h"
#include "ops/ops.h"
#include "ops/products.h"

namespace tt::recurrent {
namespace {

// What the kernels of one direction leave behind for backward.
struct Buffers {
  Tensor gates, previous, inner, full;
};
constexpr int buffer_count = 4;

struct Sizes {
  int64_t rows, batch, features, hidden, width, outputs;
  Sizes(const Layer& layer, const std::vector<Tensor>& inputs)
      : rows(layer.rows->total),
        batch(layer.rows->batch),
        features(inputs[0].sizes().back()),
        hidden(inputs[first_parameter].sizes()[0] / gates_of(layer.cell)),
        width(inputs[first_parameter].sizes()[0]),
        outputs(inputs[first_parameter + 1].sizes()[1]) {}
};

Tensor looked_at(const Tensor& x, const Shape& sizes) {  // contiguous memory in another shape, not recorded
  return tensor_over(x.storage(), sizes, contiguous_strides(sizes), x.offset(), x.dtype());
}

Tensor swapped(const Tensor& x) {  // a matrix transposed, not recorded
  return tensor_over(x.storage(), {x.sizes()[1], x.sizes()[0]}, {x.strides()[1], x.strides()[0]}, x.offset(),
                     x.dtype());
}

// x.T with rows that start apart from each other's place in the cache.
Tensor transposed_copy(const Tensor& x) {
  const int64_t rows = x.sizes()[1], columns = x.sizes()[0], pitch = columns + 16;
  Tensor room = empty({rows, pitch}, x.dtype(), x.device());
  Tensor y = tensor_over(room.storage(), {rows, columns}, {pitch, 1}, room.offset(), x.dtype());
  copy_values(y, swapped(x));
  return y;
}

char* part(const Tensor& x, int64_t elements) {
  return x.defined() ? x.bytes() + elements * size_of(x.dtype()) : nullptr;
}

RecurrentSteps steps_of(const Layer& layer, const Sizes& sizes, DType dtype, int direction) {
  const Rows& rows = *layer.rows;
  return {layer.cell,   dtype,         direction == 1,     rows.steps(),       rows.batch,
          sizes.hidden, sizes.outputs, rows.starts.data(), rows.counts.data(), rows.pitch};
}

Tensor start_of(const Tensor& given, const Shape& sizes, const Tensor& like) {
  Tensor state = empty(sizes, like.dtype(), like.device());
  given.defined() ? copy_values(state, looked_at(contiguous(given), sizes)) : fill_values("rnn", state, 0);
  return state;
}

struct Forward {
  const Layer& layer;
  const std::vector<Tensor>& inputs;
  const bool keep;
  const Sizes sizes{layer, inputs};
  const Tensor x = looked_at(contiguous(inputs[0]), {sizes.rows, sizes.features});
  Tensor out = {}, state = {}, cell = {};

  Buffers run(int direction) {
    const bool lstm = layer.cell == RecurrentCell::lstm, gru = layer.cell == RecurrentCell::gru;
    Parameters p = parameters_of(layer, inputs, direction);
    auto make = [&](int64_t width) { return empty({sizes.rows, width}, x.dtype(), x.device()); };
    Buffers buffers{make(sizes.width), {}, {}, {}};
    if (keep) buffers.previous = make(sizes.outputs);
    if (keep && (lstm || gru)) buffers.inner = make(sizes.hidden);
    if (p.w_hr.defined()) buffers.full = make(sizes.hidden);
    Tensor bias = p.b_ih.defined() && !gru ? add(p.b_ih, p.b_hh) : p.b_ih;
    multiply(buffers.gates, x, swapped(p.w_ih), false, bias);

    Tensor weight = transposed_copy(p.w_hh),
           projection = p.w_hr.defined() ? transposed_copy(p.w_hr) : Tensor();
    Tensor state_bias = gru && p.b_hh.defined() ? contiguous(p.b_hh) : Tensor();
    RecurrentCall call{steps_of(layer, sizes, x.dtype(), direction)};
    call.weight = weight.bytes();
    call.weight_row = weight.strides()[0];
    call.projection = part(projection, 0);
    if (projection.defined()) call.projection_row = projection.strides()[0];
    call.bias = part(state_bias, 0);
    call.gates = buffers.gates.bytes();
    call.previous = part(buffers.previous, 0);
    call.inner = part(buffers.inner, 0);
    call.full = part(buffers.full, 0);
    call.out = layer.one_step ? nullptr : part(out, direction * sizes.outputs);
    call.out_pitch = layer.directions * sizes.outputs;
    call.state = part(layer.one_step ? out : state, direction * sizes.batch * sizes.outputs);
    call.cell_state = part(cell, direction * sizes.batch * sizes.hidden);
    kernels_of(x.device()).network->recurrent(call);
    return buffers;
  }
};

std::vector<Tensor> forward(const Layer& layer, const std::vector<Tensor>& inputs,
                            std::vector<Tensor>* kept) {
  GradGuard off(false);
  Forward pass{layer, inputs, kept != nullptr};
  const Tensor& x = inputs[0];
  Tensor state = start_of(inputs[1], layer.state_sizes, x);
  pass.out = layer.one_step ? state : empty(layer.out_sizes, x.dtype(), x.device());
  if (!layer.one_step) pass.state = state;
  if (layer.cell == RecurrentCell::lstm) pass.cell = start_of(inputs[2], layer.cell_sizes, x);
  for (int d = 0; d < layer.directions; d++) {
    Buffers buffers = pass.run(d);
    if (kept) kept->insert(kept->end(), {buffers.gates, buffers.previous, buffers.inner, buffers.full});
  }
  std::vector<Tensor> results{pass.out};
  for (const Tensor& last : {pass.state, pass.cell})
    if (last.defined()) results.push_back(last);
  return results;
}

struct Backward {
  const Layer& layer;
  Wanted wanted;
  const std::vector<Tensor>& inputs;
  const Sizes sizes{layer, inputs};
  const Tensor x = looked_at(contiguous(inputs[0]), {sizes.rows, sizes.features});
  Tensor grad_out = {}, grad_state = {}, grad_cell = {}, grad_x = {};

  // The gradients of the sums before activation go to `gates`; gru's state has its own in them.
  void walk(int direction, const Buffers& buffers, const Parameters& p, const Tensor& gates,
            const Tensor& product, const Tensor& projected) {
    Tensor weight = contiguous(p.w_hh), projection = p.w_hr.defined() ? contiguous(p.w_hr) : Tensor();
    RecurrentBackwardCall call{steps_of(layer, sizes, x.dtype(), direction)};
    call.weight = weight.bytes();
    call.weight_row = sizes.outputs;
    call.projection = part(projection, 0);
    call.projection_row = sizes.hidden;
    call.gates = buffers.gates.bytes();
    call.previous = part(buffers.previous, 0);
    call.inner = part(buffers.inner, 0);
    call.grad_out = part(grad_out, direction * sizes.outputs);
    call.grad_out_pitch = layer.directions * sizes.outputs;
    call.grad_gates = gates.bytes();
    call.grad_product = layer.cell == RecurrentCell::gru ? product.bytes() : nullptr;
    call.grad_projected = part(projected, 0);
    call.grad_state = part(grad_state, direction * sizes.batch * sizes.outputs);
    call.grad_cell_state = part(grad_cell, direction * sizes.batch * sizes.hidden);
    kernels_of(x.device()).network->recurrent_backward(call);
  }

  void run(int direction, const Buffers& buffers, Gradients& grads) {
    const int at = first_parameter + direction * layer.weights();
    Parameters p = parameters_of(layer, inputs, direction);
    Tensor gates = empty_like(buffers.gates), product = gates;
    if (layer.cell == RecurrentCell::gru) product = empty_like(gates);
    Tensor projected = p.w_hr.defined() ? empty_like(buffers.previous) : Tensor();
    walk(direction, buffers, p, gates, product, projected);
    if (wanted[0]) {
      if (!grad_x.defined()) grad_x = empty(x.sizes(), x.dtype(), x.device());
      multiply(grad_x, gates, p.w_ih, direction > 0);
    }
    auto weight_gradient = [&](int input, const Tensor& g, const Tensor& values) {
      if (!wanted[input]) return;
      grads[input] = empty({g.sizes()[1], values.sizes()[1]}, x.dtype(), x.device());
      multiply(grads[input], swapped(g), values);
    };
    weight_gradient(at, gates, x);
    weight_gradient(at + 1, product, buffers.previous);
    if (layer.has_biases && wanted[at + 2]) grads[at + 2] = sum(gates, Shape{0});
    if (layer.has_biases && wanted[at + 3]) {
      bool same = product.is(gates) && grads[at + 2].defined();
      grads[at + 3] = same ? clone(grads[at + 2]) : sum(product, Shape{0});
    }
    if (layer.projects) weight_gradient(at + layer.weights() - 1, projected, buffers.full);
  }
};

Gradients backward(const Gradients& given, Wanted wanted, const std::vector<Tensor>& inputs,
                   const std::vector<Tensor>& kept, const Layer& layer) {
  if (any_needs_grad(inputs) || any_needs_grad(std::vector<Tensor>(given.begin(), given.end())))
    return compose_backward(layer, given, wanted, inputs);
  Backward pass{layer, wanted, inputs};
  const Tensor& x = inputs[0];
  const int states = layer.one_step ? 0 : 1;
  if (!layer.one_step && given[0].defined()) pass.grad_out = contiguous(given[0]);
  pass.grad_state = start_of(given[states], layer.state_sizes, x);
  if (layer.cell == RecurrentCell::lstm) pass.grad_cell = start_of(given[states + 1], layer.cell_sizes, x);
  Gradients grads(int(inputs.size()));
  for (int d = 0; d < layer.directions; d++) {
    const Tensor* buffers = kept.data() + d * buffer_count;
    pass.run(d, {buffers[0], buffers[1], buffers[2], buffers[3]}, grads);
  }
  if (wanted[0]) grads[0] = looked_at(pass.grad_x, x.sizes());
  if (inputs[1].defined()) grads[1] = pass.grad_state;
  if (inputs[2].defined()) grads[2] = pass.grad_cell;
  return grads;
}

}  // namespace

Parameters parameters_of(const Layer& layer, const std::vector<Tensor>& inputs, int direction) {
  const Tensor* of = inputs.data() + first_parameter + direction * layer.weights();
  Parameters p{of[0], of[1], {}, {}, {}};
  if (layer.has_biases) {
    p.b_ih = of[2];
    p.b_hh = of[3];
  }
  if (layer.projects) p.w_hr = of[layer.weights() - 1];
  return p;
}

std::vector<Tensor> run(const Layer& layer, const std::vector<Tensor>& inputs) {
  static constexpr const char* names[] = {"RnnTanhBackward0", "RnnReluBackward0", "LstmBackward0",
                                          "GruBackward0"};
  const NetworkKernels* network = kernels_of(inputs[0].device()).network;
  if (!network || !network->recurrent) return compose(layer, inputs);
  if (!any_needs_grad(inputs)) return forward(layer, inputs, nullptr);
  std::vector<Tensor> kept, results = forward(layer, inputs, &kept);
  record_many(names[int(layer.cell)], results, inputs, save(inputs, kept, layer), backward);
  return results;
}

}  // namespace tt::recurrent
