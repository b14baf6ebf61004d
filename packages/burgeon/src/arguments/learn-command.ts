/** `burgeon learn`: what it takes. */
import { type Command, Option } from 'commander'
import { learn, type LearnCommandOptions } from '../commands/learn.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { leastRecall } from '../session/life/life-settings.ts'
import { UsageError } from '../terminal/usage-error.ts'
import { json, number, wholeNumber } from './option-values.ts'
import { settingsIn, withConfig } from './with-config.ts'

/** Folder for checkpoint and report. */
export const out = (folder: string): Option =>
  new Option('-o, --out <folder>', 'folder for checkpoint and report').default(folder)

/** Without a default: whoever goes on with a life must not seem to have asked for one. */
export const seed: Option = new Option('--seed <n>', 'same seed, same life; 0 unless given').argParser(
  wholeNumber(0),
)

export const resume: Option = new Option('--resume', 'go on from the checkpoint in --out').default(false)

/** Adds the command. */
export function addLearn(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = program
    .command('learn')
    .description('learn your own text: a file, a folder, - for standard input, or records as they come')
    .argument('[source]', 'file, folder, -, sse:URL, nats://HOST/SUBJECT or mqtt://HOST/TOPIC')
    .addOption(out('life'))
    .addOption(resume)
    .option(
      '--from <path>',
      'begin with the weights of a model: a Hugging Face folder, a GGUF file, a checkpoint, hf://owner/model',
    )
    .option(
      '--own-text <rows>',
      'rows that such a model writes and rehearses, for its own data are not there; 128 unless given',
      wholeNumber(0),
    )
    .option(
      '--protection <x>',
      'how much it costs to move weights that matter (EWC); 0 unless given',
      number(0, 1e12),
    )
    .option(
      '--senses',
      'learn pictures (PNG), sound (WAV) and tables of numbers (CSV) as such, named by their folders',
      false,
    )
    .option('--column <name>', 'of tables (CSV, TSV) learn this column alone, by its name or number')
    .option('--append', 'go on from there with text that is new from its first byte', false)
    .option('--passes <n>', 'read a file or folder so many times in all; once unless given', wholeNumber(1))
    .addOption(seed)
    .option(
      '--learning-rate <x>',
      'how far a step goes; 0.001 for a new life, 0.0003 with --from',
      number(1e-12, 1e12),
    )
    .option(
      '--max-parameters <n>',
      'max parameters the model may grow to; 4000000 unless given, with --from half as many again; may change with --resume',
      wholeNumber(1),
    )
    .option(
      '--vocabulary <n>',
      'max tokens it may grow to, 256 being the bytes alone; 1536 unless given, with --from none is added',
      wholeNumber(256),
    )
    .option(
      '--recall <bytes>',
      'bytes of memory beside the weights, by which what was read once is written again; none unless given',
      wholeNumber(leastRecall),
    )
    .option(
      '--sleep-every <steps>',
      'steps after which it sleeps: it rehearses and dreams, and has undone what does harm; never unless given',
      wholeNumber(1),
    )
    .option(
      '--coverage <p>',
      'keep account of how sure it may be: of sets of tokens that hold what comes so often; none unless given',
      number(0.01, 0.99),
    )
    .option(
      '--average <decay>',
      'answer with an average of the weights over steps, such as 0.98 over some fifty; with them as they are unless given',
      number(0, 0.9999),
    )
    .option(
      '--labels',
      'put the domain of each row before it, a file or folder of notes: it learns them apart, and writes like any',
    )
    .option(
      '--policy <file>',
      'JSON of what may be learnt, said and grown, and what needs approval; everything unless given',
    )
    .option(
      '--guard <file>',
      'JSON of guards by name: what may be learnt at all, and how far it is trusted; everything unless given',
    )
    .option(
      '--similarity <x>',
      'leave out a record that shares so much with one before, above 0 up to 1; equal ones alone unless given',
      number(1e-3, 1),
    )
    .option(
      '--keep-experience <MB>',
      'megabytes of records that stay in the journal once they are learnt; 256 unless given',
      wholeNumber(0),
    )
    .option('--keep-sizes', 'keep a checkpoint of every size it had', false)
    .option('--jsonl <file>', 'write the numbers of every step into a file, a line of JSON each')
    .option('--tensorboard <folder>', 'write them as event files that TensorBoard reads')
    .addOption(json('print a line of JSON per step, and one at the end'))
    .addHelpText('after', examples)
  withConfig(command).action(async () => {
    const settings = await settingsIn(command, context)
    const { source, ...options } = settings.values as unknown as LearnCommandOptions & {
      readonly source?: string
    }
    if (source === undefined) {
      throw new UsageError(
        'learn: got nothing to learn; expected a file, a folder or -, here or as source of learn in the file of settings.',
      )
    }
    finish(await learn(source, forThisLife(options, settings.given), context))
  })
}

/** What a life has from its beginning on. */
const ofBirth: ReadonlySet<string> = new Set<keyof LearnCommandOptions>([
  ...(['from', 'ownText', 'seed', 'vocabulary', 'protection'] as const),
  ...(['recall', 'sleepEvery', 'coverage', 'average', 'labels'] as const),
])

/** What a file says of the beginning of a life is no mistake where one goes on. */
function forThisLife(options: LearnCommandOptions, given: ReadonlySet<string>): LearnCommandOptions {
  if (!options.resume && !options.append) return options
  const counts = ([name]: readonly [string, unknown]): boolean => !ofBirth.has(name) || given.has(name)
  return Object.fromEntries(Object.entries(options).filter(counts)) as unknown as LearnCommandOptions
}

const examples = `
With --resume, what was read is known by length and content: what is the same is not read again, what is longer goes on
where it ended, new and changed files are read whole. Another source is simply learnt next. Standard input must begin
with what was read of it before; with --append all of it is new text.

Examples:
  burgeon learn notes/                          a folder, from the beginning, into the folder life
  burgeon learn notes/ --resume                 go on, or learn what was added since
  burgeon learn book.txt --resume --passes 3    another text, three times
  burgeon learn inbox/ --senses                 text, pictures, sound and tables of numbers
  burgeon learn notes/ --from models/llama      go on from weights that were trained elsewhere
  tail -f app.log | burgeon learn - --append    whatever comes, until Ctrl-C
  burgeon learn sse:http://localhost:8080/news  server-sent events, each once, also if it is killed
`
