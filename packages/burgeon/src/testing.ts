/**
 * `burgeon/testing`: the suites that check ops, gradients, parts of a learner and policies, for any test
 * runner.
 */
export * from '@burgeon/autograd/testing'
export * from '@burgeon/continual/testing'
export * from '@burgeon/tensor/testing'
