/** `burgeon/optim`: optimizers, schedules and other transforms of gradients. */
export * from '@burgeon/autograd/optim'
