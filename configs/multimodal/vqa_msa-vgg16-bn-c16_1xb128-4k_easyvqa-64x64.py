# Questions about shapes and colours (easy-VQA, tools/convert_easyvqa.py), by a network of a quarter of
# VGG16's width without its last stage, from random weights. The question takes part in the attention
# behind the last two stages; the stages before run once a picture.
_base_ = ['../_base_/datasets/questions_64x64.py', '../_base_/classification_runtime.py']
model = dict(
    type='MSAAnswerer',
    data_preprocessor=dict(
        type='MultiModalDataPreprocessor', mean=[128.0] * 3, std=[64.0] * 3, to_rgb=True),
    vocabulary=dict(kind='word'),
    answers=dict(most=1000),
    text_encoder=dict(type='GRUTextEncoder', channels=64, word_channels=32),
    backbone=dict(
        type='MSAVGG',
        base_channels=16,
        num_stages=4,
        out_indices=(3,),
        norm_cfg=dict(type='BN'),
        # Words and places are compared in C // ratio channels: with fewer than about 32, or with
        # features that are not normalised, the words find no place (see the folder's README).
        # By the gates alone it learns slowly: the words scale and shift the features, too.
        attention=dict(
            type='LanguageConditionedAttention',
            text_channels=64,
            reduction_ratio=2,
            gate_norm=True,
            modulate=True),
        attention_positions=(16, 23)),  # the pools of the last two stages
    conditioning='backbone',
    hidden_channels=128,
    pool_size=1)
optim_wrapper = dict(
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=1e-4),
    # Branches and gates learn slower than the words, which else have to follow them.
    paramwise_cfg=dict(
        custom_keys={
            'attentions': dict(lr_mult=0.3),
            '.words_to_channels': dict(lr_mult=1.0),
            '.words_to_places': dict(lr_mult=1.0),
            '.words_to_features': dict(lr_mult=1.0),
            '.match_features': dict(lr_mult=1.0),
            '.match_conv': dict(lr_mult=1.0)
        }))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=200),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=200, end=4000),
]
train_cfg = dict(by_epoch=False, max_iters=4000, val_interval=200)
val_cfg = dict()
test_cfg = dict()
default_hooks = dict(
    checkpoint=dict(
        interval=1000, by_epoch=False, save_best='answers/exact', rule='greater'),
    logger=dict(log_metric_by_epoch=False))
log_processor = dict(by_epoch=False)
custom_hooks = [dict(type='ChannelsLastHook')]  # few channels: a fifth faster on a CPU
