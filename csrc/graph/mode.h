// Which of autograd's modes this thread is in.
#pragma once

namespace tt {

struct AutogradMode {
  bool grad = true;
  bool anomaly = false;
  bool anomaly_checks_nan = true;
};
// Visible, so that all modules share the one of a thread.
[[gnu::visibility("default")]] inline thread_local AutogradMode autograd_mode;

inline bool grad_enabled() { return autograd_mode.grad; }

class GradGuard {  // sets grad mode for a scope
 public:
  explicit GradGuard(bool enabled) : before_(autograd_mode.grad) { autograd_mode.grad = enabled; }
  ~GradGuard() { autograd_mode.grad = before_; }
  GradGuard(const GradGuard&) = delete;

 private:
  bool before_;
};

}  // namespace tt
