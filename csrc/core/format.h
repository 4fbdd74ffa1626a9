// In which order a result's dimensions lie in memory.
#pragma once
#include "core/shape.h"

namespace tt {

enum class MemoryFormat : uint8_t { Contiguous, Preserve, ChannelsLast, ChannelsLast3d };

const char* name_of(MemoryFormat format);
// Strides of the given sizes in a format other than Preserve; channels last wants 4 (or 5) dimensions.
Shape format_strides(const char* op, const Shape& sizes, MemoryFormat format);

}  // namespace tt
