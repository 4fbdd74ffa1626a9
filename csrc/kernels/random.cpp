#include "kernels/random_fill.h"

namespace tt::draw {
namespace {

constexpr int64_t normal_block = 16;  // Box-Muller pairs element i with element i + 8

// u * (to - from) + from, rounded once.
template <class T>
void fill_uniform(Generator& generator, T* out, int64_t count, double from, double to) {
  Lock lock(generator.mutex());
  if constexpr (std::is_same_v<T, double>) {
    double width = to - from;
    fill_words<uint64_t>(generator, out, count, [=](uint64_t word, int64_t) {
      return from == 0 ? uniform53(word) * width : std::fma(uniform53(word), width, from);
    });
  } else {
    // The product of two 24-bit factors is exact in double.
    double low = float(from), width = float(to) - float(from);
    T first = narrow<T>(from), end = narrow<T>(to);
    fill_words<uint32_t>(generator, out, count, [=](uint32_t word, int64_t) {
      T x = narrow<T>(float(double(uniform24(word)) * width + low));
      if constexpr (std::is_same_v<T, float>) return x;
      else return x.bits == end.bits ? first : x;  // a 16-bit float often rounds up to the excluded end
    });
  }
}

// Box-Muller needs logarithms on (0, 1] and angles on [0, 2 pi] alone: no reduction, no special values, and
// so a loop that vectorises.
float log_unit(float x) {
  uint32_t bits = float_bits(x), offset = bits - 0x3f3504f3u;  // from sqrt(1/2), so that m lies around 1
  float exponent = float(int32_t(offset) >> 23);
  float m = float_from_bits((offset & 0x007fffffu) + 0x3f3504f3u);
  // log m = 2 atanh s with s = (m - 1) / (m + 1)
  float s = (m - 1) / (m + 1), z = s * s;
  float tail = s * z * (2.f / 3 + z * (2.f / 5 + z * (2.f / 7 + z * (2.f / 9))));
  return exponent * 0.693359375f + (2 * s + (tail + exponent * -2.12194440e-4f));
}
double log_unit(double x) { return std::log(x); }

struct Turn {
  float cosine, sine;
};
Turn turn(float angle) {
  // angle = quarter * pi / 2 + y with |y| <= pi / 4; pi / 2 in three parts keeps y exact
  int32_t quarter = int32_t(angle * 0.636619772f + 0.5f);
  float q = float(quarter);
  float y = ((angle - q * 1.5703125f) - q * 4.837512969970703125e-4f) - q * 7.549789948768648e-8f;
  float z = y * y;
  float sine = y + y * z * (-1.f / 6 + z * (1.f / 120 + z * (-1.f / 5040 + z * (1.f / 362880))));
  float cosine =
      1 + z * (-1.f / 2 + z * (1.f / 24 + z * (-1.f / 720 + z * (1.f / 40320 + z * (-1.f / 3628800)))));
  bool odd = quarter & 1;
  uint32_t sine_sign = uint32_t(quarter & 2) << 30, cosine_sign = uint32_t((quarter + 1) & 2) << 30;
  return {float_from_bits(float_bits(odd ? sine : cosine) ^ cosine_sign),
          float_from_bits(float_bits(odd ? cosine : sine) ^ sine_sign)};
}

template <class T>
void box_muller(T* block, T mean, T std) {
  constexpr int half = normal_block / 2;
  for (int i = 0; i < half; i++) {
    T radius = std::sqrt(T(-2) * log_unit(T(1) - block[i]));
    T angle = T(2 * pi) * block[i + half];
    if constexpr (std::is_same_v<T, float>) {
      auto [cosine, sine] = turn(angle);
      block[i] = radius * cosine * std + mean;
      block[i + half] = radius * sine * std + mean;
    } else {
      block[i] = radius * std::cos(angle) * std + mean;
      block[i + half] = radius * std::sin(angle) * std + mean;
    }
  }
}

// `count` is a multiple of normal_block.
template <class T>
void fill_normal_blocks(Generator& generator, T* out, int64_t count, T mean, T std) {
  fill_uniform(generator, out, count, 0, 1);
  parallel_for(0, count / normal_block, grain / normal_block, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) box_muller(out + i * normal_block, mean, std);
  });
}

// The rest after whole blocks is drawn for nothing (not for 16-bit floats): the last 16 are drawn anew.
template <class T>
void fill_normal(Generator& generator, T* out, int64_t count, double mean, double std) {
  using C = Compute<T>;
  int64_t rest = count % normal_block, whole = count - rest;
  C last[normal_block];
  if constexpr (std::is_same_v<T, C>) {
    fill_normal_blocks(generator, out, whole, C(mean), C(std));
    fill_uniform(generator, last, rest, 0, 1);
  } else {
    std::vector<C> buffer(size_t(std::min(whole, wide_chunk)));
    for (int64_t done = 0; done < whole; done += wide_chunk) {
      int64_t n = std::min(wide_chunk, whole - done);
      fill_normal_blocks(generator, buffer.data(), n, C(mean), C(std));
      std::transform(buffer.data(), buffer.data() + n, out + done, narrow<T, C>);
    }
  }
  if (rest == 0) return;
  fill_normal_blocks(generator, last, normal_block, C(mean), C(std));
  std::transform(last, last + normal_block, out + count - normal_block, narrow<T, C>);
}

}  // namespace

void uniform(Generator& generator, const Target& out, double from, double to) {
  visit_floating("uniform_", out, [&](auto* data) {
    double limit = largest<std::remove_pointer_t<decltype(data)>>();
    check(std::fabs(from) <= limit, "uniform_: from is out of bounds for ", name_of(out.dtype), ", got ",
          from);
    check(std::fabs(to) <= limit, "uniform_: to is out of bounds for ", name_of(out.dtype), ", got ", to);
    check(from <= to, "uniform_: expected from <= to, got from=", from, " and to=", to);
    check(to - from <= limit, "uniform_: to - from overflows ", name_of(out.dtype), ", got from=", from,
          " and to=", to);
    fill_uniform(generator, data, out.count, from, to);
  });
}

void normal(Generator& generator, const Target& out, double mean, double std) {
  if (out.count < normal_block) return normal_serial(generator, out, mean, std);
  check(std >= 0, "normal: expected std >= 0, got ", std);
  visit_floating("normal", out, [&](auto* data) { fill_normal(generator, data, out.count, mean, std); });
}

void normal_serial(Generator& generator, const Target& out, double mean, double std) {
  check(std >= 0, "normal: expected std >= 0, got ", std);
  visit_floating("normal", out, [&](auto* data) {
    Lock lock(generator.mutex());
    for (int64_t i = 0; i < out.count; i++) {
      data[i] = narrow<std::remove_pointer_t<decltype(data)>>(generator.next_normal() * std + mean);
    }
  });
}

namespace {

// u < p where the 53 bits of u are below this; the sign of the difference tells without a branch.
uint64_t bernoulli_threshold(double p) { return uint64_t(std::ceil(p * 0x1p53)); }
bool is_below(uint64_t word, uint64_t threshold) { return ((word & mask53) - threshold) >> 63; }

}  // namespace

void bernoulli(Generator& generator, const Target& out, double p) {
  check(p >= 0 && p <= 1, "bernoulli_: expected 0 <= p <= 1, got ", p);
  visit(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    uint64_t threshold = bernoulli_threshold(p);
    Lock lock(generator.mutex());
    fill_words<uint64_t>(generator, static_cast<T*>(out.data), out.count, [=](uint64_t word, int64_t) {
      return narrow<T>(int32_t(is_below(word, threshold)));
    });
  });
}

void scaled_bernoulli(Generator& generator, const Target& out, double keep) {
  visit_floating("dropout", out, [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    using C = Compute<T>;
    uint64_t threshold = bernoulli_threshold(keep);
    T values[2] = {narrow<T>(C(0)), narrow<T>(C(1) / C(keep))};
    Lock lock(generator.mutex());
    fill_words<uint64_t>(generator, data, out.count,
                         [=](uint64_t word, int64_t) { return values[is_below(word, threshold)]; });
  });
}

void bernoulli(Generator& generator, const Target& out, DType p_dtype, const void* p) {
  visit_floating("bernoulli", {p_dtype, const_cast<void*>(p), out.count}, [&](const auto* chances) {
    for (int64_t i = 0; i < out.count; i++) {
      auto chance = widen(chances[i]);
      check(chance >= 0 && chance <= 1, "bernoulli: expected 0 <= p <= 1, got ", chance);
    }
    using Word = std::conditional_t<std::is_same_v<decltype(widen(*chances)), double>, uint64_t, uint32_t>;
    visit(out.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      T zero = narrow<T>(0), one = narrow<T>(1);
      Lock lock(generator.mutex());
      fill_words<Word>(generator, static_cast<T*>(out.data), out.count, [=](Word word, int64_t i) {
        if constexpr (sizeof(Word) == 8) return uniform53(word) < chances[i] ? one : zero;
        else return uniform24(word) < widen(chances[i]) ? one : zero;
      });
    });
  });
}

}  // namespace tt::draw
