/** `burgeon serve`: what it takes. */
import type { Command } from 'commander'
import { serve, type ServeCommandOptions } from '../commands/serve/serve.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { json, number, several, wholeNumber } from './option-values.ts'
import { settingsIn, withConfig } from './with-config.ts'

/** Adds the command. */
export function addServe(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const command = program
    .command('serve')
    .description('answer clients of OpenAI over HTTP, and learn what is sent to /v1/learn')
    .argument('[model]', 'folder of a life, any other model, or hf://owner/model', 'life')
    .option('--host <address>', 'address to listen on; any but 127.0.0.1 wants keys', '127.0.0.1')
    .option('--port <n>', 'port to listen on, 0 for any', wholeNumber(0, 65_535), 8080)
    .option('--name <name>', 'name of the model for clients; that of the folder or file unless given')
    .option('--keys <file>', 'JSON list of { key, scopes }; the variable BURGEON_API_KEY may do everything')
    .addOption(several('--origin <origin>', 'a web page that may ask, again for several'))
    .option(
      '--learn-share <x>',
      'share of the time that learning gets while texts are written',
      number(0, 1),
      0.3,
    )
    .option('--learn <source>', 'learn a file, a folder or records at the same time, and whatever is added')
    .option('--column <name>', 'with --learn: of tables learn this column alone, by its name or number')
    .option(
      '--keep-experience <MB>',
      'with --learn: megabytes of records that stay in the journal once they are learnt; 256 unless given',
      wholeNumber(0),
    )
    .option('--from <path>', 'with --learn: begin a new life with the weights of a model')
    .option(
      '--sleep-every <steps>',
      'with --learn: steps after which a new life sleeps; never unless given',
      wholeNumber(1),
    )
    .option(
      '--senses',
      'with --learn: learn pictures (PNG), sound (WAV) and tables of numbers (CSV) as such',
      false,
    )
    .option('--policy <file>', 'JSON of what may be learnt, said and grown, and what needs approval')
    .option('--guard <file>', 'JSON of guards by name: what may be learnt at all, and how far it is trusted')
    .option('--approve-growth', 'have growth wait until somebody approves it at /v1/growth', false)
    .option('--read-only', 'leave a life as it is', false)
    .option('--plain', 'write a plain transcript, though the model has a chat template', false)
    .option('--mcp', 'offer tools for agents at /mcp (Model Context Protocol)', false)
    .option('--publish <name>', 'publish the weights under a name, for replicas that follow')
    .option(
      '--publish-every <seconds>',
      'with --publish: seconds from one version to the next; 1 unless given',
      number(0.05, Infinity),
    )
    .option('--follow <name>', 'answer with the weights that a learner publishes, and follow them')
    .option('--door <name>', 'let requests in for the replicas that follow a name')
    .option('--broker <address>', 'of a NATS broker; nats://localhost:4222, or BURGEON_BROKER, unless given')
    .option('--credentials <file>', 'JSON of user and password, or token, for the broker')
    .option('--tls', 'seal what is sent to the broker', false)
    .option('--tls-ca <file>', 'certificates that the one of the broker is signed by')
    .option('--tls-cert <file>', 'certificate to show to the broker')
    .option('--tls-key <file>', 'its key')
    .option('--jsonl <file>', 'write the numbers of every step into a file, a line of JSON each')
    .option('--tensorboard <folder>', 'write them as event files that TensorBoard reads')
    .addOption(json('print a line of JSON when it answers, and one when it has ended'))
  withConfig(command).action(async () => {
    const { values, given } = await settingsIn(command, context)
    const { model, ...options } = values as unknown as ServeCommandOptions & { readonly model: string }
    finish(await serve(model, { ...options, isModelGiven: given.has('model') }, context))
  })
}
