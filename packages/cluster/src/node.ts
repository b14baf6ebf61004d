/** `@burgeon/cluster/node`: what needs Node. */
export {
  answerStream,
  type ReadableBytes,
  streamLink,
  type WritableBytes,
} from './shards/node/stream-link.ts'
