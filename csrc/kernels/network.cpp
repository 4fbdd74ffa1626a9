#include "kernels/network.h"

#include "kernels/convolution.h"
#include "kernels/loss.h"
#include "kernels/optimizer.h"
#include "kernels/padding.h"
#include "kernels/pooling.h"
#include "kernels/recurrent.h"
#include "kernels/separable.h"

namespace tt {

constinit const NetworkKernels cpu_network_kernels{.pair_loss = cpu_pair_loss,
                                                    .class_loss = cpu_class_loss,
                                                    .convolution = cpu_convolution,
                                                    .update = cpu_update,
                                                    .max_pool = cpu_max_pool,
                                                    .max_regions = cpu_max_regions,
                                                    .pick = cpu_pick,
                                                    .pool_places = cpu_pool_places,
                                                    .separable = cpu_separable,
                                                    .constant_pad = cpu_constant_pad,
                                                    .recurrent = cpu_recurrent,
                                                    .recurrent_backward = cpu_recurrent_backward};

}  // namespace tt
