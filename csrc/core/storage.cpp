#include "core/storage.h"

#include <algorithm>
#include <mutex>
#include <new>

#include "core/allocator.h"
#include "core/error.h"
#include "core/profile.h"
#include "core/shared_memory.h"

namespace tt {
namespace {

// A CPU storage lies in front of its own first data block: one allocation for both.
constexpr int64_t header_bytes = 128;
static_assert(sizeof(Storage) <= header_bytes);

bool data_is_inline(const Storage& storage) {
  return storage.data == reinterpret_cast<const char*>(&storage) + header_bytes;
}

void free_data(Storage& storage) {
  if (storage.free_external) return storage.free_external(storage.context);
  if (!storage.data || data_is_inline(storage)) return;
  backend_of(storage.device).free(storage.data, storage.bytes, storage.device.index);
}

Storage* bare_storage(Device device, int64_t inline_bytes = 0) {
  auto* storage = new (allocate_bytes(header_bytes + inline_bytes)) Storage;
  storage->device = device;
  return storage;
}

inline void note_memory(int64_t bytes) {
  if (profiling_memory() && bytes) [[unlikely]]
    record_memory(bytes);
}

// What a storage on the CPU holds of the allocator's memory.
int64_t held_bytes(const Storage& storage) {
  return storage.device.is_cpu() && !storage.free_external ? storage.bytes : 0;
}

}  // namespace

Ref<Storage> new_storage(int64_t bytes, Device device) {
  if (device.is_cpu()) {
    Storage* storage = bare_storage(device, bytes);
    storage->data = reinterpret_cast<char*>(storage) + header_bytes;
    storage->bytes = bytes;
    note_memory(bytes);
    return Ref<Storage>::adopt(storage);
  }
  char* data = bytes ? static_cast<char*>(backend_of(device).allocate(bytes, device.index)) : nullptr;
  Storage* storage = bare_storage(device);
  storage->data = data;
  storage->bytes = bytes;
  return Ref<Storage>::adopt(storage);
}

Ref<Storage> external_storage(void* data, int64_t bytes, Device device, void (*free_external)(void*),
                              void* context) {
  Storage* storage = bare_storage(device);
  storage->data = static_cast<char*>(data);
  storage->bytes = bytes;
  storage->free_external = free_external;
  storage->context = context;
  storage->resizable = false;
  return Ref<Storage>::adopt(storage);
}

namespace {

// The aliases that are alive, so that they can follow their storage when its memory moves.
struct Alias {
  Ref<Storage> of;
  Storage* self;
  Alias *previous = nullptr, *next = nullptr;
};
std::mutex aliases_mutex;
Alias* aliases = nullptr;

void list_alias(Alias* alias) {
  std::lock_guard lock(aliases_mutex);
  alias->next = aliases;
  if (aliases) aliases->previous = alias;
  aliases = alias;
}

void drop_alias(void* context) {
  auto* alias = static_cast<Alias*>(context);
  {
    std::lock_guard lock(aliases_mutex);
    if (alias->next) alias->next->previous = alias->previous;
    (alias->previous ? alias->previous->next : aliases) = alias->next;
  }
  alias->~Alias();
  free_bytes(alias, sizeof(Alias));
}

}  // namespace

Ref<Storage> alias_storage(const Ref<Storage>& storage) {
  auto* context = new (allocate_bytes(sizeof(Alias))) Alias{storage, nullptr};
  Ref<Storage> alias = external_storage(storage->data, storage->bytes, storage->device, drop_alias, context);
  alias->root = storage.get();
  context->self = alias.get();
  list_alias(context);
  return alias;
}

void move_aliases(const Storage& owner) {
  std::lock_guard lock(aliases_mutex);
  for (Alias* alias = aliases; alias; alias = alias->next) {
    if (alias->self->memory_owner() != &owner) continue;
    alias->self->data = owner.data;
    alias->self->bytes = owner.bytes;
  }
}

void resize_storage(Storage& storage, int64_t bytes) {
  if (bytes <= storage.bytes) return;
  check(storage.resizable, "resize: trying to resize storage that is not resizable (", storage.bytes,
        " bytes of memory shared with another owner, ", bytes, " needed)");
  const Backend& backend = backend_of(storage.device);
  char* data = static_cast<char*>(backend.allocate(bytes, storage.device.index));
  backend.copy_bytes(data, storage.device, storage.data, storage.device, storage.bytes);
  if (storage.device.is_cpu()) note_memory(bytes - held_bytes(storage));
  // An inline first block stays with the header until the storage goes: remember how long it was.
  if (data_is_inline(storage)) storage.inline_bytes = storage.bytes;
  else free_data(storage);
  storage.data = data;
  storage.bytes = bytes;
  move_aliases(storage);
}

Ref<Storage> give_up_memory(Storage& storage) {
  if (data_is_inline(storage)) {
    storage.inline_bytes = storage.bytes;
    return {};
  }
  Storage* taken = bare_storage(storage.device);
  taken->data = storage.data;
  taken->bytes = storage.bytes;
  taken->free_external = storage.free_external;
  taken->context = storage.context;
  return Ref<Storage>::adopt(taken);
}

void release(Storage* storage) {
  note_memory(-held_bytes(*storage));
  int64_t inline_bytes = data_is_inline(*storage) ? storage->bytes : storage->inline_bytes;
  free_data(*storage);
  storage->~Storage();
  free_bytes(storage, header_bytes + inline_bytes);
}

}  // namespace tt
