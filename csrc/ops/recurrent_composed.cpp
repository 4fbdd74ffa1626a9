// A recurrent layer step by step, from recorded ops: for devices without the kernels, and for derivatives of
// the backward pass. Rows are brought into the order of the steps first, so that a step is a stretch of rows.
#include "ops/ops.h"
#include "ops/recurrent_layer.h"

namespace tt::recurrent {
namespace {

// What one step went through, each in the graph.
struct Step {
  int64_t start, count;
  Tensor before, cell_before;  // the states of its sequences
  Tensor a, b, c, d;           // activated gates; gru's d is what the state contributes to the candidate
  Tensor cell, full, out;
};

struct Pass {
  std::vector<Step> steps;  // in the order they ran
  Tensor state, cell;       // at the end
};

bool by_batch(const Layer& layer) { return layer.rows->pitch != 1; }
int64_t row_of(const Layer& layer, int64_t t) {
  return by_batch(layer) ? t * layer.rows->batch : layer.rows->starts[t];
}

// [.., n] as rows in the order of the steps, and back.
Tensor as_rows(const Layer& layer, const Tensor& x) {
  return reshape(by_batch(layer) ? transpose(x, 0, 1) : x, {layer.rows->total, x.sizes().back()});
}
Tensor from_rows(const Layer& layer, const Tensor& rows, const Shape& sizes) {
  if (!by_batch(layer)) return reshape(rows, sizes);
  return transpose(reshape(rows, {layer.rows->steps(), layer.rows->batch, rows.sizes().back()}), 0, 1);
}

// The state of one direction as [batch, n].
Tensor state_of(const Layer& layer, const Tensor& states, int direction) {
  return narrow(reshape(states, {layer.directions * layer.rows->batch, states.sizes().back()}), 0,
                direction * layer.rows->batch, layer.rows->batch);
}
Tensor start_of(const Layer& layer, const Tensor& states, int direction, int64_t width, const Tensor& like) {
  if (!states.defined()) return zeros({layer.rows->batch, width}, like.dtype(), like.device());
  return state_of(layer, states, direction);
}

Tensor head(const Tensor& x, int64_t count) { return count == x.sizes()[0] ? x : narrow(x, 0, 0, count); }
Tensor with_head(const Tensor& x, const Tensor& rows) {
  const int64_t count = rows.sizes()[0], rest = x.sizes()[0] - count;
  return rest == 0 ? rows : cat({rows, narrow(x, 0, count, rest)}, 0);
}
Tensor times_transposed(const Tensor& x, const Tensor& w) { return matmul(x, transpose(w, 0, 1)); }

std::optional<Tensor> maybe(const Tensor& x) { return x.defined() ? std::optional<Tensor>(x) : std::nullopt; }
Tensor one_minus(const Tensor& x) { return rsub(x, wrapped_number(1)); }

void run_plain(RecurrentCell cell, Step& s, const Tensor& sums) {
  s.a = s.out = cell == RecurrentCell::relu ? relu(sums) : tanh(sums);
}

void run_lstm(Step& s, const Tensor& sums, const Tensor& w_hr) {
  std::vector<Tensor> gates = chunk(sums, 4, 1);
  s.a = sigmoid(gates[0]);
  s.b = sigmoid(gates[1]);
  s.c = tanh(gates[2]);
  s.d = sigmoid(gates[3]);
  s.cell = add(mul(s.b, s.cell_before), mul(s.a, s.c));
  s.full = mul(s.d, tanh(s.cell));
  s.out = w_hr.defined() ? times_transposed(s.full, w_hr) : s.full;
}

void run_gru(Step& s, const Tensor& sums, const Tensor& product) {
  std::vector<Tensor> x = chunk(sums, 3, 1), p = chunk(product, 3, 1);
  s.a = sigmoid(add(x[0], p[0]));
  s.b = sigmoid(add(x[1], p[1]));
  s.d = p[2];
  s.c = tanh(add(x[2], mul(s.a, s.d)));
  s.out = add(s.c, mul(s.b, sub(s.before, s.c)));
}

Pass forward(const Layer& layer, const std::vector<Tensor>& inputs, const Tensor& x, int direction) {
  const Parameters p = parameters_of(layer, inputs, direction);
  const int64_t hidden = p.w_ih.sizes()[0] / gates_of(layer.cell), steps = layer.rows->steps();
  const Tensor from_input = linear(x, p.w_ih, maybe(p.b_ih));
  Pass pass;
  pass.state = start_of(layer, inputs[1], direction, p.w_hh.sizes()[1], x);
  if (layer.cell == RecurrentCell::lstm) pass.cell = start_of(layer, inputs[2], direction, hidden, x);
  for (int64_t i = 0; i < steps; i++) {
    const int64_t t = direction ? steps - 1 - i : i;
    Step s{row_of(layer, t), layer.rows->counts[t], {}, {}, {}, {}, {}, {}, {}, {}, {}};
    s.before = head(pass.state, s.count);
    const Tensor sums = narrow(from_input, 0, s.start, s.count),
                 product = linear(s.before, p.w_hh, maybe(p.b_hh));
    if (layer.cell == RecurrentCell::gru) {
      run_gru(s, sums, product);
    } else if (layer.cell == RecurrentCell::lstm) {
      s.cell_before = head(pass.cell, s.count);
      run_lstm(s, add(sums, product), p.w_hr);
      pass.cell = with_head(pass.cell, s.cell);
    } else {
      run_plain(layer.cell, s, add(sums, product));
    }
    pass.state = with_head(pass.state, s.out);
    pass.steps.push_back(s);
  }
  return pass;
}

// The rows of all steps, each given by get(step), in the order of the rows.
template <class Get>
Tensor gathered(const Pass& pass, int direction, Get&& get) {
  std::vector<Tensor> rows;
  for (const Step& s : pass.steps) rows.push_back(get(s));
  if (direction) std::reverse(rows.begin(), rows.end());
  return cat(rows, 0);
}

// ---------------------------------------------------------------- backward

// The gradients of a step's sums: of all, and gru's of the state's part. `state` and `cell` change from the
// gradients after the step to what reaches the states before it past the product.
struct StepGrads {
  Tensor sums, product, projected;
};

Tensor through_sigmoid(const Tensor& g, const Tensor& y) { return mul(mul(g, y), one_minus(y)); }
Tensor through_tanh(const Tensor& g, const Tensor& y) { return mul(g, one_minus(square(y))); }

StepGrads plain_grads(RecurrentCell cell, const Step& s, Tensor& state) {
  Tensor g = cell == RecurrentCell::relu ? mul(state, gt(s.a, wrapped_number(0))) : through_tanh(state, s.a);
  state = Tensor();
  return {g, g, {}};
}

StepGrads lstm_grads(const Step& s, const Tensor& w_hr, Tensor& state, Tensor& cell) {
  StepGrads grads;
  if (w_hr.defined()) grads.projected = state;
  const Tensor g = w_hr.defined() ? matmul(state, w_hr) : state, t = tanh(s.cell);
  cell = add(cell, through_tanh(mul(g, s.d), t));
  grads.sums = grads.product =
      cat({through_sigmoid(mul(cell, s.c), s.a), through_sigmoid(mul(cell, s.cell_before), s.b),
           through_tanh(mul(cell, s.a), s.c), through_sigmoid(mul(g, t), s.d)},
          1);
  cell = mul(cell, s.b);
  state = Tensor();
  return grads;
}

StepGrads gru_grads(const Step& s, Tensor& state) {
  const Tensor candidate = through_tanh(mul(state, one_minus(s.b)), s.c);
  const Tensor update = through_sigmoid(mul(state, sub(s.before, s.c)), s.b);
  const Tensor reset = through_sigmoid(mul(candidate, s.d), s.a);
  state = mul(state, s.b);
  return {cat({reset, update, candidate}, 1), cat({reset, update, mul(candidate, s.a)}, 1), {}};
}

struct DirectionGrads {
  Tensor x, state, cell;
};

DirectionGrads backward(const Layer& layer, const std::vector<Tensor>& inputs, const Tensor& x, int direction,
                        const Tensor& grad_out, Tensor state, Tensor cell, Gradients& grads) {
  const Parameters p = parameters_of(layer, inputs, direction);
  const Pass pass = forward(layer, inputs, x, direction);
  std::vector<Tensor> sums, products, projected;
  for (auto s = pass.steps.rbegin(); s != pass.steps.rend(); ++s) {
    Tensor now = head(state, s->count), cell_now = cell.defined() ? head(cell, s->count) : cell;
    if (grad_out.defined()) now = add(now, narrow(grad_out, 0, s->start, s->count));
    StepGrads g = layer.cell == RecurrentCell::gru    ? gru_grads(*s, now)
                  : layer.cell == RecurrentCell::lstm ? lstm_grads(*s, p.w_hr, now, cell_now)
                                                      : plain_grads(layer.cell, *s, now);
    const Tensor reached = matmul(g.product, p.w_hh);
    state = with_head(state, now.defined() ? add(now, reached) : reached);
    if (cell.defined()) cell = with_head(cell, cell_now);
    sums.push_back(g.sums);
    products.push_back(g.product);
    projected.push_back(g.projected);
  }
  auto all = [&](std::vector<Tensor> rows) {  // they were gathered from the last step to the first
    if (!direction) std::reverse(rows.begin(), rows.end());
    return cat(rows, 0);
  };
  const Tensor sum_grads = all(sums), product_grads = all(products);
  const int at = first_parameter + direction * layer.weights();
  grads[at] = matmul(transpose(sum_grads, 0, 1), x);
  grads[at + 1] = matmul(transpose(product_grads, 0, 1),
                         gathered(pass, direction, [](const Step& s) { return s.before; }));
  if (layer.has_biases) {
    grads[at + 2] = sum(sum_grads, Shape{0});
    grads[at + 3] = sum(product_grads, Shape{0});
  }
  if (layer.projects)
    grads[at + layer.weights() - 1] = matmul(transpose(all(projected), 0, 1),
                                             gathered(pass, direction, [](const Step& s) { return s.full; }));
  return {matmul(sum_grads, p.w_ih), state, cell};
}

}  // namespace

std::vector<Tensor> compose(const Layer& layer, const std::vector<Tensor>& inputs) {
  const Tensor x = as_rows(layer, inputs[0]);
  std::vector<Tensor> outs, states, cells;
  for (int d = 0; d < layer.directions; d++) {
    Pass pass = forward(layer, inputs, x, d);
    outs.push_back(gathered(pass, d, [](const Step& s) { return s.out; }));
    states.push_back(pass.state);
    cells.push_back(pass.cell);
  }
  const bool lstm = layer.cell == RecurrentCell::lstm;
  std::vector<Tensor> results;
  if (!layer.one_step) results.push_back(from_rows(layer, cat(outs, 1), layer.out_sizes));
  results.push_back(reshape(cat(states, 0), layer.state_sizes));
  if (lstm) results.push_back(reshape(cat(cells, 0), layer.cell_sizes));
  return results;
}

Gradients compose_backward(const Layer& layer, const Gradients& given, Wanted wanted,
                           const std::vector<Tensor>& inputs) {
  const Tensor x = as_rows(layer, inputs[0]);
  const int states = layer.one_step ? 0 : 1;
  const int64_t outputs = inputs[first_parameter + 1].sizes()[1], hidden = layer.cell_sizes.back();
  Tensor grad_out;
  if (!layer.one_step && given[0].defined()) grad_out = as_rows(layer, given[0]);
  Gradients grads(int(inputs.size()));
  std::vector<Tensor> grad_states, grad_cells;
  for (int d = 0; d < layer.directions; d++) {
    Tensor cell;
    if (layer.cell == RecurrentCell::lstm) cell = start_of(layer, given[states + 1], d, hidden, x);
    DirectionGrads g = backward(layer, inputs, x, d,
                                grad_out.defined() ? narrow(grad_out, 1, d * outputs, outputs) : grad_out,
                                start_of(layer, given[states], d, outputs, x), cell, grads);
    grads[0] = d ? add(grads[0], g.x) : g.x;
    grad_states.push_back(g.state);
    grad_cells.push_back(g.cell);
  }
  grads[0] = from_rows(layer, grads[0], inputs[0].sizes());
  if (inputs[1].defined()) grads[1] = reshape(cat(grad_states, 0), inputs[1].sizes());
  if (inputs[2].defined()) grads[2] = reshape(cat(grad_cells, 0), inputs[2].sizes());
  return grads;
}

}  // namespace tt::recurrent
