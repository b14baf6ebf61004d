/** What people decide about a life while it learns: asked before each step. */
import type { ApprovedGrowth, LearnerEvent, WaitingGrowth } from '@burgeon/continual'
import { noteAudit } from '../audit/audit-record.ts'
import type { Life } from '../life/life-checkpoint.ts'
import { approvalId, approvalsSize, askFor } from './approvals.ts'
import { requireUnstopped, stopOf } from './stop-file.ts'

/** Looks after the decisions about one life. */
export interface LifeControl {
  /** Whether somebody has stopped the life. */
  readonly isStopped: boolean
  /**
   * Takes note of what was decided. Called before each change of weights.
   *
   * @throws StoppedError where somebody has stopped the life.
   */
  beforeStep(): Promise<void>
  /** Puts growth that waits on record, where somebody can say yes to it. Called after each step. */
  afterStep(events: readonly LearnerEvent[]): Promise<void>
}

/** The approvals of a life; undefined of one that never grows. */
export function approvalsOf({
  learner,
}: Pick<Life, 'learner'>): ApprovedGrowth<unknown>['approvals'] | undefined {
  const { growth } = learner.strategy
  return growth !== undefined && 'approvals' in growth
    ? (growth as ApprovedGrowth<unknown>).approvals
    : undefined
}

/** Decisions about the life in a folder. */
export function lifeControl(folder: string, life: Pick<Life, 'learner' | 'record'>): LifeControl {
  const approvals = approvalsOf(life)
  /** Bytes of the file, and the request, when it was looked at last. */
  let [seen, asked] = [-1, '']
  const decide = async (): Promise<void> => {
    const waiting = approvals?.waiting ?? null
    if (approvals === undefined || waiting === null || waiting.decision !== null) return
    const [size, id] = [approvalsSize(folder), growthIdOf(waiting)]
    if (size === seen && id === asked) return
    ;[seen, asked] = [size, id]
    const { request, reason } = waiting
    // A life that was killed, or went back to a checkpoint, asks again.
    const known = await askFor(folder, 'growth', contentOf(waiting), `${request.kind}: ${reason}`)
    const { decision, by } = known
    if (decision === null) return
    approvals.decide(waiting.id, decision)
    noteAudit(life.record, life.learner.step, 'approval', { id, decision, by })
  }
  return {
    get isStopped() {
      return stopOf(folder) !== null
    },
    async beforeStep() {
      requireUnstopped(folder)
      await decide()
    },
    async afterStep(events) {
      if (events.some(({ kind }) => kind === 'growth waits')) await decide()
    },
  }
}

/** What makes growth that waits the one that somebody said yes to. */
const contentOf = ({ id, step, request }: WaitingGrowth): unknown => [id, step, request]

/** The name under which growth that waits is asked for. */
const growthIdOf = (waiting: WaitingGrowth): string => approvalId('growth', contentOf(waiting))
