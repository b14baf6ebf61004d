/** `burgeon audit` and `burgeon card`: what they take. */
import type { Command } from 'commander'
import {
  auditCheck,
  auditHead,
  auditProve,
  auditVerify,
  type CheckOptions,
  type VerifyOptions,
} from '../commands/audit/audit.ts'
import { card, type CardOptions } from '../commands/audit/card.ts'
import type { CommandContext } from '../terminal/command-context.ts'
import { json, several, wholeNumber } from './option-values.ts'

const life = ['folder of the life', 'life'] as const

/** Adds the commands. */
export function addAudit(program: Command, context: CommandContext, finish: (code: number) => void): void {
  const audit = program
    .command('audit')
    .description('verify the log of all that changed the weights of a life, and prove what is in it')
  audit
    .command('verify')
    .description('look whether the log is as it was written; ends with 3 where it is not')
    .argument('[folder]', ...life)
    .addOption(several('--head <head>', 'a head that a witness holds, ROOT:SIZE; again for more of them'))
    .addOption(json('print one object of JSON'))
    .action(async (folder: string, options: VerifyOptions) =>
      finish(await auditVerify(folder, options, context)),
    )
  audit
    .command('head')
    .description('print the head of the log, which is enough to witness it: ROOT:SIZE')
    .argument('[folder]', ...life)
    .addOption(json('print one object of JSON'))
    .action(async (folder: string, options: { readonly json: boolean }) =>
      finish(await auditHead(folder, options, context)),
    )
  audit
    .command('prove')
    .description('print a proof that the life has learnt an experience, as JSON')
    .argument('<folder>', life[0])
    .argument('<id>', 'its number', wholeNumber(0))
    .action(async (folder: string, id: number) => finish(await auditProve(folder, id, context)))
  audit
    .command('check')
    .description('check a proof, without the life; ends with 3 where it does not hold')
    .argument('<proof>', 'file of what prove, or a server, has printed')
    .option('--text <file>', 'the text that was learnt')
    .option('--head <head>', 'a head that a witness holds, ROOT:SIZE')
    .addOption(json('print one object of JSON'))
    .action(async (proof: string, options: CheckOptions) => finish(await auditCheck(proof, options, context)))
}

/** Adds the command. */
export function addCard(
  program: Command,
  version: string,
  context: CommandContext,
  finish: (code: number) => void,
): void {
  program
    .command('card')
    .description('write the model card of a life from the life itself; what nobody states is said to be so')
    .argument('[folder]', ...life)
    .option('-o, --out <file>', 'write it into this file')
    .option('--name <name>', 'name of the model; that of the folder unless given')
    .option('--license <id>', 'its licence, such as mit')
    .option('--contact <text>', 'whom to ask')
    .addOption(several('--language <code>', 'a language of its texts, such as en; again for more of them'))
    .addOption(several('--intended <text>', 'what it is meant for; again for more'))
    .addOption(several('--not-for <text>', 'what it is not meant for; again for more'))
    .addOption(json('print what the life says as one object of JSON'))
    .action(async (folder: string, options: CardOptions) =>
      finish(await card(folder, version, options, context)),
    )
}
