// as_strided, and what in-place changes of views need: a base that was changed through a view, and a view
// whose base was changed, are both explained to autograd in terms of as_strided.
#include "ops/view.h"

#include "ops/ops.h"

namespace tt {

namespace {

struct Geometry {
  Shape sizes, strides;
  int64_t offset = 0;
};

Geometry geometry_of(const Tensor& x) { return {x.sizes(), x.strides(), x.offset()}; }

int64_t extent(const Geometry& g) {
  int64_t last = g.offset;
  for (int i = 0; i < g.sizes.size(); i++) last += std::max<int64_t>(g.sizes[i] - 1, 0) * g.strides[i];
  return last + 1;
}

bool overlaps_itself(const Geometry& g) {
  Shape order;
  for (int i = 0; i < g.sizes.size(); i++)
    if (g.sizes[i] > 1) order.push_back(i);
  std::sort(order.begin(), order.end(),
            [&](int64_t a, int64_t b) { return g.strides[int(a)] < g.strides[int(b)]; });
  int64_t reach = 0;
  for (int64_t i : order) {
    if (g.strides[int(i)] <= reach) return true;
    reach += (g.sizes[int(i)] - 1) * g.strides[int(i)];
  }
  return false;
}

Tensor show(const Tensor& flat, const Geometry& g) {
  return tensor_over(flat.storage(), g.sizes, g.strides, g.offset, flat.dtype());
}

// Adds g into the places of `flat` that the geometry names, each as often as it is named.
void add_into(const Tensor& flat, const Geometry& geometry, const Tensor& g) {
  if (!overlaps_itself(geometry)) return copy_values(show(flat, geometry), g);
  Tensor places = arange(0, flat.count(), 1, DType::Int64);
  Tensor index = reshape(show(places, geometry), {-1});
  index_add_(flat, 0, to_device(index, flat.device()), reshape(g, {-1}), 1);
}

Tensor as_strided_gradient(const Tensor& g, const Geometry& base, const Geometry& view);

Tensor as_strided_from(const Tensor& x, const Geometry& base, const Geometry& view) {
  Tensor y;
  {
    GradGuard off(false);
    Tensor flat = zeros({std::max(extent(base), extent(view))}, x.dtype(), x.device());
    copy_values(show(flat, base), x);
    y = clone(show(flat, view));
  }
  return record("AsStridedBackward0", y, inputs(x), save(base, view),
                [](const Tensor& g, const Geometry& base, const Geometry& view) {
                  return as_strided_gradient(g, base, view);
                });
}

Tensor as_strided_gradient(const Tensor& g, const Geometry& base, const Geometry& view) {
  Tensor y;
  {
    GradGuard off(false);
    Tensor flat = zeros({std::max(extent(base), extent(view))}, g.dtype(), g.device());
    if (g.count()) add_into(flat, view, g);
    if (overlaps_itself(base)) {  // an expanded base: every copy of an element gets its share
      Tensor times = zeros(flat.sizes(), g.dtype(), g.device());
      add_into(times, base, ones_like(show(flat, base)));
      flat = where(eq(times, wrapped_number(0)), flat, div(flat, times));
    }
    y = contiguous(show(flat, base));
  }
  return record("AsStridedBackward0Backward", y, inputs(g), save(base, view),
                [](const Tensor& g, const Geometry& base, const Geometry& view) {
                  return as_strided_from(g, base, view);
                });
}

void check_in_storage(const Tensor& x, const Geometry& g) {
  check(g.sizes.size() == g.strides.size(), "as_strided: mismatch in length of strides and shape, got ",
        g.strides, " and ", g.sizes);
  check(g.offset >= 0, "as_strided: storage_offset must be non-negative, got ", g.offset);
  if (element_count("as_strided", g.sizes) == 0) return;
  int64_t last = g.offset, step = 0;
  bool overflow = false;
  for (int i = 0; i < g.sizes.size(); i++) {
    check(g.strides[i] >= 0,
          "as_strided: Negative strides are not supported at the moment, got strides: ", g.strides);
    overflow |= __builtin_mul_overflow(g.sizes[i] - 1, g.strides[i], &step) ||
                __builtin_add_overflow(last, step, &last);
  }
  int64_t held = x.storage()->bytes / size_of(x.dtype());
  check(!overflow && last < held, "as_strided: sizes ", g.sizes, ", strides ", g.strides, ", storage offset ",
        g.offset, " are out of bounds for storage of ", held, " elements");
}

// A slice of a base that was changed through one of its views: the part that the view shows takes the
// gradient of the in-place op, the rest passes through.
class CopySlicesNode : public Node {
 public:
  Geometry base, view;
  Ref<Node> inner;
  CopySlicesNode(const Tensor& base, const Tensor& view, const Ref<Node>& inner)
      : Node("CopySlices"),
        base{base.sizes(), base.strides(), base.offset()},
        view(geometry_of(view)),
        inner(inner) {
    // Edge 0 of the inner node led to the view's old value; here it leads to the base's.
    edges.push_back(gradient_edge(base));
    for (int i = 1; i < inner->edges.size(); i++) edges.push_back(inner->edges[i]);
    renumber();
  }
  Gradients apply(Gradients& gradients) override {
    const Tensor& g = gradients[0];
    Tensor part = as_strided_from(g, base, view);
    Gradients in{part};
    // The inner node asks for what is wanted of it: its own first edge may be gone when the view had no
    // history.
    bool had_edge = inner->edges.size() && inner->edges[0].node;
    if (!had_edge && inner->edges.size()) inner->edges[0] = edges[0];
    Gradients inner_gradients = inner->apply(in);
    Gradients out(edges.size());
    for (int i = 1; i < edges.size(); i++) out[i] = inner_gradients[i];
    if (!wants(0)) return out;
    Tensor kept = sub(g, as_strided_gradient(part, base, view));
    Tensor changed = inner_gradients.size() ? inner_gradients[0] : Tensor();
    out[0] = changed.defined() ? add(kept, as_strided_gradient(changed, base, view)) : kept;
    return out;
  }
  void forget() override { inner->forget(); }
  bool is_forgotten() const override { return inner->is_forgotten(); }
};

Ref<Node> copy_slices(const Tensor& base, const Tensor& view, const Ref<Node>& inner) {
  return Ref<Node>::adopt(new CopySlicesNode(base, view, inner));
}

Ref<Node> replay_view(const Tensor& base, const Tensor& view) {
  Geometry from = geometry_of(base), to = geometry_of(view);
  using NodeType = RuleNode<1, Geometry, Geometry>;
  auto* node = new NodeType("AsStridedBackward0", save(from, to), view,
                            {[](const Tensor& g, const Geometry& base, const Geometry& view) {
                              return as_strided_gradient(g, base, view);
                            }});
  node->edges.push_back(gradient_edge(base));
  node->renumber();
  return Ref<Node>::adopt(node);
}

[[maybe_unused]] const bool registered = [] {
  set_view_replay(replay_view);
  set_copy_slices(copy_slices);
  return true;
}();

}  // namespace

Tensor as_strided(const Tensor& x, const Shape& sizes, const Shape& strides, std::optional<int64_t> offset) {
  Geometry from = geometry_of(x), to{sizes, strides, offset.value_or(x.offset())};
  check_in_storage(x, to);
  return record_view("AsStridedBackward0", view_geometry(x, sizes, strides, to.offset), x, save(from, to),
                     [](const Tensor& g, const Geometry& base, const Geometry& view) {
                       return as_strided_gradient(g, base, view);
                     });
}

}  // namespace tt
