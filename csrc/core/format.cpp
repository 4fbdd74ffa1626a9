#include "core/format.h"

#include "core/error.h"

namespace tt {

const char* name_of(MemoryFormat format) {
  static constexpr const char* names[] = {"contiguous_format", "preserve_format", "channels_last",
                                          "channels_last_3d"};
  return names[int(format)];
}

Shape format_strides(const char* op, const Shape& sizes, MemoryFormat format) {
  if (format == MemoryFormat::Contiguous) return contiguous_strides(sizes);
  int rank = format == MemoryFormat::ChannelsLast ? 4 : 5;
  check(format != MemoryFormat::Preserve, op, ": preserve_format is not supported here");
  check(sizes.size() == rank, op, ": required rank ", rank, " tensor to use ", name_of(format),
        " format, got shape ", sizes);
  Shape strides = Shape::filled(rank, 1);
  int64_t stride = std::max<int64_t>(sizes[1], 1);
  for (int i = rank - 1; i >= 2; i--) {
    strides[i] = stride;
    stride *= std::max<int64_t>(sizes[i], 1);
  }
  strides[0] = stride;
  return strides;
}

}  // namespace tt
