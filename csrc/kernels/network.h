// What layers, losses and optimizers ask of a device beyond the table of ops. Each family keeps its call in a
// header of its own, so that adding to one rebuilds only those who use it. A null entry is an operation the
// device does not have.
#pragma once

namespace tt {

struct PairLossCall;
struct ClassLossCall;
struct ChannelNormCall;
struct RowNormCall;
struct EmbeddingBagCall;
struct CtcCall;

struct ConvolutionCall;
struct UpdateCall;
struct MaxPoolCall;
struct MaxRegionsCall;
struct PickCall;
struct PoolPlacesCall;
struct SeparableCall;
struct ConstantPadCall;
struct GridSampleCall;

struct PicturesCall;
struct RecurrentCall;
struct RecurrentBackwardCall;
struct AttentionCall;
struct AttentionBackwardCall;

struct NetworkKernels {
  void (*pair_loss)(PairLossCall&) = nullptr;
  void (*class_loss)(ClassLossCall&) = nullptr;
  void (*ctc)(const CtcCall&) = nullptr;
  void (*channel_norm)(const ChannelNormCall&) = nullptr;
  void (*row_norm)(const RowNormCall&) = nullptr;
  void (*embedding_bag)(const EmbeddingBagCall&) = nullptr;
  void (*convolution)(const ConvolutionCall&) = nullptr;
  void (*update)(const UpdateCall&) = nullptr;  // a step of an optimizer
  void (*max_pool)(const MaxPoolCall&) = nullptr;
  void (*max_regions)(const MaxRegionsCall&) = nullptr;
  void (*pick)(const PickCall&) = nullptr;
  void (*pool_places)(const PoolPlacesCall&) = nullptr;
  void (*separable)(const SeparableCall&) = nullptr;
  void (*constant_pad)(const ConstantPadCall&) = nullptr;
  void (*grid_sample)(const GridSampleCall&) = nullptr;
  void (*take_pictures)(const PicturesCall&) = nullptr;
  void (*recurrent)(const RecurrentCall&) = nullptr;
  void (*recurrent_backward)(const RecurrentBackwardCall&) = nullptr;
  void (*attention)(const AttentionCall&) = nullptr;
  void (*attention_backward)(const AttentionBackwardCall&) = nullptr;
};

extern const NetworkKernels cpu_network_kernels;

}  // namespace tt
