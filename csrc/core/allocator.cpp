#include "core/allocator.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>

#include "core/error.h"

namespace tt {
namespace {

constexpr int64_t small_limit = 16 << 10;
constexpr int64_t chunk_bytes = 256 << 10;
constexpr int64_t huge_page = 2 << 20;
constexpr int64_t cache_floor = int64_t(1) << 30;

// Sizes are rounded to an eighth of their power of two: at most an eighth of a block is wasted.
int64_t round_up(int64_t bytes) {
  if (bytes <= 64) return 64;
  int64_t step = std::max<int64_t>(64, int64_t(std::bit_floor(uint64_t(bytes - 1))) / 8);
  return (bytes + step - 1) / step * step;
}

struct FreeBlock {
  FreeBlock* next;
};

constexpr int class_count = small_limit / 64 + 1;

// Small blocks live in lists of the thread that freed them; chunks are never returned to the system.
struct SmallLists {
  FreeBlock* lists[class_count] = {};
  char* chunk = nullptr;
  int64_t left = 0;
};
thread_local SmallLists small;

std::atomic<int64_t> small_chunk_bytes{0};

void* refill(int64_t bytes) {
  if (small.left < bytes) {
    small.chunk = static_cast<char*>(std::aligned_alloc(64, chunk_bytes));
    if (!small.chunk) throw std::bad_alloc();
    small.left = chunk_bytes;
    small_chunk_bytes.fetch_add(chunk_bytes, std::memory_order_relaxed);
  }
  void* block = small.chunk;
  small.chunk += bytes;
  small.left -= bytes;
  return block;
}

struct LargeCache {
  std::mutex mutex;
  std::multimap<int64_t, void*> blocks;
  int64_t in_use = 0, peak = 0, cached = 0, allocations = 0;
};

LargeCache& large() {
  static LargeCache* cache = [] {
    auto* fresh = new LargeCache;  // never destroyed: tensors may outlive static destructors
    pthread_atfork([] { large().mutex.lock(); }, [] { large().mutex.unlock(); },
                   [] { large().mutex.unlock(); });
    return fresh;
  }();
  return *cache;
}

// Blocks of megabytes are mapped on huge-page boundaries: first touch then costs a fault per 2 MB, not per 4
// KB.
void* system_allocate(int64_t bytes) {
  if (bytes < huge_page) return std::aligned_alloc(64, bytes);
  void* data = std::aligned_alloc(huge_page, (bytes + huge_page - 1) / huge_page * huge_page);
  if (data) madvise(data, bytes, MADV_HUGEPAGE);
  return data;
}

void release_cached(LargeCache& cache, int64_t keep) {
  while (cache.cached > keep) {
    auto largest = std::prev(cache.blocks.end());
    cache.cached -= largest->first;
    std::free(largest->second);
    cache.blocks.erase(largest);
  }
}

void* allocate_large(int64_t bytes) {
  LargeCache& cache = large();
  std::lock_guard lock(cache.mutex);
  cache.in_use += bytes;
  cache.peak = std::max(cache.peak, cache.in_use);
  auto found = cache.blocks.find(bytes);
  if (found != cache.blocks.end()) {
    void* data = found->second;
    cache.blocks.erase(found);
    cache.cached -= bytes;
    return data;
  }
  void* data = system_allocate(bytes);
  if (!data) {
    release_cached(cache, 0);
    data = system_allocate(bytes);
  }
  if (!data) cache.in_use -= bytes;
  else cache.allocations++;
  return data;
}

void free_large(void* data, int64_t bytes) {
  LargeCache& cache = large();
  std::lock_guard lock(cache.mutex);
  cache.in_use -= bytes;
  cache.cached += bytes;
  cache.blocks.emplace(bytes, data);
  // Never keep more than the program has needed at once, beyond a floor.
  release_cached(cache, std::max(cache_floor, cache.peak - cache.in_use));
}

}  // namespace

void* allocate_bytes(int64_t bytes) {
  int64_t rounded = round_up(bytes);
  if (rounded <= small_limit) {
    FreeBlock*& list = small.lists[rounded / 64];
    if (!list) return refill(rounded);
    void* block = list;
    list = list->next;
    return block;
  }
  void* data = allocate_large(rounded);
  if (!data) fail(ErrorKind::Runtime, "allocate: not enough memory for ", bytes, " bytes");
  return data;
}

void free_bytes(void* data, int64_t bytes) {
  int64_t rounded = round_up(bytes);
  if (rounded > small_limit) return free_large(data, rounded);
  FreeBlock*& list = small.lists[rounded / 64];
  FreeBlock* block = static_cast<FreeBlock*>(data);
  block->next = list;
  list = block;
}

MemoryStats memory_stats() {
  LargeCache& cache = large();
  std::lock_guard lock(cache.mutex);
  int64_t chunks = small_chunk_bytes.load();
  return {cache.in_use + chunks, cache.peak + chunks, cache.cached, cache.allocations};
}

void reset_peak_memory_stats() {
  LargeCache& cache = large();
  std::lock_guard lock(cache.mutex);
  cache.peak = cache.in_use;
}

void empty_cache() {
  LargeCache& cache = large();
  std::lock_guard lock(cache.mutex);
  release_cached(cache, 0);
}

}  // namespace tt
