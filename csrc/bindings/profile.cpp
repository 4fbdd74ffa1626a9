// The profiler as Python sees it, and what it notes of ops.
#include "bindings/profile.h"

#include <iterator>
#include <map>
#include <set>
#include <sstream>

#include "bindings/pybind.h"
#include "graph/node.h"

namespace tt {

namespace {

// ---------------------------------------------------------------- names

std::set<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

// PyTorch answers these without asking its dispatcher, so its profiler does not see them.
const std::set<std::string> silent = words(
    "_gradients _is_view _shares_storage backward can_cast data_ptr dim element_size get_default_device "
    "get_default_dtype get_device is_complex is_conj is_contiguous is_floating_point is_inference is_neg "
    "is_signed ndimension nelement numel promote_types requires_grad_ result_type set_default_device "
    "set_default_dtype size storage_offset stride");

// Where PyTorch has another name for the op that does the work.
const std::map<std::string, const char*> renamed = {
    {"_adagrad_step", "aten::_fused_adagrad_"},
    {"_adam_step", "aten::_fused_adam_"},
    {"_one_hot", "aten::one_hot"},
    {"_sgd_step", "aten::_fused_sgd_"},
    {"_special_i1", "aten::special_i1"},
    {"affine_grid", "aten::affine_grid_generator"},
    {"bfloat16", "aten::to"},
    {"bool", "aten::to"},
    {"byte", "aten::to"},
    {"char", "aten::to"},
    {"cpu", "aten::to"},
    {"cross_entropy", "aten::cross_entropy_loss"},
    {"cuda", "aten::to"},
    {"double", "aten::to"},
    {"float", "aten::to"},
    {"grid_sample", "aten::grid_sampler"},
    {"half", "aten::to"},
    {"int", "aten::to"},
    {"logsigmoid", "aten::log_sigmoid"},
    {"long", "aten::to"},
    {"nn_embedding", "aten::embedding"},
    {"short", "aten::to"},
    {"vector_norm", "aten::linalg_vector_norm"},
};

// Ops that PyTorch composes in Python, or does not have. Neither has it those whose names begin with "_".
const std::set<std::string> our_own = words(
    "asarray frombuffer gaussian_nll_loss interpolate max_unpool1d multilabel_soft_margin_loss new_tensor "
    "normalize softmin softsign take_pictures unique unravel_index");

// ---------------------------------------------------------------- what an event holds

EventInput input_of(PyObject* argument) {
  if (!argument || !is_tensor(argument)) return {};
  const Tensor& x = tensor_of(argument);
  return {true, x.dtype(), x.sizes()};
}

struct Frame {
  py::object code;
  int line;
};
// Python's stacks at the events of this session, innermost frame first; the interpreter's lock guards them.
std::vector<std::vector<Frame>>& stacks() {
  static auto* all = new std::vector<std::vector<Frame>>;
  return *all;
}

int64_t record_stack() {
  std::vector<Frame> frames;
  auto frame = py::reinterpret_steal<py::object>(
      reinterpret_cast<PyObject*>(PyThreadState_GetFrame(PyThreadState_Get())));
  while (frame) {
    auto* raw = reinterpret_cast<PyFrameObject*>(frame.ptr());
    auto code = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyFrame_GetCode(raw)));
    frames.push_back({std::move(code), PyFrame_GetLineNumber(raw)});
    frame = py::reinterpret_steal<py::object>(reinterpret_cast<PyObject*>(PyFrame_GetBack(raw)));
  }
  stacks().push_back(std::move(frames));
  return int64_t(stacks().size()) - 1;
}

// ---------------------------------------------------------------- for Python

// Loops call with the same inputs again and again: equal lists of sizes are one Python object.
class PythonInputs {
 public:
  // The sizes and the types of all inputs, [] and "" for one that is no tensor.
  py::tuple of(const std::vector<EventInput>& inputs) {
    std::vector<int64_t> key;
    for (const EventInput& input : inputs) {
      key.push_back(input.is_tensor ? int64_t(input.dtype) : -1);
      key.push_back(input.sizes.size());
      key.insert(key.end(), input.sizes.begin(), input.sizes.end());
    }
    auto [found, fresh] = known_.try_emplace(std::move(key));
    if (fresh) found->second = made(inputs);
    return found->second;
  }

 private:
  static py::tuple made(const std::vector<EventInput>& inputs) {
    py::list shapes, types;
    for (const EventInput& input : inputs) {
      py::list sizes;
      for (int64_t size : input.sizes) sizes.append(size);
      shapes.append(sizes);
      types.append(input.is_tensor ? name_of(input.dtype) : "");
    }
    return py::make_tuple(shapes, types);
  }
  std::map<std::vector<int64_t>, py::tuple> known_;
};

py::tuple python_stack(int64_t stack) {
  if (stack < 0 || stack >= int64_t(stacks().size())) return py::tuple();
  const auto& frames = stacks()[size_t(stack)];
  py::tuple entries(frames.size());
  for (size_t i = 0; i < frames.size(); i++) entries[i] = py::make_tuple(frames[i].code, frames[i].line);
  return entries;
}

// The order of the fields is that of RawEvent in tinytensor/profiler/_recording.py.
py::tuple python_event(const Event& event, PythonInputs& inputs) {
  const EventDetails& details = event.details;
  return py::make_tuple(event.name, event.note ? py::object(py::str(event.note)) : py::none(),
                        int(event.kind), event.parent, event.start, event.end, event.bytes, details.sequence,
                        details.last_sequence, details.result_count, inputs.of(details.inputs),
                        python_stack(details.stack));
}

py::list stop() {
  py::list lists;
  PythonInputs inputs;
  for (const EventList& list : stop_profiling()) {
    py::list events;
    for (const Event& event : list.events) events.append(python_event(event, inputs));
    lists.append(py::make_tuple(list.thread, list.dropped, events));
  }
  stacks().clear();
  return lists;
}

void start(bool shapes, bool memory, bool with_stacks, bool modules, int32_t limit) {
  start_profiling({shapes, memory, with_stacks, modules, limit});
  stacks().clear();
}

}  // namespace

const char* event_name(const std::string& op) {
  if (silent.contains(op)) return nullptr;
  if (auto found = renamed.find(op); found != renamed.end()) return found->second;
  static auto* names = new std::set<std::string>;
  bool own = op.starts_with('_') || our_own.contains(op);
  return names->insert((own ? "tinytensor::" : "aten::") + op).first->c_str();
}

OpEvent::OpEvent(const char* name, PyObject* const* arguments, size_t count) : named_(name) {
  if (!name) return;
  const ProfileOptions options = profile_options();
  if (options.stacks) details_.stack = record_stack();
  for (size_t i = 0; options.shapes && i < count; i++) details_.inputs.push_back(input_of(arguments[i]));
  details_.sequence = newest_sequence();
  event_ = open_event(EventKind::Op, name);
}

OpEvent::~OpEvent() {
  if (!named_) return;
  details_.last_sequence = newest_sequence();
  close_event(event_, std::move(details_));
}

void OpEvent::note_result(PyObject* result) {
  if (result && PyTuple_Check(result) && PyTuple_GET_SIZE(result)) result = PyTuple_GET_ITEM(result, 0);
  if (result && is_tensor(result)) details_.result_count = tensor_of(result).count();
}

void define_profile(py::module_& module) {
  py::class_<OpenEvent>(module, "_OpenEvent", "A range of the profiler that has not ended.")
      .def("close", [](const OpenEvent& event) { close_event(event); });
  module.def("_profiling", profiling, "Whether a profiler records.");
  module.def("_profile_start", start, py::arg("shapes"), py::arg("memory"), py::arg("stacks"),
             py::arg("modules"), py::arg("limit"));
  module.def("_profile_stop", stop, "The events of every thread.");
  module.def("_profile_pause", pause_profiling, py::arg("paused"));
  module.def("_profile_time", profile_time, "The clock of events, in nanoseconds.");
  module.def(
      "_open_range",
      [](const std::string& name, const std::string& note) -> std::optional<OpenEvent> {
        if (!profiling()) return std::nullopt;
        return open_range(EventKind::Range, name, note);
      },
      py::arg("name"), py::arg("note"), "None where no profiler records.");
}

}  // namespace tt
