// Autograd for Python: modes, nodes, backward, hooks, custom functions.
#include "bindings/hooks.h"
#include "bindings/pybind.h"
#include "bindings/registry.h"
#include "engine/backward.h"

namespace tt {
namespace {

// ---------------------------------------------------------------- nodes and hooks

// A Python object that keeps a node alive; one per node while anybody looks at it.
struct PyNode {
  Ref<Node> node;
};

// A hook from Python: called with a tensor; what it returns replaces the gradient, None leaves it as it is.
struct PythonHook {
  py::function hook;
  Tensor operator()(const Tensor& g) const {
    py::gil_scoped_acquire lock;
    py::object result = hook(g);
    if (result.is_none()) return {};
    check_type(is_tensor(result.ptr()), "expected Variable, but hook returned '",
               Py_TYPE(result.ptr())->tp_name, "'");
    const Tensor& changed = tensor_of(result.ptr());
    check(changed.sizes() == g.sizes(), "hook has changed the size of value: ", g.sizes(), " became ",
          changed.sizes());
    return changed;
  }
};

// The same for one that is told that the gradient has arrived.
struct PythonNotice {
  py::function hook;
  void operator()(const Tensor& variable) const {
    py::gil_scoped_acquire lock;
    hook(variable);
  }
};

HookList& hooks_of(const Tensor& x) {
  check(needs_grad(x), "cannot register a hook on a tensor that doesn't require gradient");
  std::shared_ptr<HookList>* list = &autograd_of(x).hooks;
  if (!is_leaf(x)) list = &producer_of(x)->more().tensor_hooks[autograd_of(x).producer.output];
  if (!*list) *list = std::make_shared<HookList>();
  return **list;
}

// Removes an entry of a list of hooks; safe to call after everything else is gone.
class HookHandle {
 public:
  explicit HookHandle(std::function<void()> remove) : remove_(std::move(remove)) {}
  void remove() {
    if (remove_) std::exchange(remove_, nullptr)();
  }

 private:
  std::function<void()> remove_;
};

HookHandle register_hook(const Tensor& x, py::function hook) {
  HookList& list = hooks_of(x);
  int64_t id = list.next++;
  list.hooks[id] = PythonHook{std::move(hook)};
  std::weak_ptr<HookList> weak =
      is_leaf(x) ? autograd_of(x).hooks : producer_of(x)->more().tensor_hooks[autograd_of(x).producer.output];
  return HookHandle([weak, id] {
    if (auto alive = weak.lock()) alive->hooks.erase(id);
  });
}

HookHandle register_post_accumulate_grad_hook(const Tensor& x, py::function hook) {
  check(needs_grad(x), "cannot register a hook on a tensor that doesn't require gradient");
  check(is_leaf(x), "post accumulate grad hooks cannot be registered on non-leaf tensors");
  Autograd& state = autograd_of(x);
  int64_t id = state.next_post_hook++;
  state.post_accumulate_hooks[id] = PythonNotice{std::move(hook)};
  return HookHandle([x, id] { autograd_of(x).post_accumulate_hooks.erase(id); });
}

void retain_grad(const Tensor& x) {
  check(needs_grad(x), "can't retain_grad on Tensor that has requires_grad=False");
  if (producer_of(x)) retain_gradient(x);
}

py::tuple python_gradients(const Gradients& gradients) {
  py::tuple tuple(gradients.size());
  for (int i = 0; i < gradients.size(); i++) PyTuple_SET_ITEM(tuple.ptr(), i, wrap(gradients[i]));
  return tuple;
}

void take_gradients(Gradients& gradients, const py::object& changed) {
  if (changed.is_none()) return;
  py::sequence list =
      is_tensor(changed.ptr()) ? py::sequence(py::make_tuple(changed)) : py::sequence(changed);
  for (int i = 0; i < gradients.size() && i < int(list.size()); i++) {
    py::object entry = list[i];
    gradients[i] = entry.is_none() ? Tensor() : tensor_of(entry.ptr());
  }
}

HookHandle register_node_hook(PyNode& self, py::function hook) {
  NodeExtras& extras = self.node->more();
  int64_t id = extras.next_hook++;
  extras.hooks[id] = [hook](const Gradients& outputs, Gradients& inputs) {
    py::gil_scoped_acquire lock;
    take_gradients(inputs, hook(python_gradients(inputs), python_gradients(outputs)));
  };
  return HookHandle([node = self.node, id] { node->more().hooks.erase(id); });
}

HookHandle register_node_prehook(PyNode& self, py::function hook) {
  NodeExtras& extras = self.node->more();
  int64_t id = extras.next_hook++;
  extras.pre_hooks[id] = [hook](Gradients& outputs) {
    py::gil_scoped_acquire lock;
    take_gradients(outputs, hook(python_gradients(outputs)));
  };
  return HookHandle([node = self.node, id] { node->more().pre_hooks.erase(id); });
}

// ---------------------------------------------------------------- custom functions

// Values that ctx.save_for_backward keeps. The context holds this list; the node, which owns the context, is
// known here without being owned, and takes the values away when it is freed or has run.
struct SavedList {
  std::vector<SavedTensor> tensors;
  Node* node = nullptr;
};

// The node of an autograd.Function: its backward is a Python callable of the context and the gradients.
class PythonNode final : public Node {
 public:
  py::object context, backward;
  std::shared_ptr<SavedList> saved = std::make_shared<SavedList>();
  bool materialize_grads;
  PythonNode(const char* name, py::object context, py::object backward, bool materialize_grads)
      : Node(name),
        context(std::move(context)),
        backward(std::move(backward)),
        materialize_grads(materialize_grads) {
    saved->node = this;
  }
  ~PythonNode() override {
    py::gil_scoped_acquire lock;
    saved->node = nullptr;
    saved->tensors.clear();
    backward = py::object();
    context = py::object();
  }
  Gradients apply(Gradients& gradients) override {
    py::gil_scoped_acquire lock;
    py::tuple arguments(gradients.size() + 1);
    arguments[0] = context;
    for (int i = 0; i < gradients.size(); i++) {
      const OutputInfo& info = outputs[i];
      bool fill = materialize_grads && !gradients[i].defined();
      Tensor g = fill ? zeros(info.sizes, info.dtype, info.device) : gradients[i];
      PyTuple_SET_ITEM(arguments.ptr(), i + 1, wrap(g));
    }
    auto result = py::reinterpret_steal<py::tuple>(PyObject_CallObject(backward.ptr(), arguments.ptr()));
    if (!result) throw py::error_already_set();
    Gradients out(edges.size());
    for (int i = 0; i < out.size(); i++) {
      py::object g = result[i];
      if (g.is_none() || !wants(i)) continue;
      out[i] = tensor_of(g.ptr());
    }
    return out;
  }
  void forget() override {
    for (SavedTensor& value : saved->tensors) value.drop();
    forgotten_ = true;
  }
  bool is_forgotten() const override { return forgotten_ && !saved->tensors.empty(); }

 private:
  bool forgotten_ = false;
};

py::tuple unpack_saved(const std::shared_ptr<SavedList>& saved) {
  check(saved->node, "saved_tensors: the graph that saved them is gone");
  Ref<Node> node(saved->node);
  if (node->is_forgotten()) fail_forgotten(*node);
  py::tuple values(saved->tensors.size());
  for (size_t i = 0; i < saved->tensors.size(); i++)
    PyTuple_SET_ITEM(values.ptr(), Py_ssize_t(i), wrap(saved->tensors[i].unpack(node)));
  return values;
}

const char* interned(const std::string& name) {
  static auto* names = new std::set<std::string>;
  return names->insert(name).first->c_str();
}

bool is_among(const Tensor& x, const std::vector<Tensor>& list) {
  return std::any_of(list.begin(), list.end(), [&](const Tensor& y) { return x.is(y); });
}

// A tensor of its own over the memory of x.
Tensor fresh_alias(const Tensor& x) {
  return tensor_over(x.storage(), x.sizes(), x.strides(), x.offset(), x.dtype());
}

// Gives the outputs of a custom function their history; what the arguments are stands in
// autograd/function.py.
py::tuple record_function(const std::string& name, py::object context, const std::vector<Tensor>& inputs,
                          std::vector<Tensor> outputs, const std::vector<Tensor>& dirty,
                          const std::vector<Tensor>& non_differentiable, const std::vector<Tensor>& to_save,
                          bool materialize_grads, py::object backward) {
  bool records = any_needs_grad(inputs);
  for (Tensor& y : outputs)
    if (is_among(y, inputs) && !is_among(y, dirty) && (records || needs_grad(y))) y = fresh_alias(y);
  if (!records) return py::make_tuple(py::tuple(py::cast(outputs)), py::none());

  auto* node = new PythonNode(interned(name), std::move(context), std::move(backward), materialize_grads);
  Ref<Node> owner = Ref<Node>::adopt(node);
  connect(*node, inputs);
  for (const Tensor& y : outputs) {
    if (is_among(y, dirty)) {
      check(!needs_grad(y) || !is_leaf(y), name,
            ": a leaf Variable that requires grad has been used in an in-place operation.");
      rebase_history(y, owner);
      continue;
    }
    uint32_t number = node->add_output(y);
    if (y.is_floating() && !is_among(y, non_differentiable)) set_producer(y, owner, number);
  }
  for (const Tensor& x : to_save) {
    auto output =
        std::find_if(outputs.begin(), outputs.end(), [&](const Tensor& y) { return x.defined() && x.is(y); });
    bool own = output != outputs.end();
    node->saved->tensors.emplace_back(x, own ? x : Tensor(), own ? uint32_t(output - outputs.begin()) : 0);
  }
  return py::make_tuple(py::tuple(py::cast(outputs)), py::cast(node->saved));
}

// ---------------------------------------------------------------- backward

py::object backward(const std::vector<Tensor>& roots, py::tuple gradients, bool retain_graph,
                    bool create_graph, py::object inputs, bool allow_unused, bool accumulate) {
  BackwardOptions options{.retain_graph = retain_graph,
                          .create_graph = create_graph,
                          .inputs = {},
                          .accumulate = accumulate,
                          .allow_unused = allow_unused};
  if (!inputs.is_none()) options.inputs = tensors_of(inputs.ptr());
  std::vector<Tensor> start;
  for (py::handle g : gradients) start.push_back(g.is_none() ? Tensor() : tensor_of(g.ptr()));
  std::vector<Tensor> results = run_backward(roots, start, options);
  if (accumulate) return py::none();
  py::tuple tuple(results.size());
  for (size_t i = 0; i < results.size(); i++) PyTuple_SET_ITEM(tuple.ptr(), Py_ssize_t(i), wrap(results[i]));
  return tuple;
}

std::string python_traceback() {
  py::gil_scoped_acquire lock;
  py::object lines = py::module_::import("traceback").attr("format_stack")();
  return py::str("").attr("join")(lines).cast<std::string>();
}

void check_signals() {
  py::gil_scoped_acquire lock;
  if (PyErr_CheckSignals()) throw py::error_already_set();
}

void push_saving_hooks(py::function pack, py::function unpack) {
  auto keep = [](py::object object) {
    return std::shared_ptr<void>(object.release().ptr(), [](void* held) {
      py::gil_scoped_acquire lock;
      Py_DECREF(static_cast<PyObject*>(held));
    });
  };
  auto hooks = std::make_shared<SavingHooks>();
  hooks->pack = [pack = keep(pack), keep](const Tensor& x) {
    py::gil_scoped_acquire lock;
    return keep(py::handle(static_cast<PyObject*>(pack.get()))(x));
  };
  hooks->unpack = [unpack = keep(unpack)](const std::shared_ptr<void>& content) {
    py::gil_scoped_acquire lock;
    py::object value =
        py::handle(static_cast<PyObject*>(unpack.get()))(py::handle(static_cast<PyObject*>(content.get())));
    check_type(is_tensor(value.ptr()), "saved_tensors_hooks: the unpack hook must return a Tensor, got ",
               Py_TYPE(value.ptr())->tp_name);
    return tensor_of(value.ptr());
  };
  saving_hooks.push_back(std::move(hooks));
}

// Tensor.backward: the short way into the engine.
void backward_from(const Tensor& root, std::optional<Tensor> gradient, std::optional<bool> retain_graph,
                   bool create_graph, std::optional<std::vector<Tensor>> inputs) {
  BackwardOptions options{.retain_graph = retain_graph.value_or(create_graph),
                          .create_graph = create_graph,
                          .inputs = std::move(inputs),
                          .accumulate = true,
                          .allow_unused = true};
  run_backward({root}, {gradient.value_or(Tensor())}, options);
}

}  // namespace

int visit_hooks(const Tensor& x, visitproc visit, void* arg) {
  Autograd* state = autograd_if_any(x);
  if (!state) return 0;
  if (state->hooks)
    for (const auto& [id, hook] : state->hooks->hooks)
      if (const auto* held = hook.target<PythonHook>()) Py_VISIT(held->hook.ptr());
  for (const auto& [id, hook] : state->post_accumulate_hooks)
    if (const auto* held = hook.target<PythonNotice>()) Py_VISIT(held->hook.ptr());
  return 0;
}

void clear_hooks(const Tensor& x) {
  Autograd* state = autograd_if_any(x);
  if (!state) return;
  auto hooks = std::exchange(state->hooks, nullptr);
  auto post_hooks = std::exchange(state->post_accumulate_hooks, {});
}

void bind_autograd(Registry& registry) {
  registry.op<backward_from>(
      "backward(input, gradient=None, retain_graph=None, create_graph=False, inputs=None)", method,
      "Adds to the .grad of every leaf its gradient of this tensor.");
}

py::object node_object(const Ref<Node>& node) { return node ? py::cast(PyNode{node}) : py::none(); }

void define_autograd(py::module_& module) {
  set_traceback_source(python_traceback);
  set_interrupt_check(check_signals);
  py::class_<HookHandle>(module, "_RemovableHandle", "Removes a hook.")
      .def("remove", &HookHandle::remove)
      .def("__enter__", [](py::object self) { return self; })
      .def("__exit__", [](HookHandle& self, py::args) { self.remove(); });
  py::class_<PyNode>(module, "Node", "A step of the autograd graph.")
      .def("name", [](const PyNode& self) { return self.node->name; })
      .def_property_readonly("next_functions",
                             [](const PyNode& self) {
                               py::list list;
                               for (const Edge& edge : self.node->edges)
                                 list.append(py::make_tuple(node_object(edge.node), edge.output));
                               return py::tuple(list);
                             })
      .def_property_readonly("variable",
                             [](const PyNode& self) {
                               auto* leaf = dynamic_cast<AccumulateGrad*>(self.node.get());
                               if (!leaf)
                                 throw py::attribute_error(std::string(self.node->name) + " has no variable");
                               return leaf->variable;
                             })
      .def("_sequence_nr", [](const PyNode& self) { return self.node->sequence; })
      .def("__call__",
           [](const PyNode& self, py::args args) {
             Gradients gradients;
             for (py::handle g : args) gradients.push_back(g.is_none() ? Tensor() : tensor_of(g.ptr()));
             Gradients out = self.node->apply(gradients);
             return out.size() == 1 ? py::object(python_gradients(out)[0])
                                    : py::object(python_gradients(out));
           })
      .def("__getattr__",
           [](const PyNode& self, const std::string& name) -> py::object {
             auto* custom = dynamic_cast<PythonNode*>(self.node.get());
             if (!custom)
               throw py::attribute_error(std::string(self.node->name) + " has no attribute '" + name + "'");
             return py::getattr(custom->context, name.c_str());
           })
      .def("register_hook", register_node_hook)
      .def("register_prehook", register_node_prehook)
      .def("__eq__",
           [](const PyNode& a, py::handle b) {
             return py::isinstance<PyNode>(b) && a.node == b.cast<PyNode>().node;
           })
      .def("__hash__", [](const PyNode& self) { return reinterpret_cast<intptr_t>(self.node.get()); })
      .def("__repr__", [](const PyNode& self) {
        return text('<', self.node->name, " object at ", static_cast<const void*>(self.node.get()), '>');
      });

  py::class_<SavedList, std::shared_ptr<SavedList>>(module, "_SavedTensors").def("unpack", unpack_saved);

  module.def("_record_function", record_function);
  module.def("_run_backward", [](const std::vector<Tensor>& roots, py::tuple gradients, bool retain_graph,
                                 bool create_graph, py::object inputs, bool allow_unused, bool accumulate) {
    return backward(roots, gradients, retain_graph, create_graph, inputs, allow_unused, accumulate);
  });
  module.def("_register_hook", register_hook);
  module.def("_register_post_accumulate_grad_hook", register_post_accumulate_grad_hook);
  module.def("_retain_grad", retain_grad);
  module.def("_push_saved_tensors_hooks", push_saving_hooks);
  module.def("_pop_saved_tensors_hooks", [] { saving_hooks.pop_back(); });
  module.def(
      "is_grad_enabled", [] { return autograd_mode.grad; },
      "is_grad_enabled()\n\nWhether operations are recorded.");
  module.def("is_inference_mode_enabled", [] { return inference_mode; }, "is_inference_mode_enabled()");
  module.def("_set_grad_enabled", [](bool on) { autograd_mode.grad = on; });
  module.def("_set_inference_mode", [](bool on) { inference_mode = on; });
  module.def("_set_anomaly", [](bool on, bool check_nan) {
    autograd_mode.anomaly = on;
    autograd_mode.anomaly_checks_nan = check_nan;
  });
  module.def("is_anomaly_enabled", [] { return autograd_mode.anomaly; }, "is_anomaly_enabled()");
  module.def(
      "is_anomaly_check_nan_enabled", [] { return autograd_mode.anomaly_checks_nan; },
      "is_anomaly_check_nan_enabled()");
}

}  // namespace tt
