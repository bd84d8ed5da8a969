# The same without attention: plain VGG16, what the other is compared with.
_base_ = 'msa-vgg16-bn_1xb128-160e_cifar10-32x32.py'
model = dict(backbone=dict(attention=None, attention_positions=None))
