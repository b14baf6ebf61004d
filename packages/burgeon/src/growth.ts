/** `burgeon/growth`: the mechanism of growth. */
export * from '@burgeon/gpt/growth'
