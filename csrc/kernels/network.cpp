#include "kernels/network.h"

#include "kernels/attention.h"
#include "kernels/convolution.h"
#include "kernels/grid_sample.h"
#include "kernels/loss.h"
#include "kernels/normalize.h"
#include "kernels/optimizer.h"
#include "kernels/padding.h"
#include "kernels/pictures.h"
#include "kernels/pooling.h"
#include "kernels/recurrent.h"
#include "kernels/separable.h"
#include "kernels/sequence_call.h"

namespace tt {

constinit const NetworkKernels cpu_network_kernels{.pair_loss = cpu_pair_loss,
                                                   .class_loss = cpu_class_loss,
                                                   .ctc = cpu_ctc,
                                                   .channel_norm = cpu_channel_norm,
                                                   .row_norm = cpu_row_norm,
                                                   .embedding_bag = cpu_embedding_bag,
                                                   .convolution = cpu_convolution,
                                                   .update = cpu_update,
                                                   .max_pool = cpu_max_pool,
                                                   .max_regions = cpu_max_regions,
                                                   .pick = cpu_pick,
                                                   .pool_places = cpu_pool_places,
                                                   .separable = cpu_separable,
                                                   .constant_pad = cpu_constant_pad,
                                                   .grid_sample = cpu_grid_sample,
                                                   .take_pictures = cpu_take_pictures,
                                                   .recurrent = cpu_recurrent,
                                                   .recurrent_backward = cpu_recurrent_backward,
                                                   .attention = cpu_attention,
                                                   .attention_backward = cpu_attention_backward};

}  // namespace tt
