/** `burgeon plan`: what it takes. */
import { type Command, Option } from 'commander'
import { plan, type PlanOptions } from '../../commands/plan/plan.ts'
import type { CommandContext } from '../../terminal/command-context.ts'
import { json, number, wholeNumber } from '../option-values.ts'

/** Adds the command. */
export function addPlan(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('plan')
    .description('say which machines a model of some size takes, for how long, and at what price')
    .option('--parameters <n>', 'learnt numbers of the model, such as 7e9', number(1e6, 1e16))
    .option('--from <folder>', 'a life whose model is planned for, as it is')
    .option('--vocabulary <n>', 'tokens that there are; 128000 unless given', wholeNumber(1))
    .option('--context <n>', 'tokens of a sequence; 8192 unless given', wholeNumber(1))
    .option('--tokens <n>', 'tokens that it learns; 20 for each parameter unless given', number(1, 1e20))
    .option('--device <name>', 'a100, h100, h200, b200, rtx4090, or one of the assumptions', 'h200')
    .addOption(new Option('--precision <name>', 'of products').choices(['bf16', 'f32']).default('bf16'))
    .option('--rehearsal <share>', 'rehearsed tokens for each fresh one', number(0, 100), 0)
    .option('--ewc', 'importance and anchor of elastic weight consolidation are kept, too', false)
    .option('--batch <n>', 'tokens of a step; 4194304 unless given', wholeNumber(1))
    .option('--days <n>', 'days that it may take: as many copies as that needs', number(0.001, 1e6))
    .option(
      '--simulate <rounds>',
      'simulate so many rounds of its copies, with stragglers and failures',
      wholeNumber(1, 1e6),
    )
    .option(
      '--variation <x>',
      'with --simulate: how much steps vary, deviation by mean; 0.1 unless given',
      number(0, 10),
    )
    .option(
      '--machine-days <n>',
      'with --simulate: days from one failure of a machine to the next; 264 unless given',
      number(1e-3, 1e9),
    )
    .option(
      '--assumptions <file>',
      'JSON of devices, utilization, prices: what it names takes the place of the usual',
    )
    .addOption(json('print the plan and its assumptions as one object of JSON'))
    .action(async (options: PlanOptions) => finish(await plan(options, context)))
}
