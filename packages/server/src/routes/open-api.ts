/** The description of a server in OpenAPI 3.1, from the routes and schemas that it works with. */
import { z } from 'zod'
import type { Route } from './route.ts'

/** The document, as JSON has it. */
export function openApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const { method, path, summary, scope, body, response } of routes) {
    const [content, answer] = [body, response].map(
      (schema) =>
        schema && { 'application/json': { schema: z.toJSONSchema(schema, { unrepresentable: 'any' }) } },
    )
    const failed = { $ref: '#/components/responses/Failed' }
    const place = path.replaceAll(/:(\w+)/g, '{$1}')
    const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      ...{ name, in: 'path', required: true, schema: { type: 'integer', minimum: 0 } },
    }))
    paths[place] = {
      ...paths[place],
      [method]: {
        summary,
        ...(parameters.length > 0 && { parameters }),
        security: scope === 'open' ? [] : [{ key: [scope] }],
        ...(content && { requestBody: { required: true, content } }),
        responses: {
          200: { description: 'What was asked for.', ...(answer && { content: answer }) },
          default: failed,
        },
      },
    }
  }
  const text = { type: ['string', 'null'] }
  return {
    openapi: '3.1.0',
    info: {
      title: 'burgeon',
      version,
      description: 'A model that learns: the API of OpenAI, and what teaches it.',
    },
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      responses: {
        Failed: {
          description: 'What is wrong.',
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: {
                  error: {
                    type: 'object',
                    properties: {
                      message: { type: 'string' },
                      type: { type: 'string' },
                      param: text,
                      code: text,
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  }
}
