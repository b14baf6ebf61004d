/** `burgeon generate` and `burgeon forecast`: what they take. */
import { type Command, Option } from 'commander'
import { generate, type GenerateCommandOptions } from '../commands/generate.ts'
import { forecast, type ForecastCommandOptions } from '../commands/senses/forecast.ts'
import { generatePiece, type GeneratePieceOptions } from '../commands/senses/generate-piece.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { UsageError } from '../terminal/usage-error.ts'
import { json, number, wholeNumber } from './option-values.ts'

/** The options by which a token is drawn. */
export function sampling(command: Command): Command {
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

/** Options of text alone. */
const ofText = [
  ...(['tokens', 'minP', 'repetitionPenalty', 'frequencyPenalty', 'presencePenalty'] as const),
  ...(['stop', 'whenFull', 'label'] as const),
]

/** Adds the command that writes: text, or with `--sense` a picture or sound. */
export function addGenerate(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = sampling(
    program
      .command('generate')
      .description(
        'let a model speak: a checkpoint, a Hugging Face folder or a GGUF file; or draw, where it has learnt pictures or sound',
      )
      .option('-p, --prompt <text>', 'what it goes on from; of a picture or sound its name')
      .option('--from <path>', 'checkpoint, folder or file of the model, or hf://owner/model', 'life')
      .option(
        '-n, --tokens <n>',
        'tokens to write, bytes unless the vocabulary has grown',
        wholeNumber(0),
        200,
      ),
  )
    .option(
      '--label <domain>',
      'write as in this domain; as in the likeliest unless given, in a life with labels',
    )
    .option('--stop <text...>', 'end before one of these texts')
    .addOption(
      new Option('--when-full <what>', 'what happens when the context is full')
        .choices(['slide', 'stop', 'error'])
        .default('slide'),
    )
    .option(
      '--sense <name>',
      "write a picture or sound in the place of text: grey, rgb, pcm8, 'grey/1 28x28'",
    )
    .option('-o, --out <file>', 'with --sense: the file that is written, .png or .wav')
    .option('--seconds <x>', 'of sound; as long as the context holds unless given', number(1e-3, 3600))
    .addOption(json('print one object of JSON when all is written'))
  command.action(async (options: Partial<GenerateCommandOptions & GeneratePieceOptions>) => {
    if (options.sense === undefined) {
      const [other] = (['out', 'seconds'] as const).filter((name) => options[name] !== undefined)
      if (other !== undefined)
        throw new UsageError(`generate: got --${other} without --sense; expected both or neither.`)
      if (options.prompt === undefined)
        throw new UsageError('generate: got no --prompt; expected a text that it goes on from.')
      finish(await generate(options as GenerateCommandOptions, context))
      return
    }
    const given = ofText.find((name) => command.getOptionValueSource(name) === 'cli')
    if (given !== undefined) {
      const flag = given.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
      throw new UsageError(`generate: got --${flag} with --sense; expected it for text alone.`)
    }
    finish(await generatePiece(options as GeneratePieceOptions, context))
  })
}

/** Adds the command that tells what comes next in a table of numbers. */
export function addForecast(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('forecast')
    .description('tell what comes next in a table of numbers, by a life that has learnt such')
    .argument('<file>', 'table with a line of names (CSV); the latest moments are its last lines')
    .requiredOption('-n, --steps <n>', 'moments ahead', wholeNumber(1))
    .option('--from <path>', 'folder of the life', 'life')
    .option('--level <p>', 'share of what comes that the band shall hold', number(0.01, 0.99), 0.9)
    .option('--samples <n>', 'continuations that are drawn', wholeNumber(2), 50)
    .option('-t, --temperature <x>', 'how boldly they are drawn', number(0.01, 100), 1)
    .addOption(new Option('--seed <n>', 'same seed, same numbers').default(0).argParser(wholeNumber(0)))
    .option('-o, --out <file>', 'table that is written; standard output unless given')
    .addOption(json('print one object of JSON'))
    .action(async (file: string, options: ForecastCommandOptions) =>
      finish(await forecast(file, options, context)),
    )
}
