// Steps of optimizers over Python's own dictionaries: optimizer.state and an entry of optimizer.param_groups.
// Nothing is kept between steps, so whatever a program does to them holds.
#include "ops/optimizer.h"

#include "bindings/registry.h"
#include "graph/node.h"

namespace tt {
namespace {

template <size_t N>
struct Name {
  char text[N];
  consteval Name(const char (&name)[N]) { std::copy(name, name + N, text); }
};

// An interned string, made once.
template <Name name>
PyObject* key() {
  static PyObject* const string = PyUnicode_InternFromString(name.text);
  return string;
}

double number_from(PyObject* value, PyObject* name) {
  if (PyFloat_CheckExact(value)) return PyFloat_AS_DOUBLE(value);
  if (is_tensor(value)) return item(tensor_of(value)).to<double>();
  check_type(is_number(value), "optimizer: expected a number for ", PyUnicode_AsUTF8(name), ", got ",
             Py_TYPE(value)->tp_name);
  return scalar_of(value).to<double>();
}

PyObject* entry_or_null(PyObject* dict, PyObject* name) {
  PyObject* value = PyDict_GetItemWithError(dict, name);
  if (!value && PyErr_Occurred()) throw_python_error();
  return value;
}

PyObject* entry(PyObject* dict, PyObject* name) {
  PyObject* value = entry_or_null(dict, name);
  if (value) return value;
  PyErr_SetObject(PyExc_KeyError, name);
  throw_python_error();
}

const Tensor& tensor_entry(PyObject* dict, PyObject* name) {
  PyObject* value = entry(dict, name);
  check_type(is_tensor(value), "optimizer: expected a tensor for ", PyUnicode_AsUTF8(name), ", got ",
             Py_TYPE(value)->tp_name);
  return tensor_of(value);
}

Tensor gradient_of(const Tensor& x) {
  Autograd* state = autograd_if_any(x);
  return state ? state->grad : Tensor();
}

using Names = std::initializer_list<PyObject*>;

class Group {
 public:
  // `make_state(group, param, state)` fills the dictionary of a parameter that has none yet.
  Group(const py::object& state, const py::object& group, const py::object& make_state)
      : state_(state.ptr()), group_(group.ptr()), make_state_(make_state.ptr()) {
    check_type(PyDict_Check(state_) && PyDict_Check(group_),
               "optimizer: state and param_groups must hold dictionaries");
  }

  template <Name name>
  double number() const {
    return number_from(entry(group_, key<name>()), key<name>());
  }
  template <Name name>
  bool flag() const {
    int truth = PyObject_IsTrue(entry(group_, key<name>()));
    if (truth < 0) throw_python_error();
    return truth;
  }
  template <Name name>
  std::pair<double, double> pair() const {
    py::object both = fast(entry(group_, key<name>()));
    check_value(PySequence_Fast_GET_SIZE(both.ptr()) == 2, "optimizer: expected a pair for ", name.text);
    return {number_from(PySequence_Fast_GET_ITEM(both.ptr(), 0), key<name>()),
            number_from(PySequence_Fast_GET_ITEM(both.ptr(), 1), key<name>())};
  }

  // The parameters that have gradients, with what is kept for them. Where `replaced` says so, a missing first
  // state is made anew; otherwise a state is made only for a parameter that has none at all.
  SteppedList stepped(Names states, Names numbers, bool replaced = false) const {
    py::object params = fast(entry(group_, key<"params">()));
    SteppedList list;
    list.reserve(PySequence_Fast_GET_SIZE(params.ptr()));
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(params.ptr()); i++) {
      auto held = py::reinterpret_borrow<py::object>(PySequence_Fast_GET_ITEM(params.ptr(), i));
      PyObject* param = held.ptr();
      check_type(is_tensor(param), "optimizer: can only optimize Tensors, but one of the params is ",
                 Py_TYPE(param)->tp_name);
      Tensor grad = gradient_of(tensor_of(param));
      if (!grad.defined()) continue;
      Stepped& item = list.emplace_back();
      item.param = tensor_of(param);
      item.grad = std::move(grad);
      if (states.size() + numbers.size()) fill(item, param, states, numbers, replaced);
    }
    return list;
  }

 private:
  static py::object fast(PyObject* sequence) {
    auto result =
        py::reinterpret_steal<py::object>(PySequence_Fast(sequence, "optimizer: expected a list or a tuple"));
    if (!result) throw_python_error();
    return result;
  }

  void fill(Stepped& item, PyObject* param, Names states, Names numbers, bool replaced) const {
    auto kept = py::reinterpret_borrow<py::object>(entry_or_null(state_, param));
    if (!kept) {
      kept = py::dict();
      if (PyDict_SetItem(state_, param, kept.ptr()) < 0) throw_python_error();
    }
    check_type(PyDict_Check(kept.ptr()), "optimizer: the state of a parameter must be a dictionary, got ",
               Py_TYPE(kept.ptr())->tp_name);
    PyObject* first = replaced ? entry_or_null(kept.ptr(), *states.begin()) : nullptr;
    item.fresh = replaced ? !first || first == Py_None : PyDict_Size(kept.ptr()) == 0;
    if (item.fresh) {
      PyObject* arguments[] = {group_, param, kept.ptr()};
      auto done = py::reinterpret_steal<py::object>(PyObject_Vectorcall(make_state_, arguments, 3, nullptr));
      if (!done) throw_python_error();
    }
    int i = 0;
    for (PyObject* name : states) item.state[i++] = tensor_entry(kept.ptr(), name);
    i = 0;
    for (PyObject* name : numbers) item.numbers[i++] = tensor_entry(kept.ptr(), name);
  }

  PyObject *state_, *group_, *make_state_;
};

template <auto step>
void run(const py::object& state, const py::object& group, const py::object& make_state) {
  step(Group(state, group, make_state));
}

void sgd(const Group& g) {
  SgdOptions o{g.number<"lr">(),           g.number<"momentum">(), g.number<"dampening">(),
               g.number<"weight_decay">(), g.flag<"nesterov">(),   g.flag<"maximize">()};
  sgd_step(o.momentum ? g.stepped({key<"momentum_buffer">()}, {}, true) : g.stepped({}, {}), o);
}

void adam(const Group& g) {
  auto [beta1, beta2] = g.pair<"betas">();
  AdamOptions o{g.number<"lr">(),
                beta1,
                beta2,
                g.number<"eps">(),
                g.number<"weight_decay">(),
                g.flag<"amsgrad">(),
                g.flag<"maximize">(),
                g.flag<"decoupled_weight_decay">()};
  PyObject *m = key<"exp_avg">(), *v = key<"exp_avg_sq">(), *highest = key<"max_exp_avg_sq">();
  Names numbers = {key<"step">()};
  adam_step(o.amsgrad ? g.stepped({m, v, highest}, numbers) : g.stepped({m, v}, numbers), o);
}

void rmsprop(const Group& g) {
  RmsPropOptions o{g.number<"lr">(),           g.number<"alpha">(),    g.number<"eps">(),
                   g.number<"weight_decay">(), g.number<"momentum">(), g.flag<"centered">(),
                   g.flag<"maximize">()};
  PyObject *squares = key<"square_avg">(), *mean = key<"grad_avg">(), *buffer = key<"momentum_buffer">();
  Names numbers = {key<"step">()};
  bool momentum = o.momentum > 0;
  rmsprop_step(o.centered ? momentum ? g.stepped({squares, mean, buffer}, numbers)
                                     : g.stepped({squares, mean}, numbers)
               : momentum ? g.stepped({squares, buffer}, numbers)
                          : g.stepped({squares}, numbers),
               o);
}

void adagrad(const Group& g) {
  adagrad_step(g.stepped({key<"sum">()}, {key<"step">()}),
               {g.number<"lr">(), g.number<"lr_decay">(), g.number<"eps">(), g.number<"weight_decay">(),
                g.flag<"maximize">()});
}

void adadelta(const Group& g) {
  adadelta_step(g.stepped({key<"square_avg">(), key<"acc_delta">()}, {key<"step">()}),
                {g.number<"lr">(), g.number<"rho">(), g.number<"eps">(), g.number<"weight_decay">(),
                 g.flag<"maximize">()});
}

void adamax(const Group& g) {
  auto [beta1, beta2] = g.pair<"betas">();
  adamax_step(
      g.stepped({key<"exp_avg">(), key<"exp_inf">()}, {key<"step">()}),
      {g.number<"lr">(), beta1, beta2, g.number<"eps">(), g.number<"weight_decay">(), g.flag<"maximize">()});
}

void nadam(const Group& g) {
  auto [beta1, beta2] = g.pair<"betas">();
  nadam_step(g.stepped({key<"exp_avg">(), key<"exp_avg_sq">()}, {key<"step">(), key<"mu_product">()}),
             {g.number<"lr">(), beta1, beta2, g.number<"eps">(), g.number<"weight_decay">(),
              g.number<"momentum_decay">(), g.flag<"decoupled_weight_decay">(), g.flag<"maximize">()});
}

void radam(const Group& g) {
  auto [beta1, beta2] = g.pair<"betas">();
  radam_step(g.stepped({key<"exp_avg">(), key<"exp_avg_sq">()}, {key<"step">()}),
             {g.number<"lr">(), beta1, beta2, g.number<"eps">(), g.number<"weight_decay">(),
              g.flag<"decoupled_weight_decay">(), g.flag<"maximize">()});
}

void asgd(const Group& g) {
  asgd_step(g.stepped({key<"ax">()}, {key<"step">(), key<"eta">(), key<"mu">()}),
            {g.number<"lr">(), g.number<"lambd">(), g.number<"alpha">(), g.number<"t0">(),
             g.number<"weight_decay">(), g.flag<"maximize">()});
}

void rprop(const Group& g) {
  auto [etaminus, etaplus] = g.pair<"etas">();
  auto [smallest, largest] = g.pair<"step_sizes">();
  rprop_step(g.stepped({key<"prev">(), key<"step_size">()}, {key<"step">()}),
             {etaminus, etaplus, smallest, largest, g.flag<"maximize">()});
}

void drop_gradients(const std::vector<Tensor>& params) {
  for (const Tensor& x : params)
    if (Autograd* state = autograd_if_any(x)) state->grad = Tensor();
}

std::vector<Tensor> gradients_of(const std::vector<Tensor>& params) {
  std::vector<Tensor> grads;
  for (const Tensor& x : params)
    if (Tensor grad = gradient_of(x); grad.defined()) grads.push_back(std::move(grad));
  return grads;
}

}  // namespace

void bind_optimizer(Registry& registry) {
  constexpr const char* doc =
      "One step over a param group; make_state(group, param, state) fills the first state.";
  registry.op<run<sgd>>("_sgd_step(state, group, make_state)", function, doc)
      .op<run<adam>>("_adam_step(state, group, make_state)", function, doc)
      .op<run<rmsprop>>("_rmsprop_step(state, group, make_state)", function, doc)
      .op<run<adagrad>>("_adagrad_step(state, group, make_state)", function, doc)
      .op<run<adadelta>>("_adadelta_step(state, group, make_state)", function, doc)
      .op<run<adamax>>("_adamax_step(state, group, make_state)", function, doc)
      .op<run<nadam>>("_nadam_step(state, group, make_state)", function, doc)
      .op<run<radam>>("_radam_step(state, group, make_state)", function, doc)
      .op<run<asgd>>("_asgd_step(state, group, make_state)", function, doc)
      .op<run<rprop>>("_rprop_step(state, group, make_state)", function, doc);
  registry.op<drop_gradients>("_drop_gradients(params)", function, "Sets grad of all params to None.")
      .op<gradients_of>("_gradients(params)", function, "The gradients of those params that have one.")
      .op<total_norm>("_total_norm(tensors, norm_type: float)", function,
                      "The norm of all tensors as one vector.")
      .op<clip_by_norm>(
          "_clip_by_norm(tensors, max_norm: float, norm)", function,
          "Multiplies all tensors in place by max_norm / (norm + 1e-6), where that is less than 1.")
      .op<clamp_tensors>("_clamp_tensors(tensors, limit: float)", function, "Clamps all tensors in place.")
      .op<unscale_tensors>("_unscale_tensors(tensors, factor: float)", function,
                           "Multiplies all tensors in place; whether one is not finite.");
}

}  // namespace tt
