/** `@burgeon/senses/testing`: the contract suite of codecs, for use in any test runner. */
export type { CheckResult } from '@burgeon/tensor/testing'
export { checkCodec, type CodecExpectation } from './check-codec.ts'
