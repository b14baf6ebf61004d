/** The typed errors of a cluster. Each message says what came, what was expected and what to do. */
import { BurgeonError } from '@burgeon/tensor'

/** A message could not be sent, nobody answered, or the one who answered failed. */
export class TransportError extends BurgeonError {
  override readonly name = 'TransportError'
}

/** A log was not where an entry expected it, or does not hold what was asked for. Nothing was appended. */
export class LogError extends BurgeonError {
  override readonly name = 'LogError'
}

/**
 * A worker or a coordinator cannot go on: the log is none of a cluster, or the weights are others than those
 * that the cluster has agreed on.
 */
export class ClusterError extends BurgeonError {
  override readonly name = 'ClusterError'
}

/** There are no bytes of a digest, or they are damaged. */
export class BlobError extends BurgeonError {
  override readonly name = 'BlobError'
}
