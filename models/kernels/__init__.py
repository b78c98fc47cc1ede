"""What is only fast, each kernel beside the plain function that it equals; `registry.KERNELS` lists them.

The mathematics calls one name, which takes the faster way for the tensors that it is given.
May import: nothing of the project.
"""
