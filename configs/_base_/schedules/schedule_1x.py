# mmdet's 1x schedule (12 epochs, batch 16), with a lower learning rate for the attention.
train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=12, val_interval=1)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='MultiStepLR', begin=0, end=12, by_epoch=True, milestones=[8, 11], gamma=0.1),
]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.02, momentum=0.9, weight_decay=0.0001),
    paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=0.1)}),
    # VGG16 without batch norm: the first steps of an untrained head can be large.
    clip_grad=dict(max_norm=35, norm_type=2))
# Used with --auto-scale-lr: the learning rate above is for 8 GPUs with 2 images each.
auto_scale_lr = dict(enable=False, base_batch_size=16)
