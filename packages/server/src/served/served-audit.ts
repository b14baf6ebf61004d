/** The audit log of a life that is served: the head that every client can witness, and proofs. Plain data. */

/** Size of the log, and the root of its Merkle tree (RFC 6962), in hexadecimal. */
export interface AuditedHead {
  readonly size: number
  readonly root: string
}

/** Shows that one log begins with another. */
export interface AuditedGrowth {
  readonly first: AuditedHead
  readonly second: AuditedHead
  readonly path: readonly string[]
}

/** Shows that an experience was learnt. */
export interface AuditedExperience {
  readonly head: AuditedHead
  readonly index: number
  /** The entry as its line in the log says it. */
  readonly entry: string
  readonly path: readonly string[]
  /** Later entries of kind `forget`. */
  readonly since: readonly { readonly i: number; readonly kind: string }[]
}

/** What can be asked of the log. */
export interface ServedAudit {
  /** The head of what is on disk; null before anything is. */
  head(): AuditedHead | null
  /** Shows that the log begins with its first `size` entries; null where it has not as many. */
  since(size: number): Promise<AuditedGrowth | null>
  /** Shows that an experience was learnt; null where no entry that holds says so. */
  learnt(id: number): Promise<AuditedExperience | null>
}
