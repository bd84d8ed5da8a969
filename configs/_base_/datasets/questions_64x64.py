# Questions about pictures of 64x64, those of a picture one after the other. For other
# data set data_root and the names of the files, or give --data.
data_root = 'data/easyvqa/'
keys = ('question', 'gt_answer', 'gt_answer_weight', 'question_type', 'answer_type')
pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(64, 64)),
    dict(
        type='PackInputs',
        algorithm_keys=keys,
        meta_keys=('question_id', 'img_path', 'ori_shape', 'img_shape')),
]
train_dataloader = dict(
    batch_size=128,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='PictureSampler', shuffle=True),
    dataset=dict(
        type='PictureQuestionDataset',
        data_root=data_root,
        question_file='train_questions.json',
        ann_file='train_annotations.json',
        data_prefix=dict(img='images'),
        pipeline=pipeline))
val_dataloader = dict(
    batch_size=256,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='PictureSampler', shuffle=False),
    dataset=dict(
        type='PictureQuestionDataset',
        data_root=data_root,
        question_file='val_questions.json',
        ann_file='val_annotations.json',
        data_prefix=dict(img='images'),
        test_mode=True,
        pipeline=pipeline))
test_dataloader = dict(
    batch_size=256,
    num_workers=0,
    collate_fn=dict(type='default_collate'),
    sampler=dict(type='PictureSampler', shuffle=False),
    dataset=dict(
        type='PictureQuestionDataset',
        data_root=data_root,
        question_file='test_questions.json',
        ann_file='test_annotations.json',
        data_prefix=dict(img='images'),
        test_mode=True,
        pipeline=pipeline))
val_evaluator = [dict(type='VQAAcc'), dict(type='AnswerAccuracy')]
test_evaluator = val_evaluator
