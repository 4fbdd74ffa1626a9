// Memory that several processes map at once. A file without a name holds it, so it goes with its last user,
// however that one ends.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <tuple>

#include "core/storage.h"

namespace tt {

class SharedFile {
 public:
  SharedFile();                                                     // empty
  explicit SharedFile(int descriptor) : descriptor_(descriptor) {}  // takes the descriptor over
  ~SharedFile() { close(); }
  SharedFile(const SharedFile&) = delete;
  SharedFile& operator=(const SharedFile&) = delete;

  int descriptor() const { return descriptor_; }  // -1 once closed
  int64_t bytes() const;
  int64_t extend(int64_t bytes);  // appends room on a page of its own, returns where it begins
  void close();                   // what is mapped stays mapped

 private:
  int descriptor_;
};

// Device and number of a file, and the stretch of it.
using SharedPlace = std::tuple<dev_t, ino_t, int64_t, int64_t>;

// A stretch of a shared file, mapped here.
class SharedMemory : public std::enable_shared_from_this<SharedMemory> {
 public:
  // With `populate`, pages are mapped at once: right for memory that will be touched soon, and whole.
  SharedMemory(std::shared_ptr<SharedFile> file, int64_t offset, int64_t bytes, bool populate);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  // The file, for another process. If it was closed, the contents move to a new one under the same address;
  // who had mapped the old file no longer sees changes made here.
  const std::shared_ptr<SharedFile>& file();
  int64_t offset() const { return offset_; }
  int64_t bytes() const { return bytes_; }
  char* data() const { return data_; }

  // From now on open_shared_memory finds this object.
  void list();

 private:
  friend Ref<Storage> storage_in(const std::shared_ptr<SharedMemory>& memory);
  friend void move_to_shared(Storage& storage, const std::shared_ptr<SharedMemory>& memory);
  friend struct SharedContext;

  void unlist();

  std::shared_ptr<SharedFile> file_;
  int64_t offset_, bytes_;
  char* data_ = nullptr;
  std::mutex mutex_;            // of storage_
  Storage* storage_ = nullptr;  // the one storage over this memory, not owned
  bool listed_ = false;
  SharedPlace place_{};
};

std::shared_ptr<SharedMemory> new_shared_memory(const std::shared_ptr<SharedFile>& file, int64_t bytes,
                                                bool populate);
// What a descriptor (taken over) refers to; the same object for the same stretch, as long as it is alive.
std::shared_ptr<SharedMemory> open_shared_memory(int descriptor, int64_t offset, int64_t bytes);

// The one storage of a shared memory, of which all tensors over it are views.
Ref<Storage> storage_in(const std::shared_ptr<SharedMemory>& memory);
// The shared memory that a storage lies in; null when it lies elsewhere.
std::shared_ptr<SharedMemory> shared_memory_of(const Storage& storage);
// Moves the contents to shared memory, where all tensors of this storage find them. A NumPy array that looked
// at the old place keeps the old values.
void move_to_shared(Storage& storage, const std::shared_ptr<SharedMemory>& memory);

// In storage.cpp: the storage gives its memory up to another one, or, if it lies behind its header, leaves it
// unused.
Ref<Storage> give_up_memory(Storage& storage);
// In storage.cpp: the aliases of a storage follow it to where its memory is now.
void move_aliases(const Storage& owner);

}  // namespace tt
