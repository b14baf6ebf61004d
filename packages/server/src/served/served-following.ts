/** Weights that follow those of a learner elsewhere. */

/** How a replica stands. */
export interface ServedFollowing {
  /** Name under which the learner publishes. */
  readonly name: string
  /**
   * Versions that the learner has published since that of these weights; null where nobody knows, as the learner
   * cannot be heard.
   */
  readonly behind: number | null
}
