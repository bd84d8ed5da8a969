# The same without attention: plain VGG16, what the other is compared with.
_base_ = 'msa-vgg16-bn-c16_1xb128-20e_tinyimagenet50-48x48.py'
model = dict(backbone=dict(attention=None, attention_positions=None))
