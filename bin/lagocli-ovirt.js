#!/usr/bin/env node
// lagocli ovirt, under the name that it had in 0.5. Old syntax only, as in lago.js.
process.argv.splice(2, 0, 'ovirt')
import('./lagocli.js')
