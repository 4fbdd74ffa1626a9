#include "kernels/sort.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"

namespace tt {
namespace {

// --- keys: unsigned integers in the order of the values; -0 and 0 are one, and so are all NaNs, the largest
// ---

template <class Bits, int width>
Bits key_of_float_bits(Bits bits, bool nan) {
  constexpr Bits sign = Bits(Bits(1) << (width - 1));
  Bits positive = bits == sign ? Bits(0) : bits;
  Bits flip = positive & sign ? Bits(~Bits(0)) : sign;
  return nan ? Bits(~Bits(0)) : Bits(positive ^ flip);
}
inline uint8_t key_of(bool x) { return x; }
inline uint8_t key_of(uint8_t x) { return x; }
inline uint8_t key_of(int8_t x) { return uint8_t(uint8_t(x) ^ 0x80u); }
inline uint16_t key_of(int16_t x) { return uint16_t(uint16_t(x) ^ 0x8000u); }
inline uint32_t key_of(int32_t x) { return uint32_t(x) ^ 0x80000000u; }
inline uint64_t key_of(int64_t x) { return uint64_t(x) ^ (uint64_t(1) << 63); }
inline uint16_t key_of(Half x) { return key_of_float_bits<uint16_t, 16>(x.bits, (x.bits & 0x7fff) > 0x7c00); }
inline uint16_t key_of(BFloat16 x) {
  return key_of_float_bits<uint16_t, 16>(x.bits, (x.bits & 0x7fff) > 0x7f80);
}
inline uint32_t key_of(float x) {
  return key_of_float_bits<uint32_t, 32>(std::bit_cast<uint32_t>(x), x != x);
}
inline uint64_t key_of(double x) {
  return key_of_float_bits<uint64_t, 64>(std::bit_cast<uint64_t>(x), x != x);
}

template <class T>
using Key = decltype(key_of(T{}));

// --- items: a key with its position; no two are equal, so any way of sorting them is stable ---

struct NarrowItem {
  uint64_t bits;
  NarrowItem() = default;
  NarrowItem(uint32_t key, int64_t position) : bits(uint64_t(key) << 32 | uint64_t(position)) {}
  uint32_t key() const { return uint32_t(bits >> 32); }
  int64_t position() const { return int64_t(bits & 0xffffffffu); }
  bool operator<(NarrowItem other) const { return bits < other.bits; }
};

struct WideItem {
  uint64_t bits;
  int64_t at;
  WideItem() = default;
  WideItem(uint64_t key, int64_t position) : bits(key), at(position) {}
  uint64_t key() const { return bits; }
  int64_t position() const { return at; }
  bool operator<(WideItem other) const { return bits != other.bits ? bits < other.bits : at < other.at; }
};

template <class Item>
void insertion_sort(Item* items, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    Item item = items[i];
    int64_t j = i;
    for (; j > 0 && item < items[j - 1]; j--) items[j] = items[j - 1];
    items[j] = item;
  }
}

constexpr int64_t run_length = 16;
constexpr int64_t few = 512;  // from here on counting digits is cheaper than merging

// Sorted runs, merged two by two; the choice of the smaller head is arithmetic, as no processor can predict
// it.
template <class Item>
Item* merge_sort(Item* items, Item* other, int64_t n) {
  for (int64_t i = 0; i < n; i += run_length) insertion_sort(items + i, std::min(run_length, n - i));
  for (int64_t length = run_length; length < n; length *= 2, std::swap(items, other))
    for (int64_t first = 0; first < n; first += 2 * length) {
      int64_t middle = std::min(n, first + length), end = std::min(n, first + 2 * length);
      int64_t a = first, b = middle, to = first;
      while (a < middle && b < end) {
        bool from_b = items[b] < items[a];
        other[to++] = items[from_b ? b : a];
        b += from_b;
        a += !from_b;
      }
      std::copy(items + b, items + end, std::copy(items + a, items + middle, other + to));
    }
  return items;
}

constexpr int digit_bits = 8, digit_values = 1 << digit_bits;

// From the lowest digit to the highest, each pass keeping the order of the ones before. A digit that all keys
// share is skipped.
template <int digits, class Item>
Item* radix_sort(Item* items, Item* other, int64_t n) {
  int64_t starts[digits][digit_values] = {};
  for (int64_t i = 0; i < n; i++)
    for (int d = 0; d < digits; d++) starts[d][items[i].key() >> (d * digit_bits) & (digit_values - 1)]++;
  for (int d = 0; d < digits; d++) {
    auto digit_of = [d](Item item) { return item.key() >> (d * digit_bits) & (digit_values - 1); };
    if (starts[d][digit_of(items[0])] == n) continue;
    int64_t total = 0;
    for (int64_t& start : starts[d]) total += std::exchange(start, total);
    for (int64_t i = 0; i < n; i++) other[starts[d][digit_of(items[i])]++] = items[i];
    std::swap(items, other);
  }
  return items;
}

// Leaves the sorted items in one of the two arrays and returns it.
template <class T, class Item>
Item* sort_items(Item* items, Item* other, int64_t n) {
  if (n <= few) return merge_sort(items, other, n);
  return radix_sort<int(sizeof(Key<T>))>(items, other, n);
}

template <class T, class Item>
void write_items(const Item* items, int64_t count, const T* x, T* values, int64_t* indices) {
  for (int64_t i = 0; i < count; i++) {
    int64_t position = items[i].position();
    if (values) values[i] = x[position];
    if (indices) indices[i] = position;
  }
}

template <class T>
void write_row(const SortCall& call, int64_t row, const T* x, const auto* sorted) {
  T* values = call.values ? static_cast<T*>(call.values) + row * call.n : nullptr;
  write_items(sorted, call.n, x, values, call.indices ? call.indices + row * call.n : nullptr);
}

// Integers mostly lie close together: their distances from the least are short keys.
bool sort_close_row(const SortCall& call, int64_t row, const int64_t* x, NarrowItem* items,
                    NarrowItem* other) {
  constexpr uint64_t short_limit = std::numeric_limits<uint32_t>::max();
  uint64_t least = ~uint64_t(0), greatest = 0;
  for (int64_t i = 0; i < call.n; i++) {
    least = std::min(least, key_of(x[i]));
    greatest = std::max(greatest, key_of(x[i]));
  }
  if (greatest - least > short_limit || uint64_t(call.n) > short_limit) return false;
  for (int64_t i = 0; i < call.n; i++)
    items[i] = NarrowItem(uint32_t(call.descending ? greatest - key_of(x[i]) : key_of(x[i]) - least), i);
  write_row(call, row, x, sort_items<int32_t>(items, other, call.n));
  return true;
}

template <class T, class Item>
void sort_row(const SortCall& call, int64_t row, Item* items, Item* other) {
  using K = Key<T>;
  const T* x = static_cast<const T*>(call.in) + row * call.n;
  if constexpr (std::is_same_v<T, int64_t>) {
    auto *narrow = reinterpret_cast<NarrowItem*>(items), *narrow_other = reinterpret_cast<NarrowItem*>(other);
    if (sort_close_row(call, row, x, narrow, narrow_other)) return;
  }
  K flip = call.descending ? K(~K(0)) : K(0);
  for (int64_t i = 0; i < call.n; i++) items[i] = Item(K(key_of(x[i]) ^ flip), i);
  write_row(call, row, x, sort_items<T>(items, other, call.n));
}

// The k first items. Only what is better than the k-th best so far is kept, and the surplus is thrown out
// whenever the array is full: nearly all elements are only compared.
template <class T, class Item>
int64_t select_items(const T* x, int64_t n, int64_t k, Key<T> flip, Item* items, int64_t capacity) {
  using K = Key<T>;
  constexpr int64_t block = 64;
  int64_t held = 0;
  K keys[block], limit = 0;
  bool limited = false;
  for (int64_t first = 0; first < n; first += block) {
    int64_t length = std::min(block, n - first);
    unsigned better = 0;
    for (int64_t i = 0; i < length; i++) keys[i] = K(key_of(x[first + i]) ^ flip);
    for (int64_t i = 0; i < length; i++) better |= keys[i] < limit;
    if (limited && !better) continue;
    for (int64_t i = 0; i < length; i++) {
      items[held] = Item(keys[i], first + i);
      held += !limited || keys[i] < limit;
    }
    if (held + block < capacity || held <= k) continue;
    std::nth_element(items, items + k - 1, items + held);
    limit = K(items[k - 1].key());
    limited = true;
    held = k;
  }
  if (held > k) std::nth_element(items, items + k - 1, items + held);
  return k;
}

int64_t selection_capacity(const TopkCall& call) { return std::min(call.n, 3 * call.k + 64) + 64; }

template <class T, class Item>
void topk_row(const TopkCall& call, int64_t row, Item* items, Item* other) {
  using K = Key<T>;
  const T* x = static_cast<const T*>(call.in) + row * call.n;
  K flip = call.largest ? K(~K(0)) : K(0);
  const Item* chosen = items;
  select_items(x, call.n, call.k, flip, items, selection_capacity(call));
  if (call.sorted) chosen = sort_items<T>(items, other, call.k);
  T* values = call.values ? static_cast<T*>(call.values) + row * call.k : nullptr;
  write_items(chosen, call.k, x, values, call.indices ? call.indices + row * call.k : nullptr);
}

// NaN and nothing else has the key of all ones.
template <class T>
int64_t count_nans(const T* x, int64_t n) {
  int64_t count = 0;
  if constexpr (!std::is_integral_v<T>)
    for (int64_t i = 0; i < n; i++) count += key_of(x[i]) == Key<T>(~Key<T>(0));
  return count;
}

template <class T>
int64_t wanted_rank(const KthCall& call, const T* x) {
  if (call.rank == Rank::kth) return call.k;
  int64_t numbers = call.n - count_nans(x, call.n);
  if (call.rank == Rank::median) return numbers < call.n ? numbers + 1 : (call.n + 1) / 2;
  return std::max<int64_t>(1, (numbers + 1) / 2);
}

// Of many elements only those that share their leading bits with the k-th are taken, after counting; k
// becomes its rank among them.
template <class T, class Item>
int64_t take_candidates(const T* x, int64_t n, int64_t& k, Item* items) {
  constexpr int bits = int(8 * sizeof(Key<T>)), leading = std::min(bits, 11), shift = bits - leading;
  if (n <= few) {
    for (int64_t i = 0; i < n; i++) items[i] = Item(key_of(x[i]), i);
    return n;
  }
  int64_t counts[1 << leading] = {}, held = 0;
  for (int64_t i = 0; i < n; i++) counts[key_of(x[i]) >> shift]++;
  int bucket = 0;
  for (; k > counts[bucket]; bucket++) k -= counts[bucket];
  for (int64_t i = 0; i < n; i++) {
    items[held] = Item(key_of(x[i]), i);
    held += key_of(x[i]) >> shift == Key<T>(bucket);
  }
  return held;
}

template <class T, class Item>
void kth_row(const KthCall& call, int64_t row, Item* items) {
  const T* x = static_cast<const T*>(call.in) + row * call.n;
  int64_t k = wanted_rank(call, x), held = take_candidates(x, call.n, k, items);
  std::nth_element(items, items + k - 1, items + held);
  write_items(items + k - 1, 1, x, static_cast<T*>(call.values) + row, call.indices + row);
}

constexpr int64_t elements_at_once = 8192;

// Calls body(type tag, row, items, other) for all rows, with two arrays of `capacity` items to work in.
template <class Body>
void for_each_row(DType dtype, int64_t rows, int64_t n, int64_t capacity, Body&& body) {
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto run = [&](auto item_tag) {
      using Item = typename decltype(item_tag)::type;
      parallel_for(0, rows, std::max<int64_t>(1, elements_at_once / n), [&](int64_t begin, int64_t end) {
        Scratch scratch(2 * capacity * int64_t(sizeof(Item)));
        Item* items = scratch.as<Item>();
        for (int64_t row = begin; row < end; row++) body(tag, row, items, items + capacity);
      });
    };
    if (sizeof(T) <= 4 && n <= std::numeric_limits<uint32_t>::max()) run(TypeTag<NarrowItem>{});
    else run(TypeTag<WideItem>{});
  });
}

}  // namespace

void cpu_sort(const SortCall& call) {
  if (call.rows * call.n == 0) return;
  for_each_row(call.dtype, call.rows, call.n, call.n, [&](auto tag, int64_t row, auto* items, auto* other) {
    sort_row<typename decltype(tag)::type>(call, row, items, other);
  });
}

void cpu_topk(const TopkCall& call) {
  if (call.rows * call.k == 0) return;
  for_each_row(call.dtype, call.rows, call.n, selection_capacity(call),
               [&](auto tag, int64_t row, auto* items, auto* other) {
                 topk_row<typename decltype(tag)::type>(call, row, items, other);
               });
}

void cpu_kth(const KthCall& call) {
  if (call.rows * call.n == 0) return;
  for_each_row(call.dtype, call.rows, call.n, call.n + 1, [&](auto tag, int64_t row, auto* items, auto*) {
    kth_row<typename decltype(tag)::type>(call, row, items);
  });
}

}  // namespace tt
