# The two cameras of MSRS (https://github.com/Linfeng-Tang/MSRS), day and night. LoadModalities and the
# preprocessor get the same list.
modalities = [
    dict(
        name='visible',
        channels=3,
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True),
    dict(name='infrared', channels=1, mean=29.0, std=24.0),
]
