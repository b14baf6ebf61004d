/** The stop switch and the approvals of a life that is served. */
import type { ServedControl } from '@burgeon/server'
import { decideApproval, openRequests } from '../../session/control/approvals.ts'
import { releaseLife, stopLife, stopOf } from '../../session/control/stop-file.ts'
import type { Life } from '../../session/life/life-checkpoint.ts'

/** Those of the life in a folder. */
export function servedControl(folder: string, life: () => Pick<Life, 'settings'>): ServedControl {
  return {
    stopped: () => stopOf(folder),
    stop: (by) => stopLife(folder, { by }),
    async release() {
      await releaseLife(folder)
    },
    policy: () => life().settings.policy?.digest ?? null,
    waiting: () =>
      openRequests(folder)
        .filter(({ decision }) => decision === null)
        .map(({ id, kind, summary }) => ({ id, kind, summary })),
    async decide(id, decision, by) {
      await decideApproval(folder, id, { decision, by })
    },
  }
}
