#include "core/scratch.h"

#include <cstdlib>
#include <vector>

#include "core/error.h"

namespace tt {
namespace {

constexpr int64_t kept_bytes = 64 << 20;  // a larger block goes back at once

struct Block {
  void* data = nullptr;
  int64_t bytes = 0;
};

struct Stack {
  std::vector<Block> blocks;
  size_t used = 0;
  ~Stack() {
    for (Block& block : blocks) std::free(block.data);
  }
};

thread_local Stack stack;

}  // namespace

void* take_scratch(int64_t bytes) {
  Stack& own = stack;
  if (own.used == own.blocks.size()) own.blocks.emplace_back();
  Block& block = own.blocks[own.used];
  if (block.bytes < bytes || !block.data) {
    std::free(block.data);
    block = {};
    int64_t rounded = (bytes + 4095) / 4096 * 4096 + 4096;
    block.data = std::aligned_alloc(64, size_t(rounded));
    if (!block.data) fail(ErrorKind::Memory, "not enough memory: tried to allocate ", rounded, " bytes");
    block.bytes = rounded;
  }
  own.used++;
  return block.data;
}

void return_scratch() {
  Stack& own = stack;
  Block& block = own.blocks[--own.used];
  if (block.bytes <= kept_bytes) return;
  std::free(block.data);
  block = {};
}

}  // namespace tt
