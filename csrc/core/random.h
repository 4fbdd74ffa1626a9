// The generator behind every random number: mt19937, so that a seed yields the numbers PyTorch's CPU yields.
// The distributions that read it are in kernels/random.h.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace tt {

class Generator {
 public:
  static constexpr uint64_t default_seed = 67280421310721;

  explicit Generator(uint64_t seed = default_seed);

  void manual_seed(uint64_t seed);
  uint64_t seed();  // seeds from the operating system and returns what it took
  uint64_t initial_seed() const;

  // In PyTorch's layout, so that a state saved there continues here and back.
  std::vector<uint8_t> state() const;
  void set_state(const uint8_t* bytes, int64_t count);
  std::shared_ptr<Generator> clone() const;

  // What follows does not lock: a caller holds `mutex` for as long as its numbers must be consecutive, and
  // never runs Python, nor waits for a thread that might, while it does.
  std::mutex& mutex() const { return mutex_; }
  uint32_t next32();
  uint64_t next64();      // the first word is the high half
  double next_uniform();  // 53 bits in [0, 1)
  double next_normal();   // drawn in pairs, the second is kept for the next call
  void fill(uint32_t* words, int64_t count);

 private:
  static constexpr int word_count = 624;
  static constexpr int middle = 397;
  struct SavedState;

  void seed_words(uint64_t seed);
  void refill();

  mutable std::mutex mutex_;
  uint64_t seed_;
  uint32_t words_[word_count];
  int position_;  // of the next word; word_count asks for a refill
  bool fresh_;    // nothing has been drawn since seeding
  bool has_normal_;
  double normal_;
};

const std::shared_ptr<Generator>& default_generator();

}  // namespace tt
