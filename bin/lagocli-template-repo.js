#!/usr/bin/env node
// lagocli template-repo, under the name that it had in 0.5. Old syntax only, as in lago.js.
process.argv.splice(2, 0, 'template-repo')
import('./lagocli.js')
