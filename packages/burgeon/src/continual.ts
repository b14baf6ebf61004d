/** `burgeon/continual`: the learner, its parts and policies, and meta-learning. */
export * from '@burgeon/continual'
