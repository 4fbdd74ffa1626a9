#include "bindings/registry.h"

namespace tt {
namespace {

// Strides come as a plain tuple, not as a Size.
struct Strides {
  Shape values;
};
PyObject* to_python(const Strides& strides) {
  PyObject* tuple = PyTuple_New(strides.values.size());
  for (int i = 0; i < strides.values.size(); i++)
    PyTuple_SET_ITEM(tuple, i, PyLong_FromLongLong(strides.values[i]));
  return tuple;
}

// ---- geometry
Shape size(const Tensor& x) { return x.sizes(); }
int64_t size_at(const Tensor& x, int64_t dim) {
  check_index(x.rank() > 0, "size: Dimension specified as ", dim, " but tensor has no dimensions");
  return x.size(dim);
}
Strides stride(const Tensor& x) { return {x.strides()}; }
int64_t stride_at(const Tensor& x, int64_t dim) {
  check_index(x.rank() > 0, "stride: Dimension specified as ", dim, " but tensor has no dimensions");
  return x.stride(dim);
}
int64_t dim(const Tensor& x) { return x.rank(); }
int64_t numel(const Tensor& x) { return x.count(); }
int64_t storage_offset(const Tensor& x) { return x.offset(); }
int64_t data_ptr(const Tensor& x) { return x.count() ? reinterpret_cast<int64_t>(x.bytes()) : 0; }
int64_t element_size(const Tensor& x) { return size_of(x.dtype()); }
bool is_floating_point(const Tensor& x) { return x.is_floating(); }
bool is_complex(const Tensor&) { return false; }
bool is_signed_type(const Tensor& x) { return is_signed(x.dtype()); }
bool is_inference(const Tensor& x) { return x.body()->inference; }
bool is_view(const Tensor& x) { return x.body()->base != nullptr; }
bool is_nonzero(const Tensor& x) {
  check(x.count() == 1, "is_nonzero: Boolean value of Tensor with ",
        x.count() ? "more than one value" : "no values", " is ambiguous");
  Scalar value = item(x);
  return value.is_real() ? value.real != 0 : value.integer != 0;
}
bool is_same_size(const Tensor& x, const Tensor& other) { return x.sizes() == other.sizes(); }
bool shares_storage(const Tensor& x, const Tensor& other) {
  return x.storage()->memory_owner() == other.storage()->memory_owner();
}
int64_t get_device(const Tensor& x) { return x.device().type == DeviceType::CUDA ? x.device().index : -1; }

bool has_format(const Tensor& x, MemoryFormat format) {
  if (format == MemoryFormat::Contiguous) return x.is_contiguous();
  int rank = format == MemoryFormat::ChannelsLast ? 4 : 5;
  if (x.rank() != rank) return false;
  Shape order{0};
  for (int i = 2; i < rank; i++) order.push_back(i);
  order.push_back(1);
  GradGuard off(false);
  return permute(x, order).is_contiguous();
}

// ---- promotion
DType result_of(const Tensor& a, const Tensor& b) { return result_type({&a, &b}); }
bool castable(DType from, DType to) { return can_cast(from, to); }

// ---- copies in a format
Tensor in_format(const char* op, const Tensor& x, MemoryFormat format) {
  Tensor y = empty_strided(x.sizes(), format_strides(op, x.sizes(), format), x.dtype(), x.device());
  return copy_(y, x);
}
Tensor contiguous_as(const Tensor& x, MemoryFormat format) {
  check(format != MemoryFormat::Preserve,
        "contiguous: preserve memory format is unsupported by the contiguous operator");
  if (format == MemoryFormat::Contiguous) return contiguous(x);
  return has_format(x, format) ? x : in_format("contiguous", x, format);
}
Tensor clone_as(const Tensor& x, std::optional<MemoryFormat> format) {
  MemoryFormat chosen = format.value_or(MemoryFormat::Preserve);
  return chosen == MemoryFormat::Preserve ? clone(x) : in_format("clone", x, chosen);
}

// ---- to
Tensor converted(const Tensor& x, std::optional<Device> device, std::optional<DType> dtype, bool, bool copy,
                 std::optional<MemoryFormat> format) {
  Tensor y = to_dtype(x, dtype.value_or(x.dtype()));
  if (device) y = to_device(y, *device);
  if (format && *format != MemoryFormat::Preserve && !has_format(y, *format))
    return in_format("to", y, *format);
  return copy && y.is(x) ? clone(x) : y;
}
Tensor to_type(const Tensor& x, DType dtype, bool non_blocking, bool copy,
               std::optional<MemoryFormat> format) {
  return converted(x, {}, dtype, non_blocking, copy, format);
}
Tensor to_other(const Tensor& x, const Tensor& other, bool non_blocking, bool copy,
                std::optional<MemoryFormat> format) {
  return converted(x, other.device(), other.dtype(), non_blocking, copy, format);
}
template <DType dtype>
Tensor cast_to(const Tensor& x, std::optional<MemoryFormat> format) {
  return converted(x, {}, dtype, false, false, format);
}
Tensor cpu(const Tensor& x, std::optional<MemoryFormat> format) {
  return converted(x, Device{}, {}, false, false, format);
}
Tensor cuda(const Tensor& x, std::optional<Device> device, bool non_blocking,
            std::optional<MemoryFormat> format) {
  return converted(x, device.value_or(Device{DeviceType::CUDA, 0}), {}, non_blocking, false, format);
}
Tensor type_as(const Tensor& x, const Tensor& other) {
  return converted(x, other.device(), other.dtype(), false, false, {});
}

// ---- views by example
Tensor view_as(const Tensor& x, const Tensor& other) { return view(x, other.sizes()); }
Tensor reshape_as(const Tensor& x, const Tensor& other) { return reshape(x, other.sizes()); }
Tensor expand_as(const Tensor& x, const Tensor& other) { return expand(x, other.sizes()); }
Tensor expand_implicit(const Tensor& x, const Shape& sizes, bool) { return expand(x, sizes); }
Tensor broadcast_to(const Tensor& x, const Shape& sizes) { return expand(x, sizes); }
Tensor squeeze_all(const Tensor& x) { return squeeze(x); }
Tensor squeeze_dims(const Tensor& x, const Shape& dims) { return squeeze(x, dims); }
Tensor squeeze_all_(const Tensor& x) { return squeeze_(x, {}); }
Tensor squeeze_dims_(const Tensor& x, const Shape& dims) { return squeeze_(x, dims); }
Tensor narrow_at(const Tensor& x, int64_t dim, const Tensor& start, int64_t length) {
  return narrow(x, dim, item(start).to<int64_t>(), length);
}
Tensor ravel(const Tensor& x) { return reshape(x, {-1}); }
Tensor adjoint(const Tensor& x) { return transpose(x, -2, -1); }
std::vector<Tensor> split_evenly(const Tensor& x, int64_t size, int64_t dim) { return split(x, size, dim); }
std::vector<Tensor> split_by(const Tensor& x, const Shape& sizes, int64_t dim) {
  return split(x, sizes, dim);
}
std::vector<Tensor> tensor_split_evenly(const Tensor& x, int64_t sections, int64_t dim) {
  return tensor_split(x, sections, dim);
}
std::vector<Tensor> tensor_split_at(const Tensor& x, const Shape& indices, int64_t dim) {
  return tensor_split(x, indices, dim);
}

// hsplit, vsplit and dsplit: along a fixed dimension.
template <int dim>
int64_t split_dim(const char* op, const Tensor& x) {
  constexpr int wanted = dim == 0 ? 2 : dim == 1 ? 1 : 3;
  check(x.rank() >= wanted, op, ": requires a tensor with at least ", wanted,
        " dimension, but got a tensor with ", x.rank(), " dimensions!");
  return dim == 1 && x.rank() == 1 ? 0 : dim;
}
std::vector<Tensor> vsplit(const Tensor& x, int64_t n) {
  return tensor_split(x, n, split_dim<0>("vsplit", x));
}
std::vector<Tensor> vsplit_at(const Tensor& x, const Shape& at) {
  return tensor_split(x, at, split_dim<0>("vsplit", x));
}
std::vector<Tensor> dsplit(const Tensor& x, int64_t n) {
  return tensor_split(x, n, split_dim<2>("dsplit", x));
}
std::vector<Tensor> dsplit_at(const Tensor& x, const Shape& at) {
  return tensor_split(x, at, split_dim<2>("dsplit", x));
}
std::vector<Tensor> hsplit(const Tensor& x, int64_t n) {
  return tensor_split(x, n, split_dim<1>("hsplit", x));
}
std::vector<Tensor> hsplit_at(const Tensor& x, const Shape& at) {
  return tensor_split(x, at, split_dim<1>("hsplit", x));
}

// ---- in place
Tensor copy_into(const Tensor& self, const Tensor& source, bool) { return copy_(self, source); }
Tensor fill_number(const Tensor& self, const Scalar& value) { return fill_(self, value); }
Tensor fill_tensor(const Tensor& self, const Tensor& value) { return fill_(self, value); }
Tensor resize_as_(const Tensor& self, const Tensor& other) { return resize_(self, other.sizes()); }
Tensor set_requires_grad(const Tensor& self, bool wanted) {
  check(!wanted || self.is_floating(),
        "requires_grad_: only Tensors of floating point dtype can require gradients");
  check(wanted || is_leaf(self),
        "requires_grad_: you can only change requires_grad flags of leaf variables.");
  if (is_leaf(self)) self.body()->requires_grad = wanted;
  return self;
}
Tensor set_source(const Tensor& self, const Tensor& source) {
  check(!needs_grad(self), "set_: cannot change the storage of a tensor that requires grad");
  check(self.dtype() == source.dtype(), "set_: expected ", name_of(self.dtype()), " but got ",
        name_of(source.dtype()));
  self.body()->storage = source.storage();
  set_geometry(self, source.sizes(), source.strides(), source.offset());
  return self;
}

}  // namespace

void bind_view(Registry& registry) {
  registry.op<size>("size(input)", method, "The sizes, or one of them.")
      .op<size_at>("size(input, dim)", method)
      .op<stride>("stride(input)", method, "The strides in elements, or one of them.")
      .op<stride_at>("stride(input, dim)", method)
      .op<dim>("dim(input)", method, "How many dimensions.")
      .op<dim>("ndimension(input)", method, "How many dimensions.")
      .op<numel>("numel(input)", both, "How many elements.")
      .op<numel>("nelement(input)", method, "How many elements.")
      .op<storage_offset>("storage_offset(input)", method, "Where in its storage the first element is.")
      .op<data_ptr>("data_ptr(input)", method, "The address of the first element.")
      .op<element_size>("element_size(input)", method, "Bytes of one element.")
      .op<is_floating_point>("is_floating_point(input)", both, "Whether the elements are floats.")
      .op<is_complex>("is_complex(input)", both, "Whether the elements are complex.")
      .op<is_signed_type>("is_signed(input)", both, "Whether the elements may be negative.")
      .op<is_inference>("is_inference(input)", both, "Whether the tensor was made under inference_mode.")
      .op<is_view>("_is_view(input)", method, "Whether the tensor is a differentiable view.")
      .op<is_nonzero>("is_nonzero(input)", both, "Whether the only element is not zero.")
      .op<is_same_size>("is_same_size(input, other)", both, "Whether the sizes are the same.")
      .op<shares_storage>("_shares_storage(input, other)", method)
      .op<get_device>("get_device(input)", both, "The index of the GPU, -1 elsewhere.")
      .op<item>("item(input)", method, "The value of a tensor with one element, as a Python number.")
      .op<promote>("promote_types(type1, type2)", function, "The smallest type that holds both.")
      .op<result_of>("result_type(tensor1: Tensor | Number, tensor2: Tensor | Number)", function,
                     "The type of an operation on both.")
      .op<castable>("can_cast(from_, to)", function,
                    "Whether a cast keeps the category: bool, integer, float.")
      .op<has_format>("is_contiguous(input, memory_format=torch.contiguous_format)", method,
                      "Whether the elements lie in memory in order.");
  registry
      .op<contiguous_as>("contiguous(input, *, memory_format=torch.contiguous_format)", method,
                         "The tensor, or a copy in order.")
      .op<clone_as>("clone(input, *, memory_format=None)", both, "A copy that gradients flow through.")
      .op<to_type>("to(input, dtype, non_blocking=False, copy=False, *, memory_format=None)", method,
                   "The tensor in another dtype or on another device; itself where nothing changes.")
      .op<to_other>("to(input, other, non_blocking=False, copy=False, *, memory_format=None)", method)
      .op<converted>(
          "to(input, device=None, dtype=None, non_blocking=False, copy=False, *, memory_format=None)", method)
      .op<cpu>("cpu(input, memory_format=None)", method, "The tensor in host memory.")
      .op<cuda>("cuda(input, device=None, non_blocking=False, memory_format=None)", method,
                "The tensor on a GPU.")
      .op<type_as>("type_as(input, other)", method, "The tensor in other's dtype, on its device.")
      .op<cast_to<DType::Bool>>("bool(input, memory_format=None)", method)
      .op<cast_to<DType::UInt8>>("byte(input, memory_format=None)", method)
      .op<cast_to<DType::Int8>>("char(input, memory_format=None)", method)
      .op<cast_to<DType::Int16>>("short(input, memory_format=None)", method)
      .op<cast_to<DType::Int32>>("int(input, memory_format=None)", method)
      .op<cast_to<DType::Int64>>("long(input, memory_format=None)", method)
      .op<cast_to<DType::Float16>>("half(input, memory_format=None)", method)
      .op<cast_to<DType::BFloat16>>("bfloat16(input, memory_format=None)", method)
      .op<cast_to<DType::Float32>>("float(input, memory_format=None)", method)
      .op<cast_to<DType::Float64>>("double(input, memory_format=None)", method);
  registry.op<view_as_dtype>("view(input, dtype)", method)
      .op<view>("view(input, *size)", method, "The same elements under other sizes, without a copy.")
      .op<view_as>("view_as(input, other)", method, "view() with the sizes of other.")
      .op<reshape>("reshape(input, *shape)", both, "The same elements under other sizes.")
      .op<reshape_as>("reshape_as(input, other)", method, "reshape() with the sizes of other.")
      .op<ravel>("ravel(input)", both, "All elements in one dimension.")
      .op<flatten>("flatten(input, start_dim=0, end_dim=-1)", both, "Merges neighbouring dimensions.")
      .op<unflatten>("unflatten(input, dim, sizes)", both, "Splits a dimension.")
      .op<expand_implicit>("expand(input, *size, implicit=False)", method,
                           "Repeats dimensions of size 1 without a copy.")
      .op<expand_as>("expand_as(input, other)", method, "expand() with the sizes of other.")
      .op<broadcast_to>("broadcast_to(input, size)", both, "expand() under NumPy's name.")
      .op<squeeze_all>("squeeze(input)", both, "Drops dimensions of size 1.")
      .op<squeeze_dims>("squeeze(input, dim)", both)
      .op<unsqueeze>("unsqueeze(input, dim)", both, "Adds a dimension of size 1.")
      .op<transpose>("transpose(input, dim0, dim1)", both, "Swaps two dimensions.")
      .op<transpose>("swapaxes(input, axis0, axis1)", both, "transpose() under NumPy's name.")
      .op<transpose>("swapdims(input, dim0, dim1)", both, "transpose() under another name.")
      .op<t>("t(input)", both, "The transposed matrix.")
      .op<adjoint>("adjoint(input)", both, "The last two dimensions swapped.")
      .op<permute>("permute(input, *dims)", both, "Dimensions in another order.")
      .op<movedim>("movedim(input, source, destination)", both, "Moves dimensions.")
      .op<movedim>("moveaxis(input, source, destination)", both, "movedim() under NumPy's name.")
      .op<select>("select(input, dim, index)", both, "One position of a dimension.")
      .op<narrow>("narrow(input, dim, start, length)", both, "A stretch of a dimension.")
      .op<narrow_at>("narrow(input, dim, start, length)", both)
      .op<unfold>("unfold(input, dimension, size, step)", method, "All windows along a dimension.")
      .op<diagonal>("diagonal(input, offset=0, dim1=0, dim2=1)", both, "A diagonal.")
      .op<as_strided>("as_strided(input, size, stride, storage_offset=None)", both,
                      "A view with sizes and strides as given.")
      .op<split_evenly>("split(input, split_size_or_sections, dim=0)", both, "Parts along a dimension.")
      .op<split_by>("split(input, split_size_or_sections, dim=0)", both)
      .op<split_by>("split_with_sizes(input, split_sizes, dim=0)", both, "Parts of the given sizes.")
      .op<chunk>("chunk(input, chunks, dim=0)", both, "About equal parts along a dimension.")
      .op<tensor_split_evenly>("tensor_split(input, indices_or_sections, dim=0)", both,
                               "Parts along a dimension.")
      .op<tensor_split_at>("tensor_split(input, indices_or_sections, dim=0)", both)
      .op<hsplit>("hsplit(input, indices_or_sections)", both, "Parts side by side.")
      .op<hsplit_at>("hsplit(input, indices_or_sections)", both)
      .op<vsplit>("vsplit(input, indices_or_sections)", both, "Parts above each other.")
      .op<vsplit_at>("vsplit(input, indices_or_sections)", both)
      .op<dsplit>("dsplit(input, indices_or_sections)", both, "Parts along the third dimension.")
      .op<dsplit_at>("dsplit(input, indices_or_sections)", both)
      .op<unbind>("unbind(input, dim=0)", both, "All positions of a dimension.")
      .op<detach>("detach(input)", both, "The same memory without history.");
  registry
      .op<copy_into>("copy_(input, src, non_blocking=False)", method, "Copies the values of another tensor.")
      .op<fill_tensor>("fill_(input, value)", method, "Sets every element.")
      .op<fill_number>("fill_(input, value)", method)
      .op<zero_>("zero_(input)", method, "Sets every element to zero.")
      .op<resize_>("resize_(input, *size)", method, "Changes the sizes; new elements are undefined.")
      .op<resize_as_>("resize_as_(input, other)", method, "resize_() with the sizes of other.")
      .op<set_source>("set_(input, source)", method, "Takes over the memory of another tensor.")
      .op<squeeze_all_>("squeeze_(input)", method, "squeeze() in place.")
      .op<squeeze_dims_>("squeeze_(input, dim)", method)
      .op<unsqueeze_>("unsqueeze_(input, dim)", method, "unsqueeze() in place.")
      .op<transpose_>("transpose_(input, dim0, dim1)", method, "transpose() in place.")
      .op<transpose_>("swapaxes_(input, axis0, axis1)", method)
      .op<t_>("t_(input)", method, "t() in place.")
      .op<detach_>("detach_(input)", method, "Takes the tensor out of its graph.")
      .op<set_requires_grad>("requires_grad_(input, requires_grad=True)", method,
                             "Whether gradients are wanted.");
}

}  // namespace tt
