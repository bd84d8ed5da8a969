# `make demo-vqa`: questions about coloured digits, of which 29 % can be guessed without looking.
_base_ = 'vqa_msa-vgg16-bn-c16_1xb128-4k_easyvqa-64x64.py'
data_root = 'data/demo-questions/'
# Digits are hard to read: a batch of 64 pictures needs half the steps of one of 18.
train_dataloader = dict(sampler=dict(together=2), dataset=dict(data_root=data_root))
val_dataloader = dict(dataset=dict(data_root=data_root))
test_dataloader = dict(
    dataset=dict(
        data_root=data_root,
        question_file='val_questions.json',
        ann_file='val_annotations.json'))
model = dict(pool='max', pool_size=2)  # what small digits look like, and where they are
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(type='CosineAnnealingLR', by_epoch=False, begin=100, end=2000),
]
train_cfg = dict(max_iters=2000, val_interval=250)
default_hooks = dict(checkpoint=dict(interval=500))
