/** The command line: which commands there are and what they take. */
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { CommandContext } from './terminal/command-context.ts'
import { chat, type ChatOptions } from './commands/chat.ts'
import { convert, type ConvertOptions } from './commands/convert.ts'
import { drift, type DriftOptions } from './commands/drift/drift.ts'
import { type DetectorName, detectorNames } from './commands/drift/named-detectors.ts'
import { evaluate, type EvalOptions } from './commands/evaluate.ts'
import { type FirstLifeOptions, firstLife } from './commands/first-life.ts'
import { type GenerateCommandOptions, generate } from './commands/generate.ts'
import { type InspectOptions, inspect } from './commands/inspect.ts'
import { learn } from './commands/learn.ts'
import type { LearnOptions } from './commands/life/begin-life.ts'
import { type RestoreOptions, restore } from './commands/restore.ts'
import { serve, type ServeCommandOptions } from './commands/serve.ts'
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

  const out = (folder: string): Option =>
    new Option('-o, --out <folder>', 'folder for checkpoint and report').default(folder)
  // Without a default: whoever goes on with a life must not seem to have asked for one.
  const seed = new Option('--seed <n>', 'same seed, same life; 0 unless given').argParser(wholeNumber(0))
  const resume = new Option('--resume', 'go on from the checkpoint in --out').default(false)

  program
    .command('first-life')
    .description('let a small GPT live its first life on the text of this checkout, within three minutes')
    .option('--quick', 'end within half a minute', false)
    .option('--root <folder>', 'the checkout whose node_modules are read', '.')
    .addOption(out('first-life'))
    .addOption(seed)
    .addOption(resume)
    .action(async (options: FirstLifeOptions) => finish(await firstLife(options, context)))

  program
    .command('learn')
    .description('learn your own text: a file, a folder, or - for standard input')
    .argument('<source>', 'file, folder or -')
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
    .option('--keep-sizes', 'keep a checkpoint of every size it had', false)
    .addHelpText('after', learnHelp)
    .action(async (source: string, options: LearnOptions) => finish(await learn(source, options, context)))

  sampling(
    program
      .command('generate')
      .description('let a model speak: a checkpoint, a Hugging Face folder or a GGUF file')
      .requiredOption('-p, --prompt <text>', 'what it goes on from')
      .option('--from <path>', 'checkpoint, folder or file of the model, or hf://owner/model', 'life')
      .option(
        '-n, --tokens <n>',
        'tokens to write, bytes unless the vocabulary has grown',
        wholeNumber(0),
        200,
      ),
  )
    .option('--stop <text...>', 'end before one of these texts')
    .addOption(
      new Option('--when-full <what>', 'what happens when the context is full')
        .choices(['slide', 'stop', 'error'])
        .default('slide'),
    )
    .action(async (options: GenerateCommandOptions) => finish(await generate(options, context)))

  sampling(
    program
      .command('chat')
      .description('talk with a model, line by line; Ctrl-C ends an answer, and then the talk')
      .option('--from <path>', 'checkpoint, folder or file of the model, or hf://owner/model', 'life')
      .option('--system <text>', 'what stands before the talk')
      .option('--plain', 'write a plain transcript, though the model has a chat template', false)
      .option('-n, --tokens <n>', 'max tokens of an answer', wholeNumber(1), 400),
  ).action(async (options: ChatOptions) => finish(await chat(options, context)))

  program
    .command('eval')
    .description('measure how well a model predicts a text')
    .argument('<file>', 'the text, or - for standard input')
    .option('--model <path>', 'checkpoint, folder or file of the model, or hf://owner/model', 'life')
    .option('--window <n>', 'tokens that a prediction may see; the context unless given', wholeNumber(1))
    .option(
      '--stride <n>',
      'tokens that each further window predicts; half a window unless given',
      wholeNumber(1),
    )
    .option('--json', 'print the numbers as JSON', false)
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
    .option('--json', 'print a line of JSON per alarm, and one with the totals', false)
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
    .action(async (path: string | undefined, options: InspectOptions) =>
      finish(await inspect(path, options, context)),
    )

  program
    .command('serve')
    .description('answer clients of OpenAI over HTTP, and learn what is sent to /v1/learn')
    .argument('[path]', 'folder of a life, any other model, or hf://owner/model', 'life')
    .option('--host <address>', 'address to listen on; any but 127.0.0.1 wants keys', '127.0.0.1')
    .option('--port <n>', 'port to listen on, 0 for any', wholeNumber(0), 8080)
    .option('--name <name>', 'name of the model for clients; that of the folder or file unless given')
    .option('--keys <file>', 'JSON list of { key, scopes }; the variable BURGEON_API_KEY may do everything')
    .addOption(several('--origin <origin>', 'a web page that may ask, again for several'))
    .option(
      '--learn-share <x>',
      'share of the time that learning gets while texts are written',
      number(0, 1),
      0.3,
    )
    .option('--learn <source>', 'learn a file or folder at the same time, and whatever is added to it')
    .option('--from <path>', 'with --learn: begin a new life with the weights of a model')
    .option('--read-only', 'leave a life as it is', false)
    .option('--plain', 'write a plain transcript, though the model has a chat template', false)
    .action(async (path: string, options: ServeCommandOptions) => finish(await serve(path, options, context)))

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
    .action(async (from: string, to: string, options: ConvertOptions) =>
      finish(await convert(from, to, options, context)),
    )

  program
    .command('restore')
    .description('make a checkpoint that was kept the present one of another folder')
    .option('--from <folder>', 'folder of the checkpoint', 'life')
    .requiredOption('--kept <n>', 'its number, as inspect shows it', wholeNumber(1))
    .requiredOption('-o, --out <folder>', 'a folder without a checkpoint')
    .action(async (options: RestoreOptions) => finish(await restore(options, context)))
  return program
}

/** An option that may be given again and again; its value is the list. */
function several<T = string>(
  flags: string,
  description: string,
  read: (text: string) => T = (text) => text as T,
): Option {
  return new Option(flags, description)
    .default([], 'none')
    .argParser<T[]>((text, before) => [...before, read(text)])
}

function oneCharacter(text: string): string {
  const character = text === '\\t' ? '\t' : text
  if (/^[^"\r\n]$/u.test(character)) return character
  throw new InvalidArgumentError('Expected one character, or \\t; no quote and no line end.')
}

/** The options by which a token is drawn. */
function sampling(command: Command): Command {
  return command
    .option('-t, --temperature <x>', '0 takes the likeliest byte each time', number(0, Infinity), 0.8)
    .option('--top-k <n>', 'only the n likeliest bytes', wholeNumber(1))
    .option('--top-p <x>', 'only the likeliest bytes with this total probability', number(0, 1))
    .option('--min-p <x>', "only tokens with this share of the likeliest one's probability", number(0, 1))
    .option('--repetition-penalty <x>', 'divides the logits of tokens that the text has', number(1e-12, 1e12))
    .option(
      '--frequency-penalty <x>',
      'taken from a logit each time its token was written',
      number(-1e12, 1e12),
    )
    .option(
      '--presence-penalty <x>',
      'taken from the logits of tokens that were written',
      number(-1e12, 1e12),
    )
    .addOption(new Option('--seed <n>', 'same seed, same text').default(0).argParser(wholeNumber(0)))
}

const learnHelp = `
With --resume, what was read is known by length and content: what is the same is not read again, what is longer goes on
where it ended, new and changed files are read whole. Another source is simply learnt next. Standard input must begin
with what was read of it before; with --append all of it is new text.

Examples:
  burgeon learn notes/                          a folder, from the beginning, into the folder life
  burgeon learn notes/ --resume                 go on, or learn what was added since
  burgeon learn book.txt --resume --passes 3    another text, three times
  burgeon learn notes/ --from models/llama      go on from weights that were trained elsewhere
  tail -f app.log | burgeon learn - --append    whatever comes, until Ctrl-C
`

/** Version of this package, from its manifest. */
function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}

function wholeNumber(min: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isSafeInteger(value) || value < min) {
      throw new InvalidArgumentError(`Expected a whole number of ${min} or more.`)
    }
    return value
  }
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !(value >= min && value <= max)) {
      throw new InvalidArgumentError(`Expected a number from ${min}${max === Infinity ? '' : ` to ${max}`}.`)
    }
    return value
  }
}
