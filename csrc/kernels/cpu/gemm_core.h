// The matrix product of one real type: the choice of a plan, and the loops around the tiles.
#pragma once
#include "core/scratch.h"
#include "kernels/cpu/gemm_dot.h"
#include "kernels/cpu/gemm_pack.h"
#include "kernels/gemm.h"

namespace tt::TT_ISA {
namespace {

inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t pieces_of(int64_t n, int64_t piece) { return (n + piece - 1) / piece; }

constexpr int64_t cache_block = 512 << 10;  // bytes of b that stay in the second-level cache

// --- the plan ---

// Cuts k in even pieces.
int64_t even_depth(int64_t k, int64_t most) {
  if (k <= most) return k;
  int64_t pieces = pieces_of(k, most);
  return (pieces_of(k, pieces) + 15) / 16 * 16;
}

// The widest tile, unless b has so few vectors that a taller one fits them better.
int tile_vectors(int64_t vectors) {
  if (!many_registers) return vectors == 1 ? 1 : 2;
  if (vectors <= 3) return int(vectors);
  return vectors == 6 ? 3 : 4;
}

GemmPlan tiles(GemmMethod method, int vectors, int64_t depth, int64_t columns) {
  return {method, false, tile_rows[vectors], vectors, depth, columns};
}

GemmPlan plan_row_major(const GemmCall& g) {
  constexpr int64_t factor = sizeof(Real) / 4;
  const int64_t vectors = pieces_of(g.n, W), bytes = g.k * g.n * int64_t(sizeof(Real));
  const bool streams = bytes > 3 * cache_block;
  const int wide = tile_vectors(vectors);
  if (g.m == 1) return {GemmMethod::InPlace, false, 1, g.n % (8 * W) == 0 ? 8 : 4, g.k, g.n};
  if (g.m <= tile_rows[4]) return tiles(GemmMethod::InPlace, 4, g.k, g.n);
  if (streams && many_registers && g.m <= 18) return tiles(GemmMethod::InPlace, 3, g.k, 480);
  if (streams && g.m <= (many_registers ? 128 : 64))
    return tiles(GemmMethod::CopyB, 3, even_depth(g.k, 256 / factor), many_registers ? 192 : 480);
  if (bytes <= cache_block && g.m <= (many_registers ? 320 : 128)) {
    bool copy = g.n < W || (g.m > 64 && g.b_row % W != 0);
    int64_t depth = g.k <= 800 / factor ? g.k : even_depth(g.k, 400 / factor);
    return tiles(copy ? GemmMethod::CopyB : GemmMethod::InPlace, wide, depth, g.n);
  }
  return tiles(GemmMethod::CopyB, wide, even_depth(g.k, (many_registers ? 384 : 256) / factor), 512);
}

GemmPlan make_plan(const GemmCall& g) {
  const bool row_major = g.b_col == 1 || g.n == 1;
  const int64_t most_dot_rows = many_registers ? 16 : 8;
  if (!row_major && g.b_row == 1 && g.m <= most_dot_rows && g.k >= W)
    return {GemmMethod::Dot, false, 0, 0, g.k, g.n};
  GemmPlan plan = plan_row_major(g);
  if (!row_major)
    plan = tiles(GemmMethod::PackB, tile_vectors(pieces_of(g.n, W)),
                 even_depth(g.k, (many_registers ? 384 : 256) / int64_t(sizeof(Real) / 4)), 512);
  plan.copy_a = g.a_col != 1 && g.a_row == 1 && g.m > plan.rows && g.m * g.k >= (1 << 18);
  return plan;
}

// --- the loops ---

// A number of things cut in even pieces, the larger ones first.
struct Cut {
  int64_t pieces, size, larger;
  Cut(int64_t n, int64_t most) : pieces(pieces_of(n, most)), size(n / pieces), larger(n % pieces) {}
  int64_t first(int64_t i) const { return i * size + smaller(i, larger); }
  int64_t at(int64_t i) const { return size + (i < larger); }
};

struct Block {  // b[k0 : k0 + depth, j0 : j0 + columns], against all rows
  int64_t k0, depth, j0, columns;
};

TileKernel row_kernel(bool ragged) {
  return ragged ? multiply_tile<1, 8, false, true> : multiply_tile<1, 8, false, mask_always>;
}

// One strip of rows against the panels of one block.
void multiply_strip(Tile& t, const GemmPlan& plan, const Block& block, const Real* b, const Real* bias,
                    int64_t rows, GemmMethod method, Real* packed) {
  Real* c = t.c;
  const int64_t vectors = pieces_of(block.columns, W);
  const bool copies = method == GemmMethod::CopyB, in_place = method == GemmMethod::InPlace || copies;
  const int64_t wide_panels = plan.vectors == 8 ? vectors / 8 : 0;
  const int64_t narrow = vectors - wide_panels * 8;
  const Cut cut(narrow ? narrow : 1, plan.vectors == 8 ? 4 : plan.vectors);
  const int64_t panels = wide_panels + (narrow ? cut.pieces : 0);
  for (int64_t p = 0, first = 0; p < panels; p++) {
    int64_t width = p < wide_panels ? 8 : cut.at(p - wide_panels), column = first * W;
    t.columns = smaller(width * W, block.columns - column);
    t.b = in_place ? b + column : packed + column * block.depth;
    if (!in_place) t.b_row = width * W;
    t.panel = packed + column * block.depth;
    t.c = c + column;
    t.bias = bias ? bias + column : nullptr;
    bool ragged = t.columns < width * W;
    if (width == 8) row_kernel(ragged)(t);
    else (copies ? copying_tiles : plain_tiles)[ragged].of[width][rows](t);
    first += width;
  }
  t.c = c;
}

void pack_block(const GemmCall& g, const GemmPlan& plan, const Block& block, Real* packed) {
  const Real* b = static_cast<const Real*>(g.b) + block.k0 * g.b_row + block.j0 * g.b_col;
  const Cut cut(pieces_of(block.columns, W), plan.vectors);
  for (int64_t p = 0; p < cut.pieces; p++) {
    int64_t column = cut.first(p) * W;
    pack_panel(b + column * g.b_col, g.b_row, g.b_col, block.depth, block.columns - column, cut.at(p),
               packed + column * block.depth);
  }
}

void multiply_block(const GemmCall& g, const GemmPlan& plan, const Block& block, const Cut& strips,
                    const Real* copied_a, Real* packed) {
  const Real* b = static_cast<const Real*>(g.b) + block.k0 * g.b_row + block.j0;
  const bool last = block.k0 + block.depth == g.k;
  const Real* bias = last && g.bias ? static_cast<const Real*>(g.bias) + block.j0 : nullptr;
  GemmMethod later = plan.method;
  if (plan.method == GemmMethod::PackB) pack_block(g, plan, block, packed);
  if (plan.method == GemmMethod::CopyB) later = strips.pieces > 1 ? GemmMethod::PackB : GemmMethod::InPlace;

  Tile t;
  t.k = block.depth;
  t.c_row = g.c_row;
  t.accumulate = g.accumulate || block.k0 > 0;
  t.relu = last && g.relu;
  for (int64_t s = 0; s < strips.pieces; s++) {
    int64_t row = strips.first(s), rows = strips.at(s);
    t.a = copied_a ? copied_a + row * block.depth
                   : static_cast<const Real*>(g.a) + row * g.a_row + block.k0 * g.a_col;
    t.a_row = copied_a ? 1 : g.a_row;
    t.a_col = copied_a ? rows : g.a_col;
    t.b_row = g.b_row;
    t.c = static_cast<Real*>(g.c) + row * g.c_row + block.j0;
    bool copies = plan.method == GemmMethod::CopyB && s == 0 && strips.pieces > 1;
    multiply_strip(t, plan, block, b, bias, rows, copies ? GemmMethod::CopyB : later, packed);
  }
}

void copy_rows(const GemmCall& g, int64_t k0, int64_t depth, const Cut& strips, Real* copied) {
  const Real* a = static_cast<const Real*>(g.a) + k0 * g.a_col;
  const int64_t boundary = strips.larger * (strips.size + 1), others = strips.pieces - strips.larger;
  if (strips.larger) copy_strips(strips.size + 1, a, g.a_col, depth, strips.larger, copied);
  copy_strips(strips.size, a + boundary, g.a_col, depth, others, copied + boundary * depth);
}

Real* take_reals(int64_t count) { return static_cast<Real*>(take_scratch(count * int64_t(sizeof(Real)))); }

void run_tiles(const GemmCall& g, const GemmPlan& plan) {
  const Cut strips(g.m, plan.rows);
  const int64_t columns = pieces_of(smaller(plan.columns, g.n), W) * W;
  const bool packs = plan.method != GemmMethod::InPlace;
  const int64_t packed_size = packs ? columns * plan.depth : 0;
  const int64_t copied_size = plan.copy_a ? g.m * plan.depth : 0;
  // No guard object: nothing below throws, and cleanup code would drag a shared symbol into this file.
  const bool needs_scratch = packs || plan.copy_a;
  Real* packed = needs_scratch ? take_reals(packed_size + copied_size) : nullptr;
  Real* copied = plan.copy_a ? packed + packed_size : nullptr;
  for (int64_t k0 = 0; k0 < g.k; k0 += plan.depth) {
    int64_t depth = smaller(plan.depth, g.k - k0);
    if (copied) copy_rows(g, k0, depth, strips, copied);
    for (int64_t j0 = 0; j0 < g.n; j0 += columns)
      multiply_block(g, plan, {k0, depth, j0, smaller(columns, g.n - j0)}, strips, copied, packed);
  }
  if (needs_scratch) return_scratch();
}

// Tiny products, where the loops would cost more than the arithmetic.
constexpr int64_t small_panel = 1024;

bool is_one_tile(const GemmCall& g, const GemmPlan& plan) {
  const int64_t width = pieces_of(g.n, W) * W;
  if (g.m > plan.rows || width > smaller(plan.vectors, 4) * W) return false;
  if (g.k > plan.depth || plan.copy_a) return false;
  return plan.method != GemmMethod::PackB || width * g.k <= small_panel;
}

Tile whole_as_tile(const GemmCall& g) {
  Tile t;
  t.a = static_cast<const Real*>(g.a);
  t.a_row = g.a_row;
  t.a_col = g.a_col;
  t.b = static_cast<const Real*>(g.b);
  t.b_row = g.b_row;
  t.c = static_cast<Real*>(g.c);
  t.c_row = g.c_row;
  t.k = g.k;
  t.columns = g.n;
  t.bias = static_cast<const Real*>(g.bias);
  t.accumulate = g.accumulate;
  t.relu = g.relu;
  return t;
}

void run_one_tile(const GemmCall& g, const GemmPlan& plan) {
  const int64_t vectors = pieces_of(g.n, W);
  Tile t = whole_as_tile(g);
  Real panel[small_panel];
  if (plan.method == GemmMethod::PackB) {
    pack_panel(t.b, g.b_row, g.b_col, g.k, g.n, vectors, panel);
    t.b = panel;
    t.b_row = vectors * W;
  }
  plain_tiles[g.n < vectors * W].of[vectors][g.m](t);
}

void run_dots(const GemmCall& g) {
  Tile t = whole_as_tile(g);
  t.b_row = g.b_col;
  if (g.a_col == 1) return multiply_by_dots(t, g.m, g.n);
  Real* rows = take_reals(g.m * g.k);
  for (int64_t i = 0; i < g.m; i++)
    for (int64_t l = 0; l < g.k; l++) rows[i * g.k + l] = t.a[i * g.a_row + l * g.a_col];
  t.a = rows;
  t.a_row = g.k;
  multiply_by_dots(t, g.m, g.n);
  return_scratch();
}

void run_plan(const GemmCall& g, const GemmPlan& plan) {
  if (plan.method == GemmMethod::Dot) return run_dots(g);
  if (is_one_tile(g, plan)) return run_one_tile(g, plan);
  run_tiles(g, plan);
}

constexpr GemmCore core = {W, make_plan, run_plan};

}  // namespace
}  // namespace tt::TT_ISA
