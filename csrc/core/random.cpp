#include "core/random.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <random>
#include <utility>

#include "core/error.h"

namespace tt {

namespace {

constexpr double two_pi = 6.283185307179586476925;

inline uint32_t twist(uint32_t high, uint32_t low) {
  uint32_t joined = (high & 0x80000000u) | (low & 0x7fffffffu);
  return (joined >> 1) ^ ((0u - (low & 1u)) & 0x9908b0dfu);
}

inline uint32_t temper(uint32_t word) {
  word ^= word >> 11;
  word ^= (word << 7) & 0x9d2c5680u;
  word ^= (word << 15) & 0xefc60000u;
  return word ^ (word >> 18);
}

}  // namespace

// The bytes of get_rng_state(). `left` counts down to the next refill and `next` up from the last one.
struct Generator::SavedState {
  uint64_t seed;
  int32_t left;
  int32_t seeded;
  uint64_t next;
  uint64_t words[word_count];
  double unused_x;
  double normal;
  double unused_rho;
  int32_t has_normal;
  int32_t padding;
  float unused_float;
  uint32_t unused_flag;
};

Generator::Generator(uint64_t seed) { seed_words(seed); }

void Generator::seed_words(uint64_t seed) {
  seed_ = seed;
  words_[0] = uint32_t(seed);
  for (int i = 1; i < word_count; i++) {
    uint32_t last = words_[i - 1];
    words_[i] = 1812433253u * (last ^ (last >> 30)) + uint32_t(i);
  }
  position_ = word_count;
  fresh_ = true;
  has_normal_ = false;
  normal_ = 0;
}

void Generator::manual_seed(uint64_t seed) {
  std::lock_guard<std::mutex> guard(mutex_);
  seed_words(seed);
}

uint64_t Generator::seed() {
  std::random_device device;
  uint64_t high = device();
  uint64_t seed = (high << 32) | device();
  manual_seed(seed);
  return seed;
}

uint64_t Generator::initial_seed() const {
  std::lock_guard<std::mutex> guard(mutex_);
  return seed_;
}

std::vector<uint8_t> Generator::state() const {
  static_assert(sizeof(SavedState) == 5056 && offsetof(SavedState, has_normal) == 5040);
  std::lock_guard<std::mutex> guard(mutex_);
  SavedState saved{};
  saved.seed = seed_;
  saved.left = word_count + 1 - position_;
  saved.seeded = 1;
  saved.next = fresh_ ? 0 : uint64_t(position_);
  std::copy(words_, words_ + word_count, saved.words);
  saved.normal = normal_;
  saved.has_normal = has_normal_;
  std::vector<uint8_t> bytes(sizeof saved);
  std::memcpy(bytes.data(), &saved, sizeof saved);
  return bytes;
}

void Generator::set_state(const uint8_t* bytes, int64_t count) {
  check(count == int64_t(sizeof(SavedState)), "set_state: expected ", sizeof(SavedState), " bytes, got ",
        count);
  SavedState saved;
  std::memcpy(&saved, bytes, sizeof saved);
  bool fresh = saved.left == 1 && saved.next == 0;
  bool consistent = saved.left >= 1 && saved.left <= word_count && saved.next <= word_count &&
                    saved.left + int64_t(saved.next) == word_count + 1;
  check(saved.seeded != 0 && (fresh || consistent),
        "set_state: not the state of a generator, got left=", saved.left, ", next=", saved.next,
        ", seeded=", saved.seeded);
  std::lock_guard<std::mutex> guard(mutex_);
  seed_ = saved.seed;
  std::transform(saved.words, saved.words + word_count, words_, [](uint64_t word) { return uint32_t(word); });
  position_ = fresh ? word_count : int(saved.next);
  fresh_ = fresh;
  has_normal_ = saved.has_normal != 0;
  normal_ = has_normal_ ? saved.normal : 0;
}

std::shared_ptr<Generator> Generator::clone() const {
  auto copy = std::make_shared<Generator>();
  auto bytes = state();
  copy->set_state(bytes.data(), int64_t(bytes.size()));
  return copy;
}

void Generator::refill() {
  uint32_t* words = words_;
  constexpr int split = word_count - middle;
  for (int i = 0; i < split; i++) words[i] = words[i + middle] ^ twist(words[i], words[i + 1]);
  // Reads what was written 227 words ago, farther than any vector reaches.
#pragma GCC ivdep
  for (int i = split; i < word_count - 1; i++) words[i] = words[i - split] ^ twist(words[i], words[i + 1]);
  words[word_count - 1] = words[middle - 1] ^ twist(words[word_count - 1], words[0]);
  position_ = 0;
}

uint32_t Generator::next32() {
  if (position_ == word_count) refill();
  fresh_ = false;
  return temper(words_[position_++]);
}

uint64_t Generator::next64() {
  uint64_t high = next32();
  return (high << 32) | next32();
}

double Generator::next_uniform() { return double(next64() & ((uint64_t(1) << 53) - 1)) * 0x1p-53; }

double Generator::next_normal() {
  if (has_normal_) {
    has_normal_ = false;
    return std::exchange(normal_, 0.0);
  }
  double angle = two_pi * next_uniform();
  double radius = std::sqrt(-2 * std::log1p(-next_uniform()));
  normal_ = radius * std::sin(angle);
  has_normal_ = true;
  return radius * std::cos(angle);
}

void Generator::fill(uint32_t* words, int64_t count) {
  while (count > 0) {
    if (position_ == word_count) refill();
    fresh_ = false;
    int span = int(std::min<int64_t>(count, word_count - position_));
    const uint32_t* from = words_ + position_;
    for (int i = 0; i < span; i++) words[i] = temper(from[i]);
    position_ += span;
    words += span;
    count -= span;
  }
}

const std::shared_ptr<Generator>& default_generator() {
  static const auto generator = std::make_shared<Generator>();
  return generator;
}

}  // namespace tt
