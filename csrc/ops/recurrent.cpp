#include "ops/recurrent.h"

#include "ops/ops.h"
#include "ops/recurrent_layer.h"

namespace tt {

using namespace recurrent;

namespace {

using tt::name_of;

struct Settings {
  const char* op;
  RecurrentCell cell;
  bool has_biases;
  int64_t layers;
  double dropout;
  bool train, bidirectional;
};

const char* name_of(RecurrentCell cell) {
  static constexpr const char* names[] = {"rnn_tanh", "rnn_relu", "lstm", "gru"};
  return names[int(cell)];
}

Tensor value_of(const std::optional<Tensor>& x) { return x ? *x : Tensor(); }

Tensor widened(const Tensor& x) {
  return x.defined() && is_half(x.dtype()) ? to_dtype(x, DType::Float32) : x;
}
std::vector<Tensor> widened(const std::vector<Tensor>& list) {
  std::vector<Tensor> wide;
  for (const Tensor& x : list) wide.push_back(widened(x));
  return wide;
}

// ---------------------------------------------------------------- checks

void check_weights(const char* op, RecurrentCell cell, const Tensor& x, int64_t features,
                   const Parameters& p) {
  for (const Tensor* w : {&p.w_ih, &p.w_hh, &p.b_ih, &p.b_hh, &p.w_hr}) {
    if (!w->defined()) continue;
    check(w->dtype() == x.dtype(), op,
          ": expected the input and the weights to have the same dtype, but got ", name_of(x.dtype()),
          " and ", name_of(w->dtype()));
    common_device(op, {&x, w});
  }
  check(p.w_ih.rank() == 2 && p.w_hh.rank() == 2, op, ": the weights must be matrices, got shapes ",
        p.w_ih.sizes(), " and ", p.w_hh.sizes());
  const int64_t width = p.w_ih.sizes()[0], hidden = width / gates_of(cell);
  const Shape projection = p.w_hr.defined() ? p.w_hr.sizes() : Shape{hidden, hidden};
  check(p.w_ih.sizes()[1] == features, op, ": input has inconsistent input_size: got ", features,
        " expected ", p.w_ih.sizes()[1]);
  const bool fits = width > 0 && width % gates_of(cell) == 0 && projection.size() == 2 &&
                    projection[1] == hidden && p.w_hh.sizes() == Shape{width, projection[0]};
  check(fits, op, ": the weights do not fit together, got shapes ", p.w_ih.sizes(), ", ", p.w_hh.sizes(),
        " and for the projection ", projection);
  for (const Tensor* bias : {&p.b_ih, &p.b_hh})
    check(!bias->defined() || bias->sizes() == Shape{width}, op, ": a bias must have ", width,
          " elements, got shape ", bias->defined() ? bias->sizes() : Shape{});
}

void check_state(const char* op, const char* name, const Tensor& state, const Tensor& x, const Shape& sizes) {
  if (!state.defined()) return;
  check(state.sizes() == sizes, op, ": Expected ", name, " size ", sizes, ", got ", state.sizes());
  check(state.dtype() == x.dtype(), op, ": Input and hidden tensors are not the same dtype, got ",
        name_of(x.dtype()), " and ", name_of(state.dtype()));
  common_device(op, {&x, &state});
}

// ---------------------------------------------------------------- rows

std::shared_ptr<const Rows> regular_rows(const Tensor& x, bool batch_first) {
  auto rows = std::make_shared<Rows>();
  const int64_t steps = x.sizes()[batch_first], batch = x.sizes()[!batch_first];
  rows->batch = batch;
  rows->total = steps * batch;
  rows->pitch = batch_first ? steps : 1;
  rows->counts.assign(steps, batch);
  for (int64_t t = 0; t < steps; t++) rows->starts.push_back(batch_first ? t : t * batch);
  return rows;
}

std::shared_ptr<const Rows> packed_rows(const char* op, const Tensor& data, const Tensor& batch_sizes) {
  check(batch_sizes.rank() == 1 && batch_sizes.dtype() == DType::Int64 &&
            batch_sizes.device().type == DeviceType::CPU,
        op, ": batch_sizes should be a 1-dimensional int64 tensor on the CPU, got shape ",
        batch_sizes.sizes());
  auto rows = std::make_shared<Rows>();
  const Tensor sizes = contiguous(batch_sizes);
  const int64_t* counts = sizes.data<int64_t>();
  rows->counts.assign(counts, counts + sizes.count());
  for (int64_t count : rows->counts) {
    check(count > 0 && (rows->starts.empty() || count <= rows->counts[rows->starts.size() - 1]), op,
          ": batch_sizes must be positive and must not grow, got ", count);
    rows->starts.push_back(rows->total);
    rows->total += count;
  }
  rows->batch = rows->counts.empty() ? 0 : rows->counts[0];
  check(data.rank() == 2 && data.sizes()[0] == rows->total, op, ": the packed data must have ", rows->total,
        " rows of features, got shape ", data.sizes());
  return rows;
}

// ---------------------------------------------------------------- layers

// The draws of dropout between layers are in the order of the steps, however the rows lie.
Tensor dropped(const Tensor& x, double p, bool by_batch) {
  if (!by_batch) return dropout(x, p, true);
  Tensor noise;
  {
    GradGuard off(false);
    Tensor ones = full({x.sizes()[1], x.sizes()[0], x.sizes()[2]}, 1, x.dtype(), x.device());
    noise = transpose(dropout(ones, p, true), 0, 1);
  }
  return mul(x, noise);
}

Tensor layer_part(const Tensor& states, int64_t layer, int64_t layers, int64_t directions) {
  if (!states.defined() || layers == 1) return states;
  return narrow(states, 0, layer * directions, directions);
}

// Whether the parameters of a direction hold a projection.
bool projects(const Settings& s, const std::vector<Tensor>& params) {
  const int64_t pairs = s.layers * (s.bidirectional ? 2 : 1), plain = s.has_biases ? 4 : 2;
  const int64_t count = int64_t(params.size()), extra = s.cell == RecurrentCell::lstm ? 1 : 0;
  check(s.layers > 0 && (count == pairs * plain || (extra && count == pairs * (plain + 1))), s.op,
        ": expected ", pairs * plain, " parameters for num_layers=", s.layers, ", got ", count);
  return count != pairs * plain;
}

// Output, last state, and lstm's last cell state.
std::vector<Tensor> run_layers(const Settings& s, Tensor x, const std::shared_ptr<const Rows>& rows,
                               const Tensor& h0, const Tensor& c0, const std::vector<Tensor>& params) {
  Layer layer{s.cell, s.has_biases, projects(s, params), s.bidirectional ? 2 : 1, rows, {}, {}, {}};
  check(rows->steps() > 0, s.op, ": Expected sequence length to be larger than 0 in RNN");
  check(s.dropout >= 0 && s.dropout <= 1, s.op, ": dropout probability has to be between 0 and 1, but got ",
        s.dropout);
  std::vector<Tensor> states, cells;
  for (int64_t i = 0; i < s.layers; i++) {
    const int64_t count = layer.directions * layer.weights();
    std::vector<Tensor> inputs{x, layer_part(h0, i, s.layers, layer.directions),
                               layer_part(c0, i, s.layers, layer.directions)};
    inputs.insert(inputs.end(), params.begin() + i * count, params.begin() + (i + 1) * count);
    for (int d = 0; d < layer.directions; d++)
      check_weights(s.op, s.cell, x, x.sizes().back(), parameters_of(layer, inputs, d));
    const Tensor& first = inputs[first_parameter];
    const int64_t outputs = inputs[first_parameter + 1].sizes()[1],
                  hidden = first.sizes()[0] / gates_of(s.cell);
    layer.state_sizes = {layer.directions, rows->batch, outputs};
    layer.cell_sizes = {layer.directions, rows->batch, hidden};
    if (i == 0) {
      check_state(s.op, "hidden", h0, x, {s.layers * layer.directions, rows->batch, outputs});
      check_state(s.op, "hidden[1]", c0, x, {s.layers * layer.directions, rows->batch, hidden});
    }
    layer.out_sizes = x.sizes();
    layer.out_sizes.back() = layer.directions * outputs;
    std::vector<Tensor> results = run(layer, inputs);
    x = results[0];
    states.push_back(results[1]);
    if (results.size() > 2) cells.push_back(results[2]);
    if (s.train && s.dropout > 0 && i + 1 < s.layers) x = dropped(x, s.dropout, rows->pitch != 1);
  }
  std::vector<Tensor> results{x};
  for (const auto& list : {states, cells})
    if (!list.empty()) results.push_back(list.size() == 1 ? list[0] : cat(list, 0));
  return results;
}

std::vector<Tensor> run_network(const Settings& s, const Tensor& x, const std::shared_ptr<const Rows>& rows,
                                const Tensor& h0, const Tensor& c0, const std::vector<Tensor>& params) {
  check_floating(s.op, x);
  if (!is_half(x.dtype())) return run_layers(s, x, rows, h0, c0, params);
  for (const Tensor& w : params)
    check(w.dtype() == x.dtype(), s.op,
          ": expected the input and the weights to have the same dtype, but got ", name_of(x.dtype()),
          " and ", name_of(w.dtype()));
  std::vector<Tensor> results = run_layers(s, widened(x), rows, widened(h0), widened(c0), widened(params));
  for (Tensor& y : results) y = to_dtype(y, x.dtype());
  return results;
}

std::vector<Tensor> run_regular(const Settings& s, const Tensor& x, const Tensor& h0, const Tensor& c0,
                                const std::vector<Tensor>& params, bool batch_first) {
  check(x.rank() == 3, s.op, ": expected an input of 3 dimensions, got shape ", x.sizes());
  return run_network(s, x, regular_rows(x, batch_first), h0, c0, params);
}

OutAndState pair(const std::vector<Tensor>& results) { return {results[0], results[1]}; }
OutAndStates triple(const std::vector<Tensor>& results) { return {results[0], results[1], results[2]}; }

std::pair<Tensor, Tensor> lstm_states(const char* op, const MaybeTensors& hx) {
  if (!hx) return {};
  check(hx->size() == 2, op, " expects two hidden states, got ", hx->size());
  return {(*hx)[0], (*hx)[1]};
}

}  // namespace

template <RecurrentCell cell>
OutAndState rnn(const Tensor& input, const std::optional<Tensor>& hx, const std::vector<Tensor>& params,
                bool has_biases, int64_t num_layers, double dropout, bool train, bool bidirectional,
                bool batch_first) {
  Settings s{name_of(cell), cell, has_biases, num_layers, dropout, train, bidirectional};
  return pair(run_regular(s, input, value_of(hx), {}, params, batch_first));
}
template <RecurrentCell cell>
OutAndState packed_rnn(const Tensor& data, const Tensor& batch_sizes, const std::optional<Tensor>& hx,
                       const std::vector<Tensor>& params, bool has_biases, int64_t num_layers, double dropout,
                       bool train, bool bidirectional) {
  Settings s{name_of(cell), cell, has_biases, num_layers, dropout, train, bidirectional};
  return pair(run_network(s, data, packed_rows(s.op, data, batch_sizes), value_of(hx), {}, params));
}

OutAndStates lstm(const Tensor& input, const MaybeTensors& hx, const std::vector<Tensor>& params,
                  bool has_biases, int64_t num_layers, double dropout, bool train, bool bidirectional,
                  bool batch_first) {
  auto [h0, c0] = lstm_states("lstm", hx);
  Settings s{"lstm", RecurrentCell::lstm, has_biases, num_layers, dropout, train, bidirectional};
  return triple(run_regular(s, input, h0, c0, params, batch_first));
}
OutAndStates packed_lstm(const Tensor& data, const Tensor& batch_sizes, const MaybeTensors& hx,
                         const std::vector<Tensor>& params, bool has_biases, int64_t num_layers,
                         double dropout, bool train, bool bidirectional) {
  auto [h0, c0] = lstm_states("lstm", hx);
  Settings s{"lstm", RecurrentCell::lstm, has_biases, num_layers, dropout, train, bidirectional};
  return triple(run_network(s, data, packed_rows(s.op, data, batch_sizes), h0, c0, params));
}

// ---------------------------------------------------------------- cells

namespace {

std::vector<Tensor> one_step(const char* op, RecurrentCell cell, const Tensor& x, const Tensor& h0,
                             const Tensor& c0, const Tensor& w_ih, const Tensor& w_hh,
                             const std::optional<Tensor>& b_ih, const std::optional<Tensor>& b_hh) {
  check_floating(op, x);
  check(x.rank() == 2, op, ": expected an input of 2 dimensions, got shape ", x.sizes());
  check(b_ih.has_value() == b_hh.has_value(), op, ": expected both biases or none of them");
  std::vector<Tensor> inputs{x, h0, c0, w_ih, w_hh};
  if (b_ih) inputs.insert(inputs.end(), {*b_ih, *b_hh});
  auto rows = std::make_shared<Rows>();
  rows->batch = rows->total = x.sizes()[0];
  rows->starts = {0};
  rows->counts = {rows->batch};
  Layer layer{cell, b_ih.has_value(), false, 1, rows, {}, {}, {}, true};
  check_weights(op, cell, x, x.sizes()[1], parameters_of(layer, inputs, 0));
  layer.out_sizes = layer.state_sizes = layer.cell_sizes = {x.sizes()[0], w_hh.sizes()[1]};
  check_state(op, "hidden", h0, x, layer.state_sizes);
  check_state(op, "cell", c0, x, layer.cell_sizes);
  if (!is_half(x.dtype())) return run(layer, inputs);
  std::vector<Tensor> results = run(layer, widened(inputs));
  for (Tensor& y : results) y = to_dtype(y, x.dtype());
  return results;
}

}  // namespace

template <RecurrentCell cell>
Tensor rnn_cell(const Tensor& input, const std::optional<Tensor>& hx, const Tensor& w_ih, const Tensor& w_hh,
                const std::optional<Tensor>& b_ih, const std::optional<Tensor>& b_hh) {
  return one_step(name_of(cell), cell, input, value_of(hx), {}, w_ih, w_hh, b_ih, b_hh)[0];
}
OutAndState lstm_cell(const Tensor& input, const MaybeTensors& hx, const Tensor& w_ih, const Tensor& w_hh,
                      const std::optional<Tensor>& b_ih, const std::optional<Tensor>& b_hh) {
  auto [h0, c0] = lstm_states("lstm_cell", hx);
  return pair(one_step("lstm_cell", RecurrentCell::lstm, input, h0, c0, w_ih, w_hh, b_ih, b_hh));
}

#define TT_CELL(cell)                                                                                       \
  template OutAndState rnn<cell>(const Tensor&, const std::optional<Tensor>&, const std::vector<Tensor>&,   \
                                 bool, int64_t, double, bool, bool, bool);                                  \
  template OutAndState packed_rnn<cell>(const Tensor&, const Tensor&, const std::optional<Tensor>&,         \
                                        const std::vector<Tensor>&, bool, int64_t, double, bool, bool);     \
  template Tensor rnn_cell<cell>(const Tensor&, const std::optional<Tensor>&, const Tensor&, const Tensor&, \
                                 const std::optional<Tensor>&, const std::optional<Tensor>&);
TT_CELL(RecurrentCell::tanh)
TT_CELL(RecurrentCell::relu)
TT_CELL(RecurrentCell::gru)
#undef TT_CELL

}  // namespace tt
