// A stretch of memory on a device, shared by the tensors that view it, with the version that in-place changes
// bump.
#pragma once
#include <atomic>
#include <cstdint>

#include "core/device.h"
#include "core/ref.h"

namespace tt {

struct Storage {
  std::atomic<uint32_t> references{1};
  uint32_t version = 0;
  const char* last_writer = nullptr;  // the op that bumped the version last
  char* data = nullptr;
  int64_t bytes = 0;
  int64_t inline_bytes = 0;  // a first block that lies behind this header and was outgrown
  Device device;
  bool resizable = true;
  // Memory that is not the allocator's: numpy arrays, DLPack capsules, files, and aliases of another storage.
  void (*free_external)(void* context) = nullptr;
  void* context = nullptr;
  Storage* root = nullptr;  // set on an alias: the storage whose memory this is

  const Storage* memory_owner() const { return root ? root->memory_owner() : this; }
};

Ref<Storage> new_storage(int64_t bytes, Device device);
Ref<Storage> external_storage(void* data, int64_t bytes, Device device, void (*free_external)(void*),
                              void* context);
// The same memory with a version of its own: what `x.data` hands out.
Ref<Storage> alias_storage(const Ref<Storage>& storage);
void resize_storage(Storage& storage, int64_t bytes);  // keeps the contents
void release(Storage* storage);

}  // namespace tt
