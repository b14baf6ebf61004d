/** `burgeon/autograd`: gradients. */
export * from '@burgeon/autograd'
