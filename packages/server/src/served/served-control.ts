/** What people decide about a life that is served. */

/** Who has stopped it, and when. */
export interface StoppedBy {
  readonly by: string
  readonly at: string
}

/** Something that waits for somebody's yes. Plain data. */
export interface WaitingApproval {
  readonly id: string
  readonly kind: string
  /** What is asked for, in words. */
  readonly summary: string
}

/** The switch of a life, and what waits there. */
export interface ServedControl {
  /** Null where nobody has stopped it: then it may learn. */
  stopped(): StoppedBy | null
  /** Nothing changes the weights from now on, also after a restart. */
  stop(by: string): Promise<void>
  release(): Promise<void>
  /** Digest of the policy that the life is held to; null where there is none. */
  policy(): string | null
  waiting(): readonly WaitingApproval[]
  /**
   * Says yes or no. Whoever learns takes note of it before the next step.
   *
   * @throws OptionError for a request that does not wait.
   */
  decide(id: string, decision: 'approve' | 'refuse', by: string): Promise<void>
}
