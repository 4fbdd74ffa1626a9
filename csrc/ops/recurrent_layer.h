// One recurrent layer, both of its directions: what the networks and the cells are made of.
#pragma once
#include <memory>
#include <vector>

#include "kernels/recurrent_call.h"
#include "ops/internal.h"

namespace tt::recurrent {

// Where the rows of a step lie: row starts[t] + b * pitch, for b < counts[t].
struct Rows {
  std::vector<int64_t> starts, counts;
  int64_t pitch = 1, batch = 0, total = 0;
  int64_t steps() const { return int64_t(starts.size()); }
};

struct Layer {
  RecurrentCell cell;
  bool has_biases, projects;
  int directions;
  std::shared_ptr<const Rows> rows;
  Shape out_sizes;    // ends with directions * outputs
  Shape state_sizes;  // ends with outputs, and so on for the cell
  Shape cell_sizes;
  bool one_step = false;  // the result is the new state, and there is no other

  int weights() const { return 2 + 2 * has_biases + projects; }  // of a direction
};

// The inputs of a layer as a list: x, the state, lstm's cell state, then the parameters.
struct Parameters {
  Tensor w_ih, w_hh, b_ih, b_hh, w_hr;
};
constexpr int first_parameter = 3;
Parameters parameters_of(const Layer& layer, const std::vector<Tensor>& inputs, int direction);

// The output, the last state unless that is the output, and lstm's last cell state.
std::vector<Tensor> run(const Layer& layer, const std::vector<Tensor>& inputs);

// ---- the same from ops that are recorded one by one
std::vector<Tensor> compose(const Layer& layer, const std::vector<Tensor>& inputs);
// The gradients of the inputs as differentiable functions of the inputs and of the gradients given.
Gradients compose_backward(const Layer& layer, const Gradients& grads, Wanted wanted,
                           const std::vector<Tensor>& inputs);

}  // namespace tt::recurrent
