/** `burgeon/gpt`: the model: configuration, generation, tokenizers, checkpoints. */
export * from '@burgeon/gpt'
