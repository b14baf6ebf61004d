/** `@burgeon/cluster/testing`: contract suites for the seams of a cluster, for use in any test runner. */
export type { CheckResult } from '@burgeon/tensor/testing'
export { type BlobsExpectation, checkBlobs } from './check-blobs.ts'
export { checkLog } from './check-log.ts'
export { checkTransport } from './check-transport.ts'
export type { Patience } from './patience.ts'
