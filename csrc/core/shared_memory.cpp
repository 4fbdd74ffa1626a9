#include "core/shared_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include "core/error.h"

namespace tt {
namespace {

std::string reason() { return std::strerror(errno); }

int nameless_file() {
#if defined(__linux__)
  return memfd_create("tinytensor", MFD_CLOEXEC);
#else
  static std::atomic<int> counter{0};
  std::string name = text("/tt-", getpid(), "-", counter++);
  int descriptor = shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (descriptor >= 0) shm_unlink(name.c_str());
  return descriptor;
#endif
}

int64_t page_size() {
  static const int64_t size = sysconf(_SC_PAGESIZE);
  return size;
}

void* map_file(void* place, const SharedFile& file, int64_t offset, int64_t bytes, bool populate,
               int flags = 0) {
#if defined(MAP_POPULATE)
  if (populate) flags |= MAP_POPULATE;
#endif
  void* data = mmap(place, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | flags, file.descriptor(), offset);
  check(data != MAP_FAILED, "shared memory: cannot map ", bytes, " bytes: ", reason());
  return data;
}

// Where a stretch of a file is mapped already. Never destroyed: storages may go at the very end of the
// process.
struct Listed {
  std::mutex mutex;
  std::map<SharedPlace, std::weak_ptr<SharedMemory>> places;
};
Listed& listed() {
  static Listed* all = new Listed;
  return *all;
}

SharedPlace place_of(int descriptor, int64_t offset, int64_t bytes) {
  struct stat status;
  check(!fstat(descriptor, &status), "shared memory: cannot look at the file: ", reason());
  return {status.st_dev, status.st_ino, offset, bytes};
}

}  // namespace

// ---------------------------------------------------------------- files

SharedFile::SharedFile() : descriptor_(nameless_file()) {
  check(descriptor_ >= 0, "shared memory: cannot make a file: ", reason());
}

int64_t SharedFile::bytes() const {
  struct stat status;
  check(!fstat(descriptor_, &status), "shared memory: cannot look at the file: ", reason());
  return status.st_size;
}

int64_t SharedFile::extend(int64_t bytes) {
  int64_t begin = (this->bytes() + page_size() - 1) / page_size() * page_size();
  check(!ftruncate(descriptor_, begin + bytes), "shared memory: cannot allocate ", bytes,
        " bytes: ", reason());
  return begin;
}

void SharedFile::close() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

// ---------------------------------------------------------------- mappings

SharedMemory::SharedMemory(std::shared_ptr<SharedFile> file, int64_t offset, int64_t bytes, bool populate)
    : file_(std::move(file)), offset_(offset), bytes_(bytes) {
  // Memory beyond the end of a file can be mapped, but not touched.
  check(offset >= 0 && bytes >= 0 && offset + bytes <= file_->bytes(), "shared memory: a file of ",
        file_->bytes(), " bytes does not hold ", bytes, " bytes from ", offset);
  if (bytes) data_ = static_cast<char*>(map_file(nullptr, *file_, offset, bytes, populate));
}

SharedMemory::~SharedMemory() {
  unlist();
  if (data_) munmap(data_, bytes_);
}

void SharedMemory::list() {
  place_ = place_of(file_->descriptor(), offset_, bytes_);
  std::lock_guard lock(listed().mutex);
  listed().places[place_] = weak_from_this();
  listed_ = true;
}

void SharedMemory::unlist() {
  if (!listed_) return;
  std::lock_guard lock(listed().mutex);
  auto found = listed().places.find(place_);
  // Another object may have taken the place while this one was going.
  bool own =
      found != listed().places.end() && (found->second.expired() || found->second.lock().get() == this);
  if (own) listed().places.erase(found);
  listed_ = false;
}

const std::shared_ptr<SharedFile>& SharedMemory::file() {
  if (file_->descriptor() >= 0) return file_;
  auto file = std::make_shared<SharedFile>();
  file->extend(bytes_);
  if (bytes_) {
    void* copy = map_file(nullptr, *file, 0, bytes_, false);
    std::memcpy(copy, data_, bytes_);
    munmap(copy, bytes_);
    map_file(data_, *file, 0, bytes_, false, MAP_FIXED);
  }
  unlist();
  file_ = std::move(file);
  offset_ = 0;
  list();
  return file_;
}

std::shared_ptr<SharedMemory> new_shared_memory(const std::shared_ptr<SharedFile>& file, int64_t bytes,
                                                bool populate) {
  int64_t offset = file->extend(bytes);
  return std::make_shared<SharedMemory>(file, offset, bytes, populate);
}

std::shared_ptr<SharedMemory> open_shared_memory(int descriptor, int64_t offset, int64_t bytes) {
  auto file = std::make_shared<SharedFile>(descriptor);
  SharedPlace place = place_of(descriptor, offset, bytes);
  {
    std::lock_guard lock(listed().mutex);
    auto found = listed().places.find(place);
    std::shared_ptr<SharedMemory> memory = found == listed().places.end() ? nullptr : found->second.lock();
    if (memory) return memory;
  }
  auto memory = std::make_shared<SharedMemory>(file, offset, bytes, false);
  memory->list();
  return memory;
}

// ---------------------------------------------------------------- storages

// What a storage in shared memory owns: the memory, and what it had before, which somebody may still look at.
struct SharedContext {
  std::shared_ptr<SharedMemory> memory;
  Ref<Storage> before;
  const Storage* storage = nullptr;

  static void drop(void* context) {
    auto* shared = static_cast<SharedContext*>(context);
    {
      std::lock_guard lock(shared->memory->mutex_);
      if (shared->memory->storage_ == shared->storage) shared->memory->storage_ = nullptr;
    }
    delete shared;
  }
};

static bool retain_if_alive(Storage& storage) {
  uint32_t count = storage.references.load();
  while (count && !storage.references.compare_exchange_weak(count, count + 1)) {}
  return count;
}

Ref<Storage> storage_in(const std::shared_ptr<SharedMemory>& memory) {
  std::lock_guard lock(memory->mutex_);
  if (memory->storage_ && retain_if_alive(*memory->storage_)) return Ref<Storage>::adopt(memory->storage_);
  auto* context = new SharedContext{memory, {}, nullptr};
  Ref<Storage> storage = external_storage(memory->data(), memory->bytes(), {}, SharedContext::drop, context);
  context->storage = memory->storage_ = storage.get();
  return storage;
}

std::shared_ptr<SharedMemory> shared_memory_of(const Storage& storage) {
  const Storage* owner = storage.memory_owner();
  if (owner->free_external != SharedContext::drop) return nullptr;
  return static_cast<SharedContext*>(owner->context)->memory;
}

void move_to_shared(Storage& storage, const std::shared_ptr<SharedMemory>& memory) {
  check(storage.device.is_cpu(), "shared memory: expected a tensor in host memory, got one on ",
        storage.device);
  Storage* owner = &storage;
  while (owner->root) owner = owner->root;
  check(memory->bytes() >= owner->bytes, "shared memory: ", memory->bytes(), " bytes cannot hold ",
        owner->bytes);
  if (owner->bytes) std::memcpy(memory->data(), owner->data, owner->bytes);
  auto* context = new SharedContext{memory, give_up_memory(*owner), owner};
  owner->data = memory->data();
  owner->free_external = SharedContext::drop;
  owner->context = context;
  owner->resizable = false;
  move_aliases(*owner);
  std::lock_guard lock(memory->mutex_);
  memory->storage_ = owner;
}

}  // namespace tt
