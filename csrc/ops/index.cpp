// x[i, j, ...] by index tensors: reading, writing, and what advanced indices mean.
#include "ops/index.h"

#include "ops/index_places.h"
#include "ops/ops.h"

namespace tt {
namespace {

bool is_mask(const Tensor& index) { return index.dtype() == DType::Bool || index.dtype() == DType::UInt8; }

void check_mask_shape(const char* op, const Tensor& mask, const Shape& sizes, int at) {
  for (int i = 0; i < mask.rank(); i++)
    check_index(at + i < sizes.size() && mask.sizes()[i] == sizes[at + i], op, ": the shape of the mask ",
                mask.sizes(), " at dimension ", i, " does not match the shape of the indexed tensor ", sizes,
                " at dimension ", at + i);
}

// The same indices as int64 tensors on the device of x, masks written out.
Indices normalized(const char* op, const Tensor& x, const Indices& indices) {
  Indices out;
  for (const Tensor& index : indices) {
    if (!index.defined()) {
      out.emplace_back();
      continue;
    }
    check_index(is_mask(index) || index.dtype() == DType::Int64 || index.dtype() == DType::Int32, op,
                ": tensors used as indices must be long, int, byte or bool tensors, got ",
                name_of(index.dtype()));
    if (!is_mask(index)) {
      out.push_back(as_int64(index, x.device()));
      continue;
    }
    check_mask_shape(op, index, x.sizes(), int(out.size()));
    Tensor mask = to_device(dense_mask(index, index.sizes()), x.device());
    if (mask.rank() == 0) {  // it takes part as a vector of one index or none
      check_index(int(out.size()) < x.rank(), op, ": too many indices for tensor of dimension ", x.rank());
      out.push_back(zeros({item(mask).integer}, DType::Int64, x.device()));
      continue;
    }
    Tensor places = coordinates(op, mask);
    for (int d = 0; d < mask.rank(); d++)
      out.push_back(
          tensor_over(places.storage(), {places.sizes()[1]}, {1}, d * places.sizes()[1], DType::Int64));
  }
  check_index(int(out.size()) <= x.rank(), op, ": too many indices for tensor of dimension ", x.rank(),
              " (got ", out.size(), ")");
  out.resize(x.rank());
  return out;
}

struct Advanced {
  Shape common;   // what the indices broadcast to
  int at = 0;     // where their dimensions come in the result
  int only = -1;  // the dimension that is indexed, where it is one
  Picked picked;
};

Shape common_sizes(const char* op, const Indices& indices) {
  Shape common;
  for (const Tensor& index : indices) {
    if (!index.defined()) continue;
    bool fits = expandable(index.sizes(), common) || expandable(common, index.sizes());
    int rank = std::max(common.size(), index.rank());
    Shape wider = Shape::filled(rank, 1);
    for (int i = 1; i <= rank; i++) {
      int64_t a = i <= common.size() ? common[common.size() - i] : 1;
      int64_t b = i <= index.rank() ? index.sizes()[index.rank() - i] : 1;
      fits = a == b || a == 1 || b == 1;
      if (!fits) break;
      wider[rank - i] = a == 1 ? b : a;
    }
    if (!fits) {
      std::string shapes;
      for (const Tensor& one : indices)
        if (one.defined()) shapes += text(shapes.empty() ? "" : ", ", one.sizes());
      fail(ErrorKind::Index, op,
           ": shape mismatch: indexing tensors could not be broadcast together with shapes ", shapes);
    }
    common = wider;
  }
  return common;
}

// Adjacent indices leave their dimensions where they stood; separated ones go first.
int place_in_result(const Indices& indices) {
  int first = -1, last = -1, count = 0;
  for (int d = 0; d < int(indices.size()); d++) {
    if (!indices[d].defined()) continue;
    if (first < 0) first = d;
    last = d;
    count++;
  }
  return last - first + 1 == count ? std::max(first, 0) : 0;
}

// Several indices name places together: the sum of what each moves by, in elements of x.
Tensor joint_places(const char* op, const Tensor& x, const Indices& indices, const Shape& common) {
  Tensor places = empty(common, DType::Int64, x.device());
  auto kernel = kernels_of(x.device()).places;
  check(kernel, op, ": not implemented on ", x.device());
  bool accumulate = false;
  for (int d = 0; d < x.rank(); d++) {
    if (!indices[d].defined()) continue;
    Shape strides = expanded_strides(indices[d], common);
    Operand operand = operand_of(indices[d], strides);
    kernel({common.size(), common.data(), places.data<int64_t>(), &operand, x.strides()[d], x.sizes()[d],
            accumulate});
    accumulate = true;
  }
  return places;
}

// Nothing is looked up in a result without elements, but for a dimension in which there is nothing to find.
void check_all_bounds(const char* op, const Tensor& x, const Indices& indices, const Advanced& a) {
  bool empty = product(a.picked.sizes) == 0, none = product(a.common) == 0;
  for (int d = 0; d < x.rank(); d++) {
    int64_t size = x.sizes()[d];
    if (indices[d].defined() && !none && (!empty || size == 0))
      check_bounds(op, ErrorKind::Index, indices[d], -size, size, d);
  }
}

void set_index(const char* op, const Tensor& x, const Indices& indices, Advanced& a) {
  Picked& p = a.picked;
  if (a.only < 0) {
    p.index = joint_places(op, x, indices, a.common);
  } else {
    p.index = indices[a.only];
    p.step = x.strides()[a.only];
    p.size = x.sizes()[a.only];
    p.from_end = true;
  }
  Shape strides = expanded_strides(p.index, a.common);
  p.index_strides = Shape::filled(p.sizes.size(), 0);
  std::copy(strides.begin(), strides.end(), p.index_strides.begin() + a.at);
}

int only_indexed(const Indices& indices) {
  int only = -1;
  for (int d = 0; d < int(indices.size()); d++) {
    if (!indices[d].defined()) continue;
    if (only >= 0) return -1;
    only = d;
  }
  return only;
}

// `checks_later`: a read checks a single index on the way.
Advanced advanced(const char* op, const Tensor& x, const Indices& indices, bool checks_later = false) {
  Advanced a{common_sizes(op, indices), place_in_result(indices), only_indexed(indices), {}};
  Picked& p = a.picked;
  for (int d = 0; d < x.rank(); d++) {
    for (int64_t size : d == a.at ? a.common : Shape{}) {
      p.sizes.push_back(size);
      p.strides.push_back(0);
    }
    if (indices[d].defined()) continue;
    p.sizes.push_back(x.sizes()[d]);
    p.strides.push_back(x.strides()[d]);
  }
  bool later = checks_later && a.only >= 0 && product(p.sizes);
  if (!later) check_all_bounds(op, x, indices, a);
  set_index(op, x, indices, a);
  return a;
}

// A fresh result lies in memory as the dimensions of x do, then as those of the indices, which count as
// tensors of the result's rank: their strides along dimensions of size 1 have a say too.
Shape result_strides(const Advanced& a, const Indices& indices) {
  std::vector<Shape> preferences{a.picked.strides};
  Shape shape = Shape::filled(a.picked.sizes.size(), 1);
  std::copy(a.common.begin(), a.common.end(), shape.begin() + a.at);
  GradGuard off(false);
  for (const Tensor& index : indices)
    if (index.defined())
      preferences.push_back(expanded_strides(view(expand(index, a.common), shape), a.picked.sizes));
  return preferred_strides(a.picked.sizes, preferences);
}

bool any_defined(const Indices& indices) {
  return std::any_of(indices.begin(), indices.end(), [](const Tensor& index) { return index.defined(); });
}

Shape without_leading_ones(const Shape& sizes, int rank) {
  int extra = std::max(0, sizes.size() - rank), dropped = 0;
  while (dropped < extra && sizes[dropped] == 1) dropped++;
  return Shape(sizes.data() + dropped, sizes.size() - dropped);
}

}  // namespace

Tensor index(const Tensor& x, const Indices& indices) {
  check(any_defined(indices), "index: at least one index tensor is needed");
  Indices all = normalized("index", x, indices);
  Advanced a = advanced("index", x, all, true);
  Tensor y = empty_strided(a.picked.sizes, result_strides(a, all), x.dtype(), x.device());
  if (a.only >= 0) read_picked("index", ErrorKind::Index, x, a.picked, y, a.only);
  else move_picked("index", IndexMode::get, x, a.picked, y, y.strides());
  Shape from = x.sizes();
  return record("IndexBackward0", y, inputs(x), save(all, from),
                [](const Tensor& g, const Indices& all, const Shape& from) {
                  return index_put(zeros(from, g.dtype(), g.device()), all, g, true);
                });
}

Tensor index_put(const Tensor& x, const Indices& indices, const Tensor& values, bool accumulate, Out out) {
  const char* op = "index_put";
  check(any_defined(indices), op, ": at least one index tensor is needed");
  check(x.dtype() == values.dtype(), op, ": the source and destination dtypes must match, got ",
        name_of(x.dtype()), " for the destination and ", name_of(values.dtype()), " for the source");
  Indices all = normalized(op, x, indices);
  Advanced a = advanced(op, x, all);
  Shape shape = without_leading_ones(values.sizes(), a.picked.sizes.size());
  check(expandable(shape, a.picked.sizes), op, ": shape mismatch: value tensor of shape ", values.sizes(),
        " cannot be broadcast to indexing result of shape ", a.picked.sizes);
  Tensor y = start_from(x, out, Order::kept);
  if (!(y.strides() == x.strides())) a = advanced(op, y, all);
  Tensor source = values.rank() == shape.size() ? values : reshape(values, shape);
  source = to_device(source, x.device());
  write_picked(op, accumulate ? IndexMode::add : IndexMode::set, y, a.picked, source, out);
  y = record(
      "IndexPutBackward0", y, inputs(x, source), save(all, accumulate),
      [](const Tensor& g, const Indices& all, const bool& accumulate) {
        return accumulate ? g : index_put(g, all, number_like(g, 0), false);
      },
      [](const Tensor& g, const Indices& all, const bool&) { return index(g, all); });
  return settled(op, y, out);
}

}  // namespace tt
