// The caching CPU allocator: 64-byte aligned, thread-local lists for small sizes, large blocks kept and
// reused. A block's size is given back with it, so no block carries a header.
#pragma once
#include <cstdint>

namespace tt {

void* allocate_bytes(int64_t bytes);
void free_bytes(void* data, int64_t bytes);

struct MemoryStats {
  int64_t in_use;  // bytes handed out, rounded to blocks
  int64_t peak_in_use;
  int64_t cached;       // large blocks kept for reuse
  int64_t allocations;  // large blocks asked of the system so far
};
MemoryStats memory_stats();
void reset_peak_memory_stats();
void empty_cache();  // gives the cached large blocks back to the system

}  // namespace tt
