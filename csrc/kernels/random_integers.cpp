#include "kernels/random_fill.h"

namespace tt::draw {
namespace {

// from + word % range, a range of 0 meaning the word itself.
template <class Word, class T>
void fill_remainders(Generator& generator, T* out, int64_t count, int64_t from, uint64_t range) {
  auto shifted = [=](uint64_t offset) { return narrow<T>(int64_t(uint64_t(from) + offset)); };
  Lock lock(generator.mutex());
  if (range == 0 || (range & (range - 1)) == 0) {
    return fill_words<Word>(generator, out, count,
                            [=](Word word, int64_t) { return shifted(word & (range - 1)); });
  }
  if constexpr (sizeof(Word) == 8) {
    fill_words<Word>(generator, out, count, [=](Word word, int64_t) { return shifted(word % range); });
  } else {
    // word % range without a division: the fraction of word / range, in 64 bits, times range (Lemire).
    uint64_t inverse = ~uint64_t(0) / range + 1;
    fill_words<Word>(generator, out, count, [=](Word word, int64_t) {
      return shifted(uint64_t((unsigned __int128)(inverse * word) * range >> 64));
    });
  }
}

constexpr uint64_t wide_range = uint64_t(1) << 28;  // from here on PyTorch reduces 64-bit words

template <class T>
void fill_range(Generator& generator, T* out, int64_t count, int64_t from, uint64_t range) {
  if (range - 1 >= wide_range - 1) return fill_remainders<uint64_t>(generator, out, count, from, range);
  fill_remainders<uint32_t>(generator, out, count, from, range);
}

// Where the bound of a range is no value of the float type T, the nearest one inside the range.
template <class T>
int64_t rounded(int64_t x) {
  return saturate<int64_t>(double(widen(narrow<T>(x))));
}

int64_t spacing(int64_t x, int bits) {
  int exponent = 63 - __builtin_clzll(uint64_t(std::abs(x)) | 1);
  return int64_t(1) << std::max(exponent - bits + 1, 0);
}
template <class T>
int64_t first_value(int64_t from) {
  int64_t next = rounded<T>(int64_t(uint64_t(from) + 1));
  return next < from ? next + spacing(from + 1, digits<T>) : from;
}
template <class T>
int64_t last_value(int64_t to) {
  int64_t previous = rounded<T>(to - 1);
  return previous >= to ? previous - spacing(to - 1, digits<T>) : to;
}

template <class T>
void check_bound(const char* name, int64_t value, DType dtype) {
  bool inside;
  if constexpr (is_float<T>) inside = std::fabs(double(value)) <= largest<T>();
  else
    inside =
        value >= int64_t(std::numeric_limits<T>::min()) && value <= int64_t(std::numeric_limits<T>::max());
  check(inside, "random_: ", name, " is out of bounds for ", name_of(dtype), ", got ", value);
}

template <class T>
void fill_random_from(Generator& generator, T* out, const Target& target, int64_t from) {
  constexpr bool all64 = std::is_same_v<T, int64_t> || (is_float<T> && !std::is_same_v<T, Half>);
  if (all64 && from == std::numeric_limits<int64_t>::min())
    return fill_range(generator, out, target.count, 0, 0);
  check_bound<T>("from", from, target.dtype);
  int64_t last;
  if constexpr (is_float<T>) {
    last = int64_t(1) << digits<T>;
    from = first_value<T>(from);
    check(from < last, "random_: expected from below ", last, " for ", name_of(target.dtype), ", got ", from);
  } else {
    last = int64_t(std::numeric_limits<T>::max());
  }
  fill_range(generator, out, target.count, from, uint64_t(last) - uint64_t(from) + 1);
}

template <class T>
void check_permutation(int64_t n) {
  constexpr auto limit = int64_t((uint64_t(1) << digits<T>)-(is_float<T> ? 0 : 1));
  // PyTorch lets bfloat16 repeat values, and so do we.
  check(std::is_same_v<T, BFloat16> || n - 1 <= limit,
        "randperm: n - 1 must be a value of the dtype, at most ", limit, ", got n=", n);
}

// From here on a 32-bit word would favour small remainders too much.
constexpr int64_t wide_permutation = std::numeric_limits<uint32_t>::max() / 20;

template <class T>
void fill_permutation(Generator& generator, T* out, int64_t n) {
  for (int64_t i = 0; i < n; i++) out[i] = narrow<T>(i);
  Lock lock(generator.mutex());
  uint32_t words[chunk];
  if (n < wide_permutation) {
    for (int64_t i = 0; i + 1 < n; i++) {
      if (i % chunk == 0) generator.fill(words, std::min(chunk, n - 1 - i));
      std::swap(out[i], out[i + words[i % chunk] % uint32_t(n - i)]);
    }
    return;
  }
  for (int64_t i = 0; i < n; i++) std::swap(out[i], out[generator.next64() % uint64_t(i + 1)]);
}

}  // namespace

void random(Generator& generator, const Target& out) {
  visit(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Word = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    // Integers from 0 to their maximum, floating point up to 2^digits, where the gaps start to exceed 1.
    constexpr uint64_t range = (uint64_t(1) << digits<T>)+(is_float<T> ? 1 : 0);
    fill_remainders<Word>(generator, static_cast<T*>(out.data), out.count, 0, range);
  });
}

void random(Generator& generator, const Target& out, int64_t from, std::optional<int64_t> to) {
  visit(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* data = static_cast<T*>(out.data);
    if (!to) return fill_random_from(generator, data, out, from);
    check(from < *to, "random_: expected from < to, got from=", from, " and to=", *to);
    check_bound<T>("from", from, out.dtype);
    check_bound<T>("to - 1", *to - 1, out.dtype);
    int64_t first = from, end = *to;
    if constexpr (is_float<T>) {
      first = first_value<T>(from);
      end = last_value<T>(end);
      check(first < end, "random_: no value of ", name_of(out.dtype), " lies between from=", from,
            " and to=", *to);
    }
    fill_range(generator, data, out.count, first, uint64_t(end) - uint64_t(first));
  });
}

void permutation(Generator& generator, const Target& out) {
  if (out.dtype == DType::Bool) fail(ErrorKind::NotImplemented, "randperm: not implemented for bool");
  visit(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) return;
    else {
      check_permutation<T>(out.count);
      fill_permutation(generator, static_cast<T*>(out.data), out.count);
    }
  });
}

}  // namespace tt::draw
