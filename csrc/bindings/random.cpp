// torch.Generator.
#include "core/random.h"

#include <cstring>

#include "bindings/pybind.h"

namespace tt {
namespace {

std::shared_ptr<Generator> make_generator(const py::object& device) {
  Device where = device.is_none() ? Device{} : device_of(device.ptr());
  check(where.is_cpu(), "Generator: random numbers are not implemented on ", where);
  return std::make_shared<Generator>();
}

// All of [-2^63, 2^64), negative numbers counted from 2^64 down.
uint64_t seed_of(const py::int_& seed) {
  int overflow = 0;
  int64_t value = PyLong_AsLongLongAndOverflow(seed.ptr(), &overflow);
  if (!overflow) return uint64_t(value);
  uint64_t large = overflow > 0 ? PyLong_AsUnsignedLongLong(seed.ptr()) : 0;
  bool failed = PyErr_Occurred() != nullptr;
  PyErr_Clear();
  check_value(overflow > 0 && !failed, "manual_seed: seed must be between -2**63 and 2**64 - 1, got ",
              std::string(py::str(seed)));
  return large;
}

Tensor state_of(const Generator& generator) {
  std::vector<uint8_t> bytes = generator.state();
  Tensor state = empty({int64_t(bytes.size())}, DType::UInt8);
  std::memcpy(state.bytes(), bytes.data(), bytes.size());
  return state;
}

void set_state(Generator& generator, py::handle given) {
  check_type(is_tensor(given.ptr()), "Generator.set_state: expected a tensor, got ",
             Py_TYPE(given.ptr())->tp_name);
  const Tensor& state = tensor_of(given.ptr());
  check_type(state.dtype() == DType::UInt8 && state.device().is_cpu(),
             "Generator.set_state: expected a uint8 tensor on the "
             "CPU, got ",
             name_of(state.dtype()), " on ", state.device());
  Tensor bytes = contiguous(state);
  generator.set_state(bytes.data<uint8_t>(), bytes.count());
}

py::bytes bytes_of(const Generator& generator) {
  std::vector<uint8_t> bytes = generator.state();
  return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

std::shared_ptr<Generator> from_bytes(const py::bytes& state) {
  std::string_view bytes = state;
  auto generator = std::make_shared<Generator>();
  generator->set_state(reinterpret_cast<const uint8_t*>(bytes.data()), int64_t(bytes.size()));
  return generator;
}

}  // namespace

void define_random(py::module_& module) {
  py::class_<Generator, std::shared_ptr<Generator>>(module, "Generator",
                                                    "A source of random numbers with a state of its own.")
      .def(py::init(&make_generator), py::arg("device") = py::none())
      .def(
          "manual_seed",
          [](const py::object& self, const py::int_& seed) {
            self.cast<Generator&>().manual_seed(seed_of(seed));
            return self;
          },
          py::arg("seed"), "Starts the numbers that belong to the seed, and returns the generator.")
      .def("seed", &Generator::seed, "Seeds with a number that differs every time, and returns it.")
      .def("initial_seed", &Generator::initial_seed, "The number it was last seeded with.")
      .def("get_state", &state_of, "The state, as a tensor of bytes.")
      .def("set_state", &set_state, py::arg("new_state"), "Continues from a state that get_state returned.")
      .def("clone_state", &Generator::clone, "Another generator in the same state.")
      .def_property_readonly("device", [](const Generator&) { return Device{}; })
      .def("__repr__", [](const Generator&) { return "<torch.Generator device=cpu>"; })
      .def(py::pickle(&bytes_of, &from_bytes));
  module.attr("default_generator") = default_generator();
}

}  // namespace tt
