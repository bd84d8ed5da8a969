# Pictures in a folder for each class: ROOT/{train,val,test}/CLASS/*.jpg. A config adds the root and
# the pipelines.
train_dataloader = dict(
    batch_size=128,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='CustomDataset', data_prefix='train'))
val_dataloader = dict(
    batch_size=128,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CustomDataset', data_prefix='val', test_mode=True))
test_dataloader = dict(
    batch_size=128,
    num_workers=2,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='CustomDataset', data_prefix='test', test_mode=True))
val_evaluator = dict(type='Accuracy', topk=(1, 5))
test_evaluator = val_evaluator
