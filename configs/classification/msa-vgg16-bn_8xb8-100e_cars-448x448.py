# The same for the 196 models of Stanford Cars.
_base_ = 'msa-vgg16-bn_8xb8-100e_cub-448x448.py'
dataset = dict(type='StanfordCars', data_root='data/stanford_cars/')
train_dataloader = dict(dataset=dataset)
val_dataloader = dict(dataset=dataset)
test_dataloader = dict(dataset=dataset)
model = dict(data_preprocessor=dict(num_classes=196), head=dict(num_classes=196))
