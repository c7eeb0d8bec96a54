/** The init file's vocabulary for editors, generated from the schema that Lago itself checks with. */
import { z } from 'zod'
import { initFileSchema } from './schema.js'

/** Text of `templates/init-file.schema.json`. */
export function renderInitFileJsonSchema(): string {
  const schema = { title: 'LagoInitFile', ...z.toJSONSchema(initFileSchema, { io: 'input' }) }
  return `${JSON.stringify(schema, undefined, 2)}\n`
}
