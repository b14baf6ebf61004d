/** The whole course of a cluster, worked out again. */
import { checkOptions, checks } from '@burgeon/tensor'
import { ClusterError } from '../errors.ts'
import { type ClusterPlace, placeChecks } from './coordinator.ts'
import type { Course, KeptState } from './course.ts'
import type { OuterState } from './outer/outer-state.ts'
import { SharedState } from './shared-state.ts'

/** What was worked out again. */
export interface ReplayedCluster {
  /** The state that it began with. */
  readonly from: KeptState
  readonly course: Course
  readonly state: OuterState
}

/**
 * Works out every round of a cluster again: each state has to be the one that the log says, to the bit.
 *
 * @param options `from`: whether from its `birth`, or from the `oldest` state that was not removed; `birth` unless
 *   given.
 * @returns Where it stands, and the shared state.
 * @throws ClusterError where a state is another, the log has no beginning, or what comes after its birth is removed;
 *   BlobError where a state or an update is not there although nobody has removed it.
 */
export async function replayCluster(
  place: ClusterPlace,
  options: { readonly from?: 'birth' | 'oldest' } = {},
): Promise<ReplayedCluster> {
  checkOptions('replayCluster: place', place, placeChecks)
  checkOptions('replayCluster', options, { from: checks.oneOf('birth', 'oldest') })
  const { from, course, outer } = await SharedState.open('replayCluster', place.log, place.blobs, (last) => {
    const [oldest] = last.states
    if (options.from !== 'oldest' && oldest.version !== last.born) {
      throw new ClusterError(
        `replayCluster: what came before round ${oldest.round + 1} is removed; it can be replayed from the state kept in entry ${oldest.position} on: give { from: 'oldest' }.`,
      )
    }
    return oldest
  })
  return { from, course, state: outer }
}
