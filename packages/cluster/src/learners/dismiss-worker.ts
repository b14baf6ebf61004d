/** Says of a worker that it takes part no more. */
import { checkArgument, checks, OptionError } from '@burgeon/tensor'
import { aLog, type Log } from '../seams/log.ts'
import { aWord } from '../seams/subject.ts'
import { coordinatorName } from './course.ts'
import { bytesOfEntry } from './entries.ts'

/**
 * Says of a worker, in its name, that it takes part no more: its share of an open round goes to others, and its
 * process does not join again by itself. Of one that takes no part it changes nothing.
 *
 * @throws OptionError for arguments that are none, LogError where the log cannot be written so.
 */
export async function dismissWorker(log: Log, worker: string, reason: string): Promise<void> {
  checkArgument('dismissWorker', 'log', log, aLog)
  checkArgument('dismissWorker', 'worker', worker, aWord)
  checkArgument('dismissWorker', 'reason', reason, checks.text)
  if (worker === coordinatorName) {
    throw new OptionError(`dismissWorker: got worker ${worker}; expected one, for that is who decides.`)
  }
  await log.append(bytesOfEntry({ kind: 'left', worker, reason }), { author: worker })
}
