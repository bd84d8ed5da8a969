_base_ = 'default_runtime.py'
default_scope = 'mmseg'
default_hooks = dict(
    logger=dict(log_metric_by_epoch=False),
    checkpoint=dict(by_epoch=False, interval=4000, max_keep_ckpts=2),
    visualization=dict(type='SegVisualizationHook'))
visualizer = dict(type='SegLocalVisualizer')
log_processor = dict(by_epoch=False)
