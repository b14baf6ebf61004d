/** `burgeon inspect`: what a model is, and how one of ours came to be what it is. */
import { readFile, writeFile } from 'node:fs/promises'
import { eventFromState, type SavedLearner, savedPartNames } from '@burgeon/continual'
import {
  configFromState,
  type Disk,
  describeCheckpoint,
  type GptState,
  keptCheckpoints,
  parameterSpecs,
  readCheckpoint,
} from '@burgeon/gpt'
import { nodeDisk } from '@burgeon/gpt/node'
import { predictedOf, recordFromState } from '../../session/record/life-record.ts'
import { bitsPerByte, count } from '../../terminal/quantities.ts'
import { table } from '../../terminal/table.ts'
import { pathArgument, shellCommand } from '../../terminal/shell-word.ts'
import { palette, printable } from '../../terminal/terminal.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { broughtPath } from '../../models/bring-model.ts'
import { modelFormAt } from '../../models/model-form.ts'
import { inspectPretrained } from './inspect-pretrained.ts'
import { sizesOf, widthOf } from './inspect-sizes.ts'
import { growthPicture } from '../../report/growth-picture.ts'
import { growthHistory, growthsOf, logHistory } from '../../report/growth-history.ts'
import { UsageError } from '../../terminal/usage-error.ts'

export interface InspectOptions {
  /** Checkpoint, folder or file of the model, unless it is named by itself; `life` unless given. */
  readonly from?: string
  /** Tells every growth, too. */
  readonly growth: boolean
  /** Draws how it grew, too, as SVG into this file. */
  readonly picture?: string
  /** Prints one object of JSON. */
  readonly json: boolean
}

/** Runs the command. Returns the exit code. */
export async function inspect(
  path: string | undefined,
  { from: named, growth, picture, json }: InspectOptions,
  context: CommandContext,
): Promise<number> {
  if (path !== undefined && named !== undefined) {
    throw new UsageError(
      `inspect: got ${printable(path)} and --from ${printable(named)}; expected one of them.`,
    )
  }
  const from = path ?? named ?? 'life'
  const at = await broughtPath('inspect', from, context)
  const form = await modelFormAt('inspect', at)
  if (form !== 'checkpoint') {
    if (!growth && picture === undefined) return inspectPretrained(from, { at, form, json }, context)
    throw new UsageError(
      `inspect: ${printable(from)} does not say how it grew; expected a checkpoint with --growth and --picture.`,
    )
  }
  const disk = nodeDisk(at)
  const { model, learner, life } = (await readCheckpoint(disk)) as {
    model?: GptState
    learner?: SavedLearner
    life?: { record?: unknown; settings?: { policy?: { digest?: string } } }
  }
  if (!model) throw new UsageError(`inspect: the checkpoint in ${printable(from)} holds no model.`)
  const config = configFromState(model.config)
  const parameters = Object.values(model.weights).reduce((total, { data }) => total + data.length, 0)
  const { strong } = palette(context.output, context.environment)
  const predicted = life?.record ? predictedOf(recordFromState('inspect', life.record)) : null
  const policy = life?.settings?.policy?.digest ?? null
  const facts: [string, string][] = [
    ['parameters', count(parameters)],
    ['vocabulary', count(config.vocabulary)],
    ['context', count(config.context)],
    ['width', widthOf(config)],
    ...config.blocks.map((block): [string, string] => [`block ${printable(block.id)}`, sizesOf(block)]),
    ...(learner ? ([['steps learnt', count(learner.step)]] as [string, string][]) : []),
    ...(predicted
      ? ([
          [
            'predicted',
            `${bitsPerByte(predicted.mean)} bits per byte before it was learnt, lately ${bitsPerByte(predicted.faded)}`,
          ],
        ] as [string, string][])
      : []),
    ...(learner
      ? ([['built from', savedPartNames(learner).map(printable).join(', ')]] as [string, string][])
      : []),
    ...(policy === null ? [] : ([['policy', policy]] as [string, string][])),
  ]
  const sections = [`${strong('Model')}\n${table(['', printable(from)], facts)}`]
  if (growth) {
    const title = strong('Growth')
    sections.push(
      learner
        ? `${title}\n${growthHistory(learner.journal.map(eventFromState), parameters, context.output.columns)}`
        : `${title}\n${logHistory(model.growth, parameters, context.output.columns)}`,
    )
  }
  const kept = await keptOn(disk)
  if (kept.length > 0) {
    const [latest] = kept.slice(-1).map(({ number }) => String(number))
    const rows = kept.map((each) => [
      String(each.number),
      count(each.parameters),
      each.step === null ? '' : count(each.step),
    ])
    const out = pathArgument(`${from}-${latest}`)
    const take = shellCommand('restore', '--from', pathArgument(from), '--kept', latest, '--out', out)
    sections.push(
      `${strong('Kept')}\n${table(['number', 'parameters', 'steps learnt'], rows)}\nTake the last one up again with: ${take}`,
    )
  }
  if (picture !== undefined) {
    if (!(await mayBecomePicture(picture))) {
      throw new UsageError(
        `inspect: ${printable(picture)} is no picture and would be overwritten. Give another file.`,
      )
    }
    const log = model.growth ?? { birth: config, entries: [] }
    await writeFile(picture, growthPicture(log)).catch((error: NodeJS.ErrnoException) => {
      throw new UsageError(`inspect: cannot write ${printable(picture)} (${error.code ?? error.message}).`)
    })
  }
  if (!json) {
    context.output.write(`${sections.join('\n\n')}\n`)
    return 0
  }
  const events = learner?.journal.map(eventFromState)
  const whole = {
    ...{ model: from, form, parameters, config, step: learner?.step ?? null },
    ...{ bitsPerByte: predicted?.mean ?? null, latestBitsPerByte: predicted?.faded ?? null },
    ...{ parts: learner ? savedPartNames(learner) : null, policy, kept },
    ...(growth && { growth: growthsOf(events, model.growth) }),
  }
  context.output.write(`${JSON.stringify(whole)}\n`)
  return 0
}

/** Whether there is no such file yet, or one that is an SVG already. */
async function mayBecomePicture(file: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '<svg')
  return /^\s*(<\?xml[^>]*>\s*)?<svg/.test(text)
}

/** A checkpoint that was kept. */
interface Kept {
  readonly number: number
  readonly parameters: number
  /** Null where it holds no learner. */
  readonly step: number | null
}

/** The checkpoints that were kept. */
async function keptOn(disk: Disk): Promise<Kept[]> {
  const found: Kept[] = []
  for (const kept of await keptCheckpoints(disk)) {
    const { model, learner } = (await describeCheckpoint(disk, { kept })) as {
      model?: Pick<GptState, 'config'>
      learner?: Pick<SavedLearner, 'step'>
    }
    const specs = model ? parameterSpecs(configFromState(model.config)) : []
    const parameters = specs.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0)
    found.push({ number: kept, parameters, step: learner?.step ?? null })
  }
  return found
}
