# mmseg's 40k schedule (SGD, polynomial decay), with a lower learning rate for the attention.
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=4000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
param_scheduler = [
    dict(type='LinearLR', start_factor=0.001, by_epoch=False, begin=0, end=500),
    dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, end=40000, by_epoch=False),
]
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005),
    paramwise_cfg=dict(custom_keys={'backbone.attentions.': dict(lr_mult=0.1)}),
    clip_grad=dict(max_norm=35, norm_type=2))
# Used with --auto-scale-lr: mmseg's learning rate is for 16 images a step.
auto_scale_lr = dict(enable=False, base_batch_size=16)
