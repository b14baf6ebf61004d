/** `burgeon cluster status` and `burgeon cluster leave`: what is said of a cluster, and to it, without being a member. */
import { dismissWorker, surveyCluster } from '@burgeon/cluster'
import type { BrokerOptions } from '../../session/cluster/broker.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { bitsPerByte, count, many } from '../../terminal/quantities.ts'
import { resultsOf } from '../../terminal/results.ts'
import { table } from '../../terminal/table.ts'
import { printable } from '../../terminal/terminal.ts'
import { UsageError } from '../../terminal/usage-error.ts'
import { withBroker } from './with-broker.ts'

export interface ClusterLookOptions extends BrokerOptions {
  readonly json: boolean
}

/** Who only looks neither waits for a broker nor makes anything there. */
const looking = { waits: false, makes: false }
/** Refusals that people are told. */
const told = 10

/** Runs `cluster status`. Returns the exit code. */
export async function clusterStatus(options: ClusterLookOptions, outer: CommandContext): Promise<number> {
  const { print, context } = resultsOf(options.json, outer)
  const { name } = options
  return withBroker('cluster status', options, outer, looking, async ({ place }) => {
    const survey = await surveyCluster(place.log)
    if (survey === null) throw new UsageError(nothingBegun('cluster status', name))
    const records = await place.records.last()
    const { course, workers, refused } = survey
    const { round, open, learnt, skipped, version, settings, states } = course
    const replayableFrom = states[0].round + 1
    print({
      ...{ name, round, isOpen: open !== null, records, learnt, skipped, version, settings, replayableFrom },
      workers,
      refused,
    })
    const rows = workers.map((each) => [
      ...[each.name, each.isMember ? 'yes' : `no: ${each.left ?? 'refused too often'}`, count(each.share)],
      ...[count(each.updates), count(each.steps)],
      each.bitsPerByte === null ? '' : bitsPerByte(each.bitsPerByte),
      count(each.refused),
    ])
    const lines = [
      `${name}: round ${count(round)} ${open === null ? 'has ended' : 'is open'}; of ${many(records, 'record')} ` +
        `${count(learnt)} are learnt, and ${count(skipped)} could not be. Shared weights ${version.slice(0, 12)}.`,
      ...(replayableFrom === 1
        ? []
        : [
            `Updates of before round ${count(replayableFrom)} are removed; all since can be worked out again.`,
          ]),
      rows.length === 0
        ? 'No worker has joined yet.'
        : table(
            ['worker', 'takes part', 'to learn', 'updates', 'records', 'bits/byte', 'refused'],
            rows.map((row) => row.map(printable)),
          ),
      ...refused
        .slice(-told)
        .map((each) => printable(`Refused in round ${each.round}: ${each.worker}, ${each.reason}`)),
    ]
    context.output.write(`${lines.join('\n')}\n`)
    return 0
  })
}

/** Runs `cluster leave`. Returns the exit code. */
export async function clusterLeave(
  worker: string,
  options: ClusterLookOptions,
  outer: CommandContext,
): Promise<number> {
  const { print, context } = resultsOf(options.json, outer)
  const { name } = options
  return withBroker('cluster leave', options, outer, looking, async ({ place }) => {
    const survey = await surveyCluster(place.log)
    if (survey === null) throw new UsageError(nothingBegun('cluster leave', name))
    const known = survey.workers.find((each) => each.name === worker)
    if (known === undefined) {
      const names = survey.workers.map((each) => each.name).join(', ')
      throw new UsageError(
        `cluster leave: got ${printable(worker)}; expected a worker of ${name}${names === '' ? ', which has none' : `: ${names}`}.`,
      )
    }
    if (known.isMember) await dismissWorker(place.log, worker, 'somebody had it leave')
    const wasMember = known.isMember
    context.output.write(
      wasMember
        ? `${worker} leaves ${name}; what it has to learn goes to others.\n`
        : `${worker} takes no part in ${name}; nothing was changed.\n`,
    )
    print({ name, worker, wasMember })
    return 0
  })
}

const nothingBegun = (who: string, name: string): string =>
  `${who}: no cluster ${name} has begun there; expected the --name of one.`
