/**
 * `burgeon`: a language model that never stops learning and never stops growing. Everything of the four packages behind
 * one import; the command line lives beside it.
 */
export * from '@burgeon/autograd'
export * from '@burgeon/autograd/optim'
export * from '@burgeon/continual'
export * from '@burgeon/gpt'
export * from '@burgeon/gpt/growth'
export * from '@burgeon/tensor'
export { UsageError } from './commands/usage-error.ts'
export { DivergedError } from './session/diverged.ts'
export { StreamError, type StreamErrorCode } from './sources/stream-error.ts'
