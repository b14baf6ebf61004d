/** `burgeon mcp`: what it takes. */
import type { Command } from 'commander'
import { mcp, type McpOptions } from '../commands/mcp.ts'
import type { CommandContext } from '../terminal/command-context.ts'

/** Adds the command. */
export function addMcp(program: Command, context: CommandContext, finish: (code: number) => void): void {
  program
    .command('mcp')
    .description('offer tools to the agent that starts it: the Model Context Protocol over standard input')
    .argument('[model]', 'folder of a life, any other model, or hf://owner/model', 'life')
    .option('--name <name>', 'name of the model; that of the folder or file unless given')
    .option('--read-only', 'leave a life as it is: without a tool that teaches', false)
    .action(async (model: string, options: McpOptions) => finish(await mcp(model, options, context)))
}
