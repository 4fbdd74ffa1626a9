// The reverse pass: from results back to leaves, youngest node first.
#pragma once
#include <optional>
#include <vector>

#include "graph/node.h"

namespace tt {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  // With inputs: only what leads to them is walked. `accumulate` adds to their .grad, otherwise their
  // gradients are returned, in order.
  std::optional<std::vector<Tensor>> inputs;
  bool accumulate = true;
  bool allow_unused = false;
};

// `gradients` has one entry per root; an undefined one stands for 1, which only a one-element root may have.
std::vector<Tensor> run_backward(const std::vector<Tensor>& roots, const std::vector<Tensor>& gradients,
                                 const BackwardOptions& options);

void set_interrupt_check(void (*check)());  // called now and then between nodes; may throw

}  // namespace tt
