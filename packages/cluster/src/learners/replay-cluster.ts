/** The whole course of a cluster, worked out again. */
import { checkOptions } from '@burgeon/tensor'
import { type ClusterPlace, placeChecks } from './coordinator.ts'
import type { Course } from './course.ts'
import type { OuterState } from './outer/outer-state.ts'
import { SharedState } from './shared-state.ts'

/**
 * Works out every round of a cluster again, from its beginning: each state has to be the one that the log says, to
 * the bit.
 *
 * @returns Where it stands, and the shared state.
 * @throws ClusterError where a state is another, or the log has no beginning; BlobError where a state or an update
 *   is no longer there.
 */
export async function replayCluster(
  place: ClusterPlace,
): Promise<{ readonly course: Course; readonly state: OuterState }> {
  checkOptions('replayCluster', place, placeChecks)
  const { course, outer } = await SharedState.open('replayCluster', place.log, place.blobs, true)
  return { course, state: outer }
}
