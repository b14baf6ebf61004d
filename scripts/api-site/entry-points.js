/**
 * A plugin of TypeDoc. Modules are called what a program imports, `burgeon/tensor`, and not what their files
 * are; a module or a public name without a comment is a warning. TypeDoc's own check would ask for a comment
 * at every property, too.
 */
import { readFileSync } from 'node:fs'
import { Application, Comment, Converter, ReflectionKind } from 'typedoc'

/** What a file says of itself in its first lines. */
function headOf(file) {
  const [, head = ''] = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(file, 'utf8')) ?? []
  return head.replace(/^ *\* ?/gm, '').trim()
}

/** @param {import('typedoc').Application} app */
export function load(app) {
  const names = new Map(Object.entries(JSON.parse(process.env['BURGEON_ENTRY_POINTS'] ?? '{}')))
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module | ReflectionKind.Namespace)) {
      const file = project.getSymbolIdFromReflection(module)?.fileName
      if (file === undefined) continue
      module.name = names.get(file) ?? module.name
      module.comment ??= new Comment([{ kind: 'text', text: headOf(file) }])
    }
  })
  app.on(Application.EVENT_VALIDATE_PROJECT, (project) => {
    for (const module of project.children ?? []) {
      for (const item of [module, ...(module.children ?? [])]) {
        const isReference = item.variant === 'reference'
        if (isReference || item.hasComment() || item.signatures?.some((signature) => signature.hasComment()))
          continue
        app.logger.validationWarning(`${item.getFullName()} has no comment`)
      }
    }
  })
}
