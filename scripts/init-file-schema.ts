/** Writes templates/init-file.schema.json; run it as build/scripts/init-file-schema.js after a change of the schema. */
import { writeFile } from 'node:fs/promises'
import { renderInitFileJsonSchema } from '../src/spec/json-schema.js'

// two levels up from build/scripts
await writeFile(new URL('../../templates/init-file.schema.json', import.meta.url), renderInitFileJsonSchema())
