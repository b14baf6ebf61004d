/** The command line: which commands there are and what they take. */
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { addAudit, addCard } from './arguments/audit-command.ts'
import { addCluster } from './arguments/machines/cluster-command.ts'
import { addInit } from './arguments/init-command.ts'
import { addLearn, out, resume, seed } from './arguments/learn-command.ts'
import { json, oneCharacter, several, wholeNumber } from './arguments/option-values.ts'
import { addMcp } from './arguments/mcp-command.ts'
import { addPlan } from './arguments/machines/plan-command.ts'
import { addControl } from './arguments/control-commands.ts'
import { addQuarantine } from './arguments/quarantine-command.ts'
import { addForecast, addGenerate, sampling } from './arguments/writing-commands.ts'
import { addServe } from './arguments/serve-command.ts'
import { addConfig } from './arguments/with-config.ts'
import type { CommandContext } from './terminal/command-context.ts'
import { chat, type ChatOptions } from './commands/chat/chat.ts'
import { convert, type ConvertOptions } from './commands/convert.ts'
import { drift, type DriftOptions } from './commands/drift/drift.ts'
import { type DetectorName, detectorNames } from './commands/drift/named-detectors.ts'
import { evaluate, type EvalOptions } from './commands/evaluate.ts'
import { explain, type ExplainCommandOptions } from './commands/explain/explain.ts'
import { type FirstLifeOptions, firstLife } from './commands/first-life.ts'
import { forget, type ForgetOptions } from './commands/forget.ts'
import { health, type HealthOptions } from './commands/upkeep/health.ts'
import { type InspectOptions, inspect } from './commands/inspect/inspect.ts'
import { type RestoreOptions, restore } from './commands/restore.ts'
import { sleep, type SleepCommandOptions } from './commands/upkeep/sleep.ts'
import { printableLines } from './terminal/terminal.ts'

/** Builds the program. `finish` is given the exit code of the command that ran. */
export function commandLine(context: CommandContext, finish: (code: number) => void): Command {
  const program = new Command('burgeon')
    .description('A language model that never stops learning and never stops growing.')
    .version(version(), '-V, --version', 'print the version')
    .showHelpAfterError('(--help says more)')
    .configureOutput({
      writeOut: (text) => context.output.write(printableLines(text)),
      writeErr: (text) => context.status.write(printableLines(text)),
    })
    .exitOverride()

  program
    .command('first-life')
    .description('let a small GPT live its first life on the text of this checkout, within three minutes')
    .option('--quick', 'end within half a minute', false)
    .option('--root <folder>', 'the checkout whose node_modules are read', '.')
    .addOption(out('first-life'))
    .addOption(seed)
    .addOption(resume)
    .addOption(json('print a line of JSON per step, and one at the end'))
    .action(async (options: FirstLifeOptions) => finish(await firstLife(options, context)))

  addLearn(program, context, finish)

  addGenerate(program, context, finish)
  addForecast(program, context, finish)

  sampling(
    program
      .command('chat')
      .description(
        'talk with a model, line by line; /good, /bad and /better TEXT say of an answer what it was worth, and a life learns that; ' +
          'Ctrl-C ends an answer, and then the talk',
      )
      .option('--from <path>', 'checkpoint, folder or file of the model, or hf://owner/model', 'life')
      .option('--system <text>', 'what stands before the talk')
      .option('--plain', 'write a plain transcript, though the model has a chat template', false)
      .option('-n, --tokens <n>', 'max tokens of an answer', wholeNumber(1), 400),
  )
    .addOption(json('print an object of JSON for each answer, and for what is said of one'))
    .action(async (options: ChatOptions) => finish(await chat(options, context)))

  program
    .command('eval')
    .description('measure how well a model predicts a text')
    .argument('<file>', 'the text, or - for standard input')
    .option('--model <path>', 'checkpoint, folder or file of the model, or hf://owner/model', 'life')
    .option('--label <domain>', 'the domain of the text; it is inferred unless given, in a life with labels')
    .option('--window <n>', 'tokens that a prediction may see; the context unless given', wholeNumber(1))
    .option(
      '--stride <n>',
      'tokens that each further window predicts; half a window unless given',
      wholeNumber(1),
    )
    .addOption(json('print the numbers as JSON'))
    .action(async (file: string, options: EvalOptions) => finish(await evaluate(file, options, context)))

  program
    .command('drift')
    .description('tell where a column of numbers changes: a CSV file, or - for standard input')
    .argument('<file>', 'rows with commas between, or -')
    .addOption(several('-c, --column <name>', 'name or number of a column; again for more of them'))
    .addOption(
      several(
        '-d, --detector <name>',
        `${detectorNames.join(', ')}; again for several at once; adwin unless given`,
        (name) => {
          if ((detectorNames as readonly string[]).includes(name)) return name as DetectorName
          throw new InvalidArgumentError(`Expected one of ${detectorNames.join(', ')}.`)
        },
      ),
    )
    .addOption(several('--option <key=value>', 'option of the detector, or name.key=value with several'))
    .option('--raw', 'hand detectors the values in their own unit, not in standard deviations', false)
    .option('--no-header', 'the first line holds numbers, and no names')
    .option('--skip-missing', 'leave out rows without a number, instead of stopping there', false)
    .option('--separator <character>', 'what stands between fields', oneCharacter, ',')
    .addOption(json('print a line of JSON per alarm, and one with the totals'))
    .action(async (file: string, options: DriftOptions) => finish(await drift(file, options, context)))

  program
    .command('inspect')
    .description('show what a checkpoint, a Hugging Face folder or a GGUF file holds')
    .argument(
      '[path]',
      'checkpoint, folder or file of the model, or hf://owner/model; the folder life unless given',
    )
    .option('--from <path>', 'the same')
    .option('--growth', 'show how the model grew, too', false)
    .option('--picture <file>', 'draw how the model grew, as SVG')
    .addOption(json('print what it holds as one object of JSON'))
    .action(async (path: string | undefined, options: InspectOptions) =>
      finish(await inspect(path, options, context)),
    )

  addServe(program, context, finish)
  addMcp(program, context, finish)
  addPlan(program, context, finish)
  addCluster(program, context, finish)
  addConfig(program, context, finish)
  addInit(program, context, finish)
  addAudit(program, context, finish)
  addQuarantine(program, context, finish)
  addCard(program, version(), context, finish)
  addControl(program, context, finish)

  program
    .command('convert')
    .description(
      'write a model in another form: a checkpoint as a Hugging Face folder, all else as a checkpoint, or as a GGUF file',
    )
    .argument('<from>', 'checkpoint, folder or file of the model, or hf://owner/model')
    .argument('<to>', 'a place where nothing is; a name that ends in .gguf is a GGUF file')
    .addOption(
      new Option('--to <form>', 'the form to write, if it is another').choices(['checkpoint', 'folder']),
    )
    .addOption(
      new Option('--type <type>', 'how a GGUF file holds its numbers; F32 unless given').choices([
        ...(['F32', 'F16', 'Q8_0', 'Q4_0'] as const),
      ]),
    )
    .addOption(json('print one object of JSON'))
    .action(async (from: string, to: string, options: ConvertOptions) =>
      finish(await convert(from, to, options, context)),
    )

  program
    .command('restore')
    .description('make a checkpoint that was kept the present one of another folder')
    .option('--from <folder>', 'folder of the checkpoint', 'life')
    .requiredOption('--kept <n>', 'its number, as inspect shows it', wholeNumber(1))
    .requiredOption('-o, --out <folder>', 'a folder without a checkpoint')
    .addOption(json('print one object of JSON'))
    .action(async (options: RestoreOptions) => finish(await restore(options, context)))

  program
    .command('health')
    .description('look whether a life is in good health: its files, their room, its learner')
    .argument('[folder]', 'folder of the life', 'life')
    .option('--page <file>', 'write what was found as a page, too')
    .addOption(json('print an object of JSON for each finding, and one at the end'))
    .action(async (folder: string, options: HealthOptions) => finish(await health(folder, options, context)))

  program
    .command('sleep')
    .description('have a life sleep once: it rehearses and dreams, and has undone what does harm')
    .argument('[folder]', 'folder of the life', 'life')
    .option(
      '--steps <n>',
      'it may do a twentieth of what so many steps take; those since it slept last count unless given',
      wholeNumber(1),
    )
    .addOption(json('print one object of JSON'))
    .action(async (folder: string, options: SleepCommandOptions) =>
      finish(await sleep(folder, options, context)),
    )

  program
    .command('explain')
    .description('tell why a model would answer a text as it is said: tokens, layers, parts, experiences')
    .argument('<model>', 'folder of a life, or another model: checkpoint, folder, file, or hf://owner/model')
    .argument('<text>', 'what it reads')
    .argument('<answer>', 'what is to be explained')
    .option('--instead <text>', 'an answer of as many tokens, instead of which it is given')
    .option('--experiences <n>', 'experiences to tell', wholeNumber(0), 5)
    .option('--replay', 'live the life again without each of them: exact, and slow', false)
    .option('--page <file>', 'write it as a page, too')
    .addOption(json('print one object of JSON'))
    .action(async (model: string, text: string, answer: string, options: ExplainCommandOptions) =>
      finish(await explain(model, text, answer, options, context)),
    )

  program
    .command('forget')
    .description('let go of what was learnt from a source of records, or live again without it')
    .option('--from <folder>', 'folder of the life', 'life')
    .option('--source <name>', 'its name, such as nats://localhost/notes')
    .addOption(several('--id <n>', 'number of an experience; again for more of them', wholeNumber(0)))
    .option('--drop-kept', 'let go of the checkpoints that were kept, which hold it too', false)
    .option('--replay', 'make a life in another folder that never learnt it', false)
    .option('-o, --out <folder>', 'a folder without a checkpoint, for --replay')
    .addOption(json('print one object of JSON'))
    .action(async ({ id, ...options }: ForgetOptions & { readonly id: readonly number[] }) =>
      finish(await forget({ ...options, ids: id }, context)),
    )
  return program
}

/** Version of this package, from its manifest. */
function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
