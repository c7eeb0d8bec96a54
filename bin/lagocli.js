#!/usr/bin/env node
// Old syntax only, as in lago.js; src/main.ts reads it.
global[Symbol.for('lago.program')] = 'lagocli'
import('./lago.js')
