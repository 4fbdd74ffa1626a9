// Brings the operands of a box into the form a contiguous loop wants: gathered where strided, converted where
// the types differ, in place where neither is needed.
#pragma once
#include "kernels/elementwise.h"
#include "kernels/iterate.h"

namespace tt {

constexpr int64_t buffer_bytes = 8192;

// Per thread. What an input's buffer holds stays valid for the next box if the input does not move.
struct Buffers {
  alignas(64) char converted[max_operands][buffer_bytes];
  alignas(64) char raw[buffer_bytes];
  const char* source[max_operands] = {};
  int64_t width[max_operands], height[max_operands];
};

// A box as the loop sees it: `count` rows of `length` elements.
struct Rows {
  int64_t count, length;
  char* data[max_operands];
  int64_t inner[max_operands], outer[max_operands];

  // One long row, where the rows of all operands follow each other.
  void join(int operands) {
    for (int k = 0; k < operands; k++)
      if (count > 1 && outer[k] != length * inner[k]) return;
    length *= count;
    count = 1;
  }
};

class Stages {
 public:
  // types[k]: what the loop wants of operand k. Cuts the walk into boxes.
  Stages(Walk& walk, const Operand* const* operands, const DType* types);

  Rows bind(const Box& box, Buffers& buffers) const;
  void store(const Box& box, Buffers& buffers) const;  // what the loop left in the output's buffer

 private:
  struct Stage {
    int64_t size;               // bytes of the type that the loop wants
    bool shared;                // one element serves the whole row
    bool repeated;              // one row serves all rows
    bool dense;                 // the elements of a row lie side by side
    bool direct;                // the loop works on the operand's own memory
    Convert convert = nullptr;  // between the operand's type and the loop's, null when they are the same
  };

  void classify(int k, bool may_share);
  void bind_input(int k, const Box& box, Buffers& buffers, Rows& rows) const;
  void gather(int k, const Box& box, char* to) const;

  const Walk& walk_;
  Stage stages_[max_operands];
};

}  // namespace tt
