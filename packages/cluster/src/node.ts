/** `@burgeon/cluster/node`: what needs Node. */
export { answerStream, streamLink } from './shards/node/stream-link.ts'
