#include "ops/recurrent.h"

#include "bindings/registry.h"

namespace tt {

// The signatures of one network: of whole sequences, of packed ones, and of a single step.
#define TT_NETWORK(name)                                                                      \
  name "(input, hx, params, has_biases: bool, num_layers: int, dropout: float, train: bool, " \
       "bidirectional: bool, batch_first: bool)"
#define TT_PACKED(name)                                                                                   \
  name "(data, batch_sizes, hx, params, has_biases: bool, num_layers: int, dropout: float, train: bool, " \
       "bidirectional: bool)"
#define TT_CELL(name) name "(input, hx, w_ih, w_hh, b_ih=None, b_hh=None)"

void bind_recurrent(Registry& registry) {
  registry.op<rnn<RecurrentCell::tanh>>(TT_NETWORK("rnn_tanh"), function, "A recurrent network with tanh.")
      .op<packed_rnn<RecurrentCell::tanh>>(TT_PACKED("rnn_tanh"), function)
      .op<rnn<RecurrentCell::relu>>(TT_NETWORK("rnn_relu"), function, "A recurrent network with relu.")
      .op<packed_rnn<RecurrentCell::relu>>(TT_PACKED("rnn_relu"), function)
      .op<rnn<RecurrentCell::gru>>(TT_NETWORK("gru"), function, "A network of gated recurrent units.")
      .op<packed_rnn<RecurrentCell::gru>>(TT_PACKED("gru"), function)
      .op<lstm>(TT_NETWORK("lstm"), function, "A network of long short-term memory cells.")
      .op<packed_lstm>(TT_PACKED("lstm"), function)
      .op<rnn_cell<RecurrentCell::tanh>>(TT_CELL("rnn_tanh_cell"), function, "One step of rnn_tanh.")
      .op<rnn_cell<RecurrentCell::relu>>(TT_CELL("rnn_relu_cell"), function, "One step of rnn_relu.")
      .op<rnn_cell<RecurrentCell::gru>>(TT_CELL("gru_cell"), function, "One step of gru.")
      .op<lstm_cell>(TT_CELL("lstm_cell"), function, "One step of lstm.");
}

#undef TT_NETWORK
#undef TT_PACKED
#undef TT_CELL

}  // namespace tt
