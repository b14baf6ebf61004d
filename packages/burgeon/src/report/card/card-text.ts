/** A model card as Markdown: the sections of Mitchell et al. 2019, and the metadata that Hugging Face reads. */

/** What a life cannot know of itself: somebody says it, or nobody does. */
export interface CardStatements {
  readonly name: string
  /** Version of burgeon. */
  readonly version: string
  /** Licence, by its identifier, such as `mit`. */
  readonly license?: string | undefined
  /** Codes of languages, such as `en`. */
  readonly languages: readonly string[]
  readonly intended: readonly string[]
  readonly notFor: readonly string[]
  readonly contact?: string | undefined
}

/** Limits of changes, by name: numbers, and the digest of what guards it. */
type Limits = Readonly<Record<string, number | string | null>>

/** What a life says of itself, with the limits `L` of its changes. Plain data; nothing is invented. */
export interface CardFacts<L extends object = object> {
  readonly model: {
    readonly parameters: number
    readonly blocks: number
    readonly width: number
    readonly context: number
    readonly vocabulary: number
    /** Whether it began with weights that were trained elsewhere. */
    readonly pretrained: boolean
    readonly seed: number
  }
  /** How far it has lived. */
  readonly life: { readonly step: number; readonly bytes: number; readonly seconds: number }
  readonly data: {
    /** What was read of files, by the names of their sources. */
    readonly sources: readonly { readonly label: string; readonly files: number; readonly bytes: number }[]
    /** Experiences of records that were learnt. */
    readonly experiences: number
    /** Bytes learnt of each domain, most first, and their shares of all. */
    readonly domains: readonly { readonly name: string; readonly bytes: number; readonly share: number }[]
  }
  /** Bits per byte of what came, before it was learnt: over the whole life, and of late; null before the first step. */
  readonly predicted: { readonly mean: number; readonly late: number } | null
  /** Bits per byte of texts that are never learnt, when they were first and last measured. */
  readonly heldOut: readonly { readonly name: string; readonly first: number; readonly last: number }[]
  /** How sure it may be; empty where it keeps no account. */
  readonly certainty: readonly { readonly label: string; readonly value: string }[]
  readonly growth: {
    readonly born: number
    readonly now: number
    readonly events: readonly { readonly step: number; readonly bytes: number; readonly summary: string }[]
  }
  /** Pre-determined changes: what was declared before it lived, what holds now, and what has become of it. */
  readonly changes: {
    /** By the first entry of the audit log; null where it does not say. */
    readonly declared: L | null
    readonly now: L
    /** Whether its size is within what was declared; null where nothing was. */
    readonly isWithin: boolean | null
  }
  /** Names of its guard and of what protects what it knows; empty for none. */
  readonly guards: readonly string[]
  /** The head of its audit log, and whether all of that holds; null where it has none. */
  readonly audit: { readonly size: number; readonly root: string; readonly holds: boolean } | null
}

/** Rows of a table, above which it says how many more there are. */
const maxRows = 20
const notStated = 'Not stated.'

/** The card. Whatever nobody has stated is said to be so. */
export function cardText(facts: CardFacts, stated: CardStatements): string {
  const { model, life, predicted, audit } = facts
  const sections: [string, readonly string[]][] = [
    [
      'Model details',
      [
        `A decoder-only transformer that has learnt from a stream and goes on learning, made with burgeon ${stated.version}` +
          `${model.pretrained ? '; it began with weights that were trained elsewhere' : '; it was born with random weights'}.`,
        table(
          ['', ''],
          [
            ['parameters', shown(model.parameters)],
            ['blocks, width', `${model.blocks}, ${model.width}`],
            ['context, vocabulary', `${shown(model.context)} tokens, ${shown(model.vocabulary)}`],
            [
              'learnt',
              `${shown(life.bytes)} bytes in ${shown(life.step)} steps, ${Math.round(life.seconds)} s`,
            ],
            ['seed', String(model.seed)],
          ],
        ),
        `License: ${stated.license === undefined ? notStated : inline(stated.license)} Contact: ${stated.contact === undefined ? notStated : inline(stated.contact)}`,
      ],
    ],
    ['Intended use', [listed(stated.intended)]],
    ['Out-of-scope use', [listed(stated.notFor)]],
    ['Training data', trainingData(facts)],
    [
      'Metrics and evaluation',
      [
        predicted === null
          ? 'Nothing was predicted yet.'
          : `It predicted all that came at ${predicted.mean.toFixed(3)} bits per byte before it learnt it, and at ${predicted.late.toFixed(3)} of late (prequential loss).`,
        facts.heldOut.length === 0
          ? 'No text was held out to measure on.'
          : table(
              ['text that is never learnt', 'bits per byte, first', 'last'],
              facts.heldOut.map(({ name, first, last }) => [inline(name), first.toFixed(3), last.toFixed(3)]),
            ),
        ...(facts.certainty.length === 0
          ? ['It keeps no account of how sure it may be.']
          : [
              table(
                ['certainty', ''],
                facts.certainty.map(({ label, value }) => [inline(label), inline(value)]),
              ),
            ]),
      ],
    ],
    ['Growth', growthOf(facts)],
    ['Pre-determined changes', changesOf(facts)],
    [
      'Safeguards and audit',
      [
        `Guards: ${facts.guards.length === 0 ? 'none.' : facts.guards.map(inline).join('; ')}`,
        audit === null
          ? 'It has no audit log.'
          : `Audit log: ${audit.holds ? 'whole' : '**not whole**'}, head \`${audit.root}:${audit.size}\`. It says what changed the weights, and \`burgeon audit verify\` holds it against this head.`,
      ],
    ],
  ]
  const body = sections.map(([title, parts]) => `## ${title}\n\n${parts.join('\n\n')}\n`)
  return `${metadata(stated)}\n# ${inline(stated.name)}\n\n${body.join('\n')}`
}

function trainingData({ data: { sources, experiences, domains } }: CardFacts): string[] {
  return [
    sources.length === 0 && experiences === 0
      ? 'It has read no source whose name it keeps.'
      : table(
          ['source', 'files', 'bytes'],
          [
            ...sources.map(({ label, files, bytes }) => [inline(label), shown(files), shown(bytes)]),
            ...(experiences > 0 ? [['records of a journal', `${shown(experiences)} records`, '']] : []),
          ],
        ),
    table(
      ['domain', 'bytes', 'share'],
      domains.map(({ name, bytes, share }) => [inline(name), shown(bytes), `${(100 * share).toFixed(1)} %`]),
    ),
  ]
}

function growthOf({ growth: { born, now, events } }: CardFacts): string[] {
  const lead = `Born with ${shown(born)} parameters, it has ${shown(now)} now, after ${shown(events.length)} ${events.length === 1 ? 'growth' : 'growths'}.`
  const rows = events.map(({ step, bytes, summary }) => [shown(step), shown(bytes), inline(summary)])
  return events.length === 0 ? [lead] : [lead, table(['step', 'bytes', 'what grew'], rows)]
}

function changesOf({ changes: { declared, now, isWithin } }: CardFacts): string[] {
  const before = declared as Limits | null
  const limits = Object.entries(now as Limits)
  const rows = limits.map(([name, value]) => {
    const then = before?.[name]
    return [
      name,
      then === undefined ? '?' : limit(then),
      limit(value),
      then === undefined || then === value ? '' : 'changed since',
    ]
  })
  return [
    before === null
      ? 'What was declared before it lived is not known: it has no audit log from then on, or one that is not whole.'
      : `Declared before it lived, by the first entry of its audit log. Its size ${isWithin === true ? 'was never above' : '**has gone beyond**'} what was declared.`,
    table(['limit', 'declared', 'now', ''], rows),
  ]
}

const limit = (value: number | string | null): string => (value === null ? 'none' : String(value))
const shown = (value: number): string => value.toLocaleString('en')

/** Text of others on one line, without markup of its own. */
const inline = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/[\\`*_{}[\]<>|#]/g, (mark) => `\\${mark}`)

const listed = (all: readonly string[]): string =>
  all.length === 0 ? notStated : all.map((one) => `- ${inline(one)}`).join('\n')

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const more = rows.length - maxRows
  return [
    line(head),
    line(head.map(() => '---')),
    ...rows.slice(0, maxRows).map(line),
    ...(more > 0 ? [line([`and ${shown(more)} more`, ...head.slice(1).map(() => '')])] : []),
  ].join('\n')
}

/** What Hugging Face reads: only what is known. JSON is YAML. */
function metadata({ license, languages }: CardStatements): string {
  return [
    '---',
    'library_name: burgeon',
    'pipeline_tag: text-generation',
    ...(license === undefined ? [] : [`license: ${JSON.stringify(license)}`]),
    ...(languages.length === 0 ? [] : [`language: ${JSON.stringify(languages)}`]),
    `tags: ${JSON.stringify(['continual-learning', 'growing-network'])}`,
    '---',
    '',
  ].join('\n')
}
