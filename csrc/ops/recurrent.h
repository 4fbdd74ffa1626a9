// Recurrent networks and their cells. `params` holds, layer by layer and direction by direction, the weight
// of the input, the weight of the state, their two biases where there are biases, and lstm's projection where
// there is one. Absent states are zeros.
#pragma once
#include <tuple>

#include "kernels/recurrent_call.h"
#include "ops/internal.h"

namespace tt {

using OutAndState = std::tuple<Tensor, Tensor>;
using OutAndStates = std::tuple<Tensor, Tensor, Tensor>;
using MaybeTensors = std::optional<std::vector<Tensor>>;

// ---- input [steps, batch, features], or [batch, steps, features]; for every cell but lstm
template <RecurrentCell cell>
OutAndState rnn(const Tensor& input, const std::optional<Tensor>& hx, const std::vector<Tensor>& params,
                bool has_biases, int64_t num_layers, double dropout, bool train, bool bidirectional,
                bool batch_first);
OutAndStates lstm(const Tensor& input, const MaybeTensors& hx, const std::vector<Tensor>& params,
                  bool has_biases, int64_t num_layers, double dropout, bool train, bool bidirectional,
                  bool batch_first);

// ---- packed sequences: the rows of all steps after each other, and how many there are at each step
template <RecurrentCell cell>
OutAndState packed_rnn(const Tensor& data, const Tensor& batch_sizes, const std::optional<Tensor>& hx,
                       const std::vector<Tensor>& params, bool has_biases, int64_t num_layers, double dropout,
                       bool train, bool bidirectional);
OutAndStates packed_lstm(const Tensor& data, const Tensor& batch_sizes, const MaybeTensors& hx,
                         const std::vector<Tensor>& params, bool has_biases, int64_t num_layers,
                         double dropout, bool train, bool bidirectional);

// ---- one step
template <RecurrentCell cell>
Tensor rnn_cell(const Tensor& input, const std::optional<Tensor>& hx, const Tensor& w_ih, const Tensor& w_hh,
                const std::optional<Tensor>& b_ih, const std::optional<Tensor>& b_hh);
OutAndState lstm_cell(const Tensor& input, const MaybeTensors& hx, const Tensor& w_ih, const Tensor& w_hh,
                      const std::optional<Tensor>& b_ih, const std::optional<Tensor>& b_hh);

}  // namespace tt
